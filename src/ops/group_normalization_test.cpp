// SPDX-License-Identifier: Apache-2.0
#include "graph/text.h"
#include "ops/testing.h"
#include "ops/upgrade_testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(InstanceNormalization, TakesEachChannelOfASampleAlone) {
    expect_values("(f32[2,2,3] x, f32[2] w, f32[2] b) => (f32[2,2,3] y) { y = InstanceNormalization<epsilon = 0.1>(x, w, b) }",
                  {"f32[2,2,3]{2,0,1,-3,-2,0,2,-3,-3,-2,1,2}", "f32[2]{1,2}", "f32[2]{0.5,-1}"},
                  {"f32[2,2,3]{1.64208,-0.6420804,0.5,-3.072511,-1.518128,1.590639,1.901655,-0.2008275,-0.2008275,-3.699305,-0.2287701,0.9280747}"});
    expect_values(R"((f32[1,2,2] x) => (f32[1,2,2] y) { y = InstanceNormalization<epsilon = 0.0, layout = "NHWC">(x, f32[2]{1,10}, f32[2]{0,1}) })",
                  {"f32[1,2,2]{1,5,3,7}"}, {"f32[1,2,2]{-1,-9,1,11}"});
    expect_values("(f32[0,2,2] x) => (f32[0,2,2] y) { y = InstanceNormalization(x, f32[2]{1,10}, f32[2]{0,1}) }", {"f32[0,2,2]{}"}, {"f32[0,2,2]{}"});
    typed_graph("(f32[N,C,H,W] x) => (f32[N,C,H,W] y) { y = InstanceNormalization(x, random[3], random[3]) }");
}

TEST(GroupNormalization, TakesGroupsOfChannelsTogether) {
    expect_values("(f32[1,4,1,2] x, f32[4] w, f32[4] b) => (f32[1,4,1,2] y) { y = GroupNormalization<epsilon = 0.1, num_groups = 2>(x, w, b) }",
                  {"f32[1,4,1,2]{2,0,1,-3,-2,0,2,-3}", "f32[4]{1,2,-1,0.5}", "f32[4]{0.5,-1,0,1}"},
                  {"f32[1,4,1,2]{1.554093,0.5,0.05409265,-4.162278,0.6422938,-0.3853762,1.706523,0.4219356}"});
}

TEST(GroupNormalization, HadScaleAndBiasPerGroup) {
    const char* text = "(f32[1,4,1] x) => (f32[1,4,1] y) { y = GroupNormalization<num_groups = 2, epsilon = 0.0>(x, f32[2]{1,10}, f32[2]{0,1}) }";
    const Graph g = upgraded(text, 18);
    const Tensor x = parse_tensor("f32[1,4,1]{1,3,5,7}");
    expect_close(evaluate(g, {&x, 1})[0], parse_tensor("f32[1,4,1]{-1,1,-9,11}"), 1e-6, "y");
    expect_infer_error(text, "scale (input 1) has the shape [2] instead of [4]");
    const Graph computed = upgraded("(f32[1,4,1] x, f32[2] s) => (f32[1,4,1] y) { y = GroupNormalization<num_groups = 2, epsilon = 0.0>(x, s, f32[2]{0,1}) }", 20);
    const std::vector<Tensor> in{x, parse_tensor("f32[2]{1,10}")};
    expect_close(evaluate(computed, in)[0], parse_tensor("f32[1,4,1]{-1,1,-9,11}"), 1e-6, "y");
    EXPECT_THROW(upgraded("(f32[1,C,1] x) => (f32[1,C,1] y) { y = GroupNormalization<num_groups = 2>(x, f32[2]{1,10}, f32[2]{0,1}) }", 18), Error);
}

TEST(GroupNormalization, RefusesGroupsThatDoNotFit) {
    expect_infer_error("(f32[1,4,1] x) => (f32[1] y) { y = GroupNormalization<num_groups = 3>(x, random[4], random[4]) }", "4 channels cannot be shared out among 3 groups");
    expect_infer_error("(f32[1,4,1] x) => (f32[1] y) { y = GroupNormalization<num_groups = 0>(x, random[4], random[4]) }", "among 0 groups");
    expect_infer_error("(f32[4] x) => (f32[1] y) { y = InstanceNormalization(x, random[4], random[4]) }", "has the shape [4]");
}

}  // namespace
}  // namespace tercet::testing
