// SPDX-License-Identifier: Apache-2.0
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

// x[0, c, 0, w] = 2*c + w
constexpr const char* deep = "f32[1,8,1,2]{0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15}";

TEST(DepthToSpace, MakesBlocks) {
    expect_values("(f32[1,8,1,2] x) => (f32[1,2,2,4] y) { y = DepthToSpace<blocksize = 2>(x) }", {deep}, {"f32[1,2,2,4]{0,4,1,5,8,12,9,13,2,6,3,7,10,14,11,15}"});
    expect_values(R"((f32[1,8,1,2] x) => (f32[1,2,2,4] y) { y = DepthToSpace<blocksize = 2, mode = "CRD">(x) })", {deep},
                  {"f32[1,2,2,4]{0,2,1,3,4,6,5,7,8,10,9,11,12,14,13,15}"});
    expect_values("(bool[1,4,1,1] x) => (bool[1,1,2,2] y) { y = DepthToSpace<blocksize = 2>(x) }", {"bool[1,4,1,1]{1,0,0,1}"}, {"bool[1,1,2,2]{1,0,0,1}"});
    expect_values("(f32[0,4,1,1] x) => (f32[0,1,2,2] y) { y = DepthToSpace<blocksize = 2>(x) }", {"f32[0,4,1,1]{}"}, {"f32[0,1,2,2]{}"});
    typed_graph("(f32[N,27,H,W] x) => (f32[N,3,3*H,3*W] y) { y = DepthToSpace<blocksize = 3>(x) }");
}

TEST(DepthToSpace, WithChannelsLast) {  // pixel (0, w) has the channels c: 8*w + c
    expect_values(R"((f32[1,1,2,4] x) => (f32[1,2,4,1] y) { y = DepthToSpace<blocksize = 2, layout = "NHWC">(x) })", {"f32[1,1,2,4]{0,1,2,3,4,5,6,7}"},
                  {"f32[1,2,4,1]{0,1,4,5,2,3,6,7}"});
}

TEST(SpaceToDepth, IsTheInverse) {
    expect_values("(f32[1,2,2,4] x) => (f32[1,8,1,2] y) { y = SpaceToDepth<blocksize = 2>(x) }", {"f32[1,2,2,4]{0,4,1,5,8,12,9,13,2,6,3,7,10,14,11,15}"}, {deep});
    for (const char* mode : {"DCR", "CRD"})
        expect_values(std::string("(f32[1,8,1,2] x) => (f32[1,8,1,2] y) { a = DepthToSpace<blocksize = 2, mode = \"") + mode + "\">(x) y = SpaceToDepth<blocksize = 2, mode = \"" +
                          mode + "\">(a) }", {deep}, {deep});
    typed_graph("(f32[N,3,6,2*W] x) => (f32[N,12,3,W] y) { y = SpaceToDepth<blocksize = 2>(x) }");
}

TEST(DepthToSpace, Refuses) {
    expect_infer_error("(f32[1,6,1,1] x) => (f32[1,1,1,1] y) { y = DepthToSpace<blocksize = 2>(x) }", "6 channels cannot be divided by 4");
    expect_infer_error("(f32[1,4,1,1] x) => (f32[1,1,1,1] y) { y = DepthToSpace<blocksize = 0>(x) }", "blocksize 0");
    expect_infer_error("(f32[1,4,1,1] x) => (f32[1,1,1,1] y) { y = DepthToSpace<blocksize = 9223372036854775807>(x) }", "blocksize 9223372036854775807");
    expect_infer_error("(f32[4,1,1] x) => (f32[1,1,1,1] y) { y = DepthToSpace<blocksize = 2>(x) }", "the input has rank 3");
    expect_infer_error(R"((f32[1,4,1,1] x) => (f32[1,1,1,1] y) { y = DepthToSpace<blocksize = 2, mode = "X">(x) })", "unknown mode 'X'");
    expect_infer_error("(f32[1,4,1,1] x) => (f32[1,1,1,1] y) { y = DepthToSpace(x) }", "attribute 'blocksize' is missing");
    expect_infer_error("(f32[1,4,3,2] x) => (f32[1,1,1,1] y) { y = SpaceToDepth<blocksize = 2>(x) }", "3 rows cannot be divided by 2");
}

}  // namespace
}  // namespace tercet::testing
