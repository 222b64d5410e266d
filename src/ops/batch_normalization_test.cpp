// SPDX-License-Identifier: Apache-2.0
#include "graph/text.h"
#include "ops/testing.h"
#include "ops/upgrade_testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(BatchNormalization, NormalizesByGivenStatistics) {
    expect_values("(f32[2,2,1,2] x, f32[2] w, f32[2] b, f32[2] c, f32[2] d) => (f32[2,2,1,2] y) { y = BatchNormalization<epsilon = 0.01>(x, w, b, c, d) }",
                  {"f32[2,2,1,2]{1,2,-3,0,0,0,-2,0}", "f32[2]{1,2}", "f32[2]{0.5,-1}", "f32[2]{1,-1}", "f32[2]{4,0.25}"},
                  {"f32[2,2,1,2]{0.5,0.9993762,-8.844645,2.922323,0.0006238222,0.0006238222,-4.922323,2.922323}"});
    expect_values("(f32[2,3] x, f32[3] w, f32[3] b, f32[3] c, f32[3] d) => (f32[2,3] y) { y = BatchNormalization(x, w, b, c, d) }",
                  {"f32[2,3]{1,2,-3,0,0,0}", "f32[3]{1,2,1}", "f32[3]{0.5,-1,0}", "f32[3]{1,-1,0}", "f32[3]{4,0.25,1}"},
                  {"f32[2,3]{0.5,10.99976,-2.999985,5.960464e-07,2.99992,0}"});
    expect_values(R"((f32[1,1,2,2] x) => (f32[1,1,2,2] y) { y = BatchNormalization<epsilon = 0.0, layout = "NHWC">(x, f32[2]{1,2}, f32[2]{0,1}, f32[2]{1,2}, f32[2]{4,1}) })",
                  {"f32[1,1,2,2]{1,2,3,4}"}, {"f32[1,1,2,2]{0,1,1,5}"});
    expect_values("(f16[3] x) => (f16[3] y) { y = BatchNormalization<epsilon = 0.0>(x, f32[1]{2}, f32[1]{0}, f32[1]{1}, f32[1]{4}) }", {"f16[3]{1,2,3}"}, {"f16[3]{0,1,2}"});
    typed_graph("(f32[N,C,H] x) => (f32[N,C,H] y) { y = BatchNormalization(x, random[3], random[3], random[3], positive[3]) }");
}

TEST(BatchNormalization, OfOlderOperatorSets) {
    const Graph g = upgraded("(f32[1,1,2] x) => (f32[1,1,2] y) { y, m, v, sm, sv = BatchNormalization<spatial = 1, momentum = 0.9, epsilon = 0.0>"
                             "(x, f32[1]{1}, f32[1]{0}, f32[1]{1}, f32[1]{4}) }", 7);
    const Tensor x = parse_tensor("f32[1,1,2]{1,3}");
    expect_close(evaluate(g, {&x, 1})[0], parse_tensor("f32[1,1,2]{0,1}"), 1e-6, "y");
    EXPECT_THROW(upgraded("(f32[1,1,2] x) => (f32[1,1,2] y) { y = BatchNormalization<spatial = 0>(x, random[1], random[1], random[1], random[1]) }", 7), Error);
    EXPECT_THROW(upgraded("(f32[1,1,2] x) => (f32[1,1,2] y, f32[1] m) { y, m = BatchNormalization(x, random[1], random[1], random[1], random[1]) }", 9), Error);
}

TEST(BatchNormalization, TakesTheStatisticsOfItsInputInTraining) {
    const char* graph = "(f32[N,2,2] x) => (f32[N,2,2] y, f32[2] m, f32[2] v) { y, m, v = BatchNormalization<training_mode = 1, epsilon = 0.0, momentum = 0.75>"
                        "(x, f32[2]{1,2}, f32[2]{0,10}, f32[2]{8,0}, f32[2]{0,4}) }";
    // channel 0: {1,3,5,7}, mean 4, variance 5; channel 1: {0,0,2,2}, mean 1, variance 1
    expect_values(graph, {"f32[2,2,2]{1,3,0,0,5,7,2,2}"},
                  {"f32[2,2,2]{-1.3416408,-0.4472136,8,8,0.4472136,1.3416408,12,12}", "f32[2]{7,0.25}", "f32[2]{1.25,3.25}"});
    expect_values("(f32[2,1] x) => (f32[2,1] y) { y = BatchNormalization<training_mode = 1, epsilon = 0.0>(x, f32[1]{1}, f32[1]{0}, f32[1]{0}, f32[1]{0}) }", {"f32[2,1]{1,3}"}, {"f32[2,1]{-1,1}"});
    expect_values(R"((f32[1,2,2] x) => (f32[1,2,2] y) { y = BatchNormalization<training_mode = 1, epsilon = 0.0, layout = "NHWC">(x, f32[2]{1,1}, f32[2]{0,0}, f32[2]{0,0}, f32[2]{0,0}) })",
                  {"f32[1,2,2]{1,10,3,30}"}, {"f32[1,2,2]{-1,-1,1,1}"});
    expect_values("(f32[0,1] x) => (f32[0,1] y) { y = BatchNormalization<training_mode = 1>(x, f32[1]{1}, f32[1]{0}, f32[1]{0}, f32[1]{0}) }", {"f32[0,1]{}"}, {"f32[0,1]{}"});
}

TEST(BatchNormalization, Refuses) {
    expect_infer_error("(f32[1,1,2] x) => (f32[1,1,2] y) { y, m, v, sm, sv = BatchNormalization<training_mode = 1>(x, random[1], random[1], random[1], random[1]) }", "has 5 outputs, gives at most 3 in training mode");
    expect_infer_error("(f32[1,3,2] x) => (f32[1] y) { y = BatchNormalization(x, random[3], random[3], random[2], random[3]) }", "mean (input 3) has the shape [2] instead of [3]");
}

}  // namespace
}  // namespace tercet::testing
