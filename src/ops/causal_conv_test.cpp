// SPDX-License-Identifier: Apache-2.0
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(CausalConvWithState, LooksBack) {
    expect_values("(f32[1,2,3] x, f32[2,1,2] w) => (f32[1,2,3] y, f32[1,2,1] s) { y, s = CausalConvWithState(x, w) }",
                  {"f32[1,2,3]{1,2,3,4,5,6}", "f32[2,1,2]{10,1,0,2}"}, {"f32[1,2,3]{1,12,23,8,10,12}", "f32[1,2,1]{3,6}"});
    expect_values("(f32[1,1,2] x, f32[1,1,3] w) => (f32[1,1,2] y, f32[1,1,2] s) { y, s = CausalConvWithState(x, w, f32[1]{0.5}, f32[1,1,2]{7,8}) }",
                  {"f32[1,1,2]{1,2}", "f32[1,1,3]{100,10,1}"}, {"f32[1,1,2]{781.5,812.5}", "f32[1,1,2]{1,2}"});
}

TEST(CausalConvWithState, KeepsWhatAShortInputLeavesOfTheState) {
    expect_values("(f32[1,1,1] x, f32[1,1,3] w) => (f32[1,1,1] y, f32[1,1,2] s) { y, s = CausalConvWithState(x, w, _, f32[1,1,2]{7,8}) }", {"f32[1,1,1]{1}", "f32[1,1,3]{0,0,1}"},
                  {"f32[1,1,1]{1}", "f32[1,1,2]{8,1}"});
    expect_values("(f32[1,1,0] x, f32[1,1,2] w) => (f32[1,1,0] y, f32[1,1,1] s) { y, s = CausalConvWithState(x, w) }", {"f32[1,1,0]{}", "f32[1,1,2]{1,1}"}, {"f32[1,1,0]{}", "f32[1,1,1]{0}"});
    expect_values("(f32[1,1,1] x, f32[1,1,1] w) => (f32[1,1,1] y, f32[1,1,0] s) { y, s = CausalConvWithState(x, w) }", {"f32[1,1,1]{2}", "f32[1,1,1]{3}"}, {"f32[1,1,1]{6}", "f32[1,1,0]{}"});
}

TEST(CausalConvWithState, AppliesSiLU) {
    for (const char* name : {"silu", "swish"})
        expect_values(std::string("(f32[1,1,2] x) => (f32[1,1,2] y) { y = CausalConvWithState<activation = \"") + name + "\">(x, f32[1,1,1]{1}) }", {"f32[1,1,2]{1,-1}"},
                      {"f32[1,1,2]{0.73105858,-0.26894142}"});
    typed_graph("(f16[B,4,L] x, f16[4,1,3] w, f16[B,4,2] p) => (f16[B,4,L] y, f16[B,4,2] s) { y, s = CausalConvWithState(x, w, _, p) }");
}

TEST(CausalConvWithState, RefusesWhatDoesNotFit) {
    struct { const char *text, *part; } cases[] = {
        {"(f32[1,2,3] x) => (f32[1] y) { y = CausalConvWithState(x, random[3,1,2]) }", "the weights (input 1) has the shape [3,1,2] instead of [2,1,2]"},
        {"(f32[1,2,3] x) => (f32[1] y) { y = CausalConvWithState(x, random[2,1,0]) }", "the kernel is empty"},
        {"(f32[1,2,3] x) => (f32[1] y) { y = CausalConvWithState(x, random[2,1,2], random[3]) }", "the bias (input 2)"},
        {"(f32[1,2,3] x) => (f32[1] y) { y = CausalConvWithState(x, random[2,1,2], _, random[1,2,2]) }", "past_state (input 3)"},
        {"(f32[2,3] x) => (f32[1] y) { y = CausalConvWithState(x, random[2,1,2]) }", "it must have 3 axes"},
        {R"((f32[1,2,3] x) => (f32[1] y) { y = CausalConvWithState<activation = "relu">(x, random[2,1,2]) })", "unknown activation 'relu'"},
    };
    for (const auto& c : cases) expect_infer_error(c.text, c.part);
}

}  // namespace
}  // namespace tercet::testing
