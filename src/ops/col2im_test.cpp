// SPDX-License-Identifier: Apache-2.0
#include "graph/text.h"
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(Col2Im, AddsUpOverlappingBlocks) {
    // Blocks of 2 at 0, 1, 2 of 4 elements.
    expect_values("(f32[1,2,3] x) => (f32[1,1,4] y) { y = Col2Im(x, i64[1]{4}, i64[1]{2}) }", {"f32[1,2,3]{1,2,3,10,20,30}"}, {"f32[1,1,4]{1,12,23,30}"});
    // Blocks of 1 x 2 side by side: two rows, two columns of blocks, two channels.
    expect_values("(f32[1,4,4] x) => (f32[1,2,2,4] y) { y = Col2Im<strides = [1, 2]>(x, i64[2]{2,4}, i64[2]{1,2}) }",
                  {"f32[1,4,4]{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16}"}, {"f32[1,2,2,4]{1,5,2,6,3,7,4,8,9,13,10,14,11,15,12,16}"});
    // Blocks of 2, 2 apart within, from -1 on.
    expect_values("(i32[1,2,3] x) => (i32[1,1,3] y) { y = Col2Im<dilations = [2], pads = [1, 1]>(x, i64[1]{3}, i64[1]{2}) }", {"i32[1,2,3]{1,2,3,10,20,30}"}, {"i32[1,1,3]{2,13,20}"});
}

TEST(Col2Im, RoundsOnceAndWraps) {
    expect_values("(f16[1,3,1] x) => (f16[1,3,1] y) { y = Col2Im(x, i64[1]{1}, i64[1]{1}) }", {"f16[1,3,1]{1,2,3}"}, {"f16[1,3,1]{1,2,3}"});
    expect_values("(u8[1,2,2] x) => (u8[1,1,3] y) { y = Col2Im(x, i64[1]{3}, i64[1]{2}) }", {"u8[1,2,2]{1,200,100,3}"}, {"u8[1,1,3]{1,44,3}"});
    expect_values("(bool[1,2,2] x) => (bool[1,1,3] y) { y = Col2Im(x, i64[1]{3}, i64[1]{2}) }", {"bool[1,2,2]{0,1,1,0}"}, {"bool[1,1,3]{0,1,0}"});
}

TEST(Col2Im, FollowsSymbols) {
    typed_graph("(f32[N,8,L] x) => (f32[N,2,5,6] y) { y = Col2Im(x, i64[2]{5,6}, i64[2]{2,2}) }");
    expect_values("(f32[0,2,3] x) => (f32[0,1,4] y) { y = Col2Im(x, i64[1]{4}, i64[1]{2}) }", {"f32[0,2,3]{}"}, {"f32[0,1,4]{}"});
}

TEST(Col2Im, RefusesWhatDoesNotFit) {
    struct { const char *text, *part; } cases[] = {
        {"(f32[1,2,2] x) => (f32[1] y) { y = Col2Im(x, i64[1]{4}, i64[1]{2}) }", "columns of shape [1,2,2] for 3 blocks of 2 elements"},
        {"(f32[1,3,3] x) => (f32[1] y) { y = Col2Im(x, i64[1]{4}, i64[1]{2}) }", "columns of shape [1,3,3]"},
        {"(f32[1,2,3] x) => (f32[1] y) { y = Col2Im(x, i64[1]{4}, i64[2]{2,1}) }", "an image of 1 axes and a block of 2"},
        {"(f32[1,2,3] x) => (f32[1] y) { y = Col2Im(x, i64[1]{1}, i64[1]{2}) }", "has no room for a block"},
        {"(f32[1,2,3] x) => (f32[1] y) { y = Col2Im<strides = [0]>(x, i64[1]{4}, i64[1]{2}) }", "'strides' is [0]"},
        {"(f32[1,2,3] x) => (f32[1] y) { y = Col2Im(x, i64[1]{4}, i64[1]{0}) }", "the block has the extent 0"},
        {"(f32[2,3] x) => (f32[1] y) { y = Col2Im(x, i64[1]{4}, i64[1]{2}) }", "it must have 3 axes"},
    };
    for (const auto& c : cases) expect_infer_error(c.text, c.part);
    const Graph g = typed_graph("(f32[1,2,L] x) => (f32[1,1,4] y) { y = Col2Im(x, i64[1]{4}, i64[1]{2}) }");
    const Tensor x = parse_tensor("f32[1,2,2]{1,2,3,4}");
    EXPECT_THROW(evaluate(g, {&x, 1}), Error);
}

}  // namespace
}  // namespace tercet::testing
