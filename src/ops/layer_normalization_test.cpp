// SPDX-License-Identifier: Apache-2.0
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(LayerNormalization, OverTheAxesFromOneOn) {
    expect_values("(f32[2,1,3] x, f32[3] w, f32[3] b) => (f32[2,1,3] y, f32[2,1,1] z, f32[2,1,1] w2) { y, z, w2 = LayerNormalization<epsilon = 0.1>(x, w, b) }",
                  {"f32[2,1,3]{2,0,1,-3,-2,0}", "f32[3]{1,2,-1}", "f32[3]{0.5,-1,0}"},
                  {"f32[2,1,3]{1.64208,-3.284161,0,-0.5362554,-1.518128,-1.295319}", "f32[2,1,1]{1,-1.666667}", "f32[2,1,1]{1.14208,0.7771916}"});
    expect_values("(f32[2,2,2] x, f32[2,2] w) => (f32[2,2,2] y, f32[2,1,1] z, f32[2,1,1] w2) { y, z, w2 = LayerNormalization<axis = 1>(x, w) }",
                  {"f32[2,2,2]{2,0,1,-3,-2,0,2,-3}", "f32[2,2]{1,2,-1,3}"},
                  {"f32[2,2,2]{1.069043,0,-0.5345217,-4.810696,-0.6509437,0.7811324,-1.432076,-3.515096}", "f32[2,1,1]{0,-0.75}", "f32[2,1,1]{0.5345217,0.5207549}"});
    expect_values("(f32[2,2,2] x, f32[2] w) => (f32[2,2,2] y) { y = LayerNormalization<axis = -3>(x, w) }",
                  {"f32[2,2,2]{2,0,1,-3,-2,0,2,-3}", "f32[2]{1,2}"},
                  {"f32[2,2,2]{1.229006,0.3881072,0.7115299,-2.716751,-0.840899,0.3881072,1.229006,-2.716751}"});
}

TEST(LayerNormalization, StatisticsHaveTheirOwnType) {
    expect_values("(f16[1,2] x) => (f16[1,2] y, f32[1,1] m, f32[1,1] d) { y, m, d = LayerNormalization<epsilon = 0.0>(x, f16[2]{1,1}) }", {"f16[1,2]{1,4}"},
                  {"f16[1,2]{-1,1}", "f32[1,1]{2.5}", "f32[1,1]{0.6666667}"});
    typed_graph("(f16[N,S,8] x) => (f16[N,S,8] y, bf16[N,S,1] d) { y, _, d = LayerNormalization<stash_type = 16>(x, f16[8]{1,1,1,1,1,1,1,1}) }");
}

TEST(LayerNormalization, RefusesWhatDoesNotFit) {
    expect_infer_error("(f32[2,3] x) => (f32[1] y) { y = LayerNormalization(x, random[2]) }", "scale of shape [2] does not broadcast");
    expect_infer_error("(f32[2,3] x) => (f32[1] y) { y = LayerNormalization(x, random[3], random[1,2,3]) }", "bias of shape [1,2,3] does not broadcast");
    expect_infer_error("(f32[2,3] x) => (f32[1] y) { y = LayerNormalization<axis = 2>(x, random[3]) }", "axis 2");
    expect_infer_error("(f32[2,3] x) => (f32[1] y) { y = LayerNormalization<stash_type = 10>(x, random[3]) }", "stash_type = 10");
}

}  // namespace
}  // namespace tercet::testing
