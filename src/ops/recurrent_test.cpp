// SPDX-License-Identifier: Apache-2.0
#include "graph/text.h"
#include "ops/testing.h"
#include "ops/upgrade_testing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

// An activation that leaves values as they are, so that results can be worked by hand.
constexpr const char* identity = R"(activations = s["Affine"], activation_alpha = f[1.0], activation_beta = f[0.0])";

TEST(Rnn, AddsInputStateAndBiases) {
    // h = 2x + 3h + 0.5 + 0.25
    expect_values(fmt::format("(f32[3,1,1] x) => (f32[3,1,1,1] y, f32[1,1,1] h) {{ y, h = RNN<{}, hidden_size = 1>(x, f32[1,1,1]{{2}}, f32[1,1,1]{{3}}, f32[1,2]{{0.5, 0.25}}) }}", identity),
                  {"f32[3,1,1]{1, 0, 1}"}, {"f32[3,1,1,1]{2.75, 9, 29.75}", "f32[1,1,1]{29.75}"});
    expect_values("(f32[1,1,2] x, f32[1,1,2] s) => (f32[1,1,2] h) { _, h = RNN(x, f32[1,2,2]{1,2,3,4}, f32[1,2,2]{1,0,0,1}, _, _, s) }",
                  {"f32[1,1,2]{0.1,0.2}", "f32[1,1,2]{0.3,-0.4}"}, {"f32[1,1,2]{0.66403677, 0.60436778}"});
}

TEST(Rnn, GoesBothWays) {
    constexpr const char* two = R"(activations = s["Affine", "Affine"], activation_alpha = f[1.0, 1.0], activation_beta = f[0.0, 1.0], direction = "bidirectional")";
    // forward h = x + h; backward h = 10x + 2h + 1
    const std::string weights = "f32[2,1,1]{1, 10}, f32[2,1,1]{1, 2}";
    expect_values(fmt::format("(f32[2,1,1] x) => (f32[2,2,1,1] y, f32[2,1,1] h) {{ y, h = RNN<{}>(x, {}) }}", two, weights), {"f32[2,1,1]{1, 2}"},
                  {"f32[2,2,1,1]{1, 53, 3, 21}", "f32[2,1,1]{3, 53}"});
    expect_values(fmt::format("(f32[1,2,1] x) => (f32[1,2,2,1] y, f32[1,2,1] h) {{ y, h = RNN<{}, layout = 1>(x, {}) }}", two, weights), {"f32[1,2,1]{1, 2}"},
                  {"f32[1,2,2,1]{1, 53, 3, 21}", "f32[1,2,1]{3, 53}"});
    expect_values(fmt::format(R"((f32[2,1,1] x) => (f32[2,1,1,1] y) {{ y = RNN<{}, direction = "reverse">(x, f32[1,1,1]{{1}}, f32[1,1,1]{{10}}) }})", identity), {"f32[2,1,1]{1, 2}"},
                  {"f32[2,1,1,1]{21, 2}"});
}

TEST(Rnn, EndsEverySequenceWhereItsLengthSays) {
    const std::vector<std::string> x{"f32[3,3,1]{1,1,1, 2,2,2, 3,3,3}"};
    const auto text = [](const char* direction) {
        return fmt::format("(f32[3,3,1] x) => (f32[3,1,3,1] y, f32[1,3,1] h) {{ y, h = RNN<{}, direction = \"{}\">(x, f32[1,1,1]{{1}}, f32[1,1,1]{{10}}, _, i32[3]{{3, 2, 0}}, f32[1,3,1]{{0, 0, 7}}) }}", identity, direction);
    };
    expect_values(text("forward"), x, {"f32[3,1,3,1]{1,1,0, 12,12,0, 123,0,0}", "f32[1,3,1]{123, 12, 7}"});
    expect_values(text("reverse"), x, {"f32[3,1,3,1]{321,21,0, 32,2,0, 3,0,0}", "f32[1,3,1]{321, 21, 7}"});
    expect_values("(f32[0,2,1] x) => (f32[0,1,2,3] y, f32[1,2,3] h) { y, h = RNN(x, random[1,3,1], random[1,3,3]) }", {"f32[0,2,1]{}"}, {"f32[0,1,2,3]{}", "f32[1,2,3]{0,0,0,0,0,0}"});
    const Graph g = typed_graph("(f32[T,N,1] x, i32[N] s) => (f32[T,1,N,1] y) { y = RNN(x, f32[1,1,1]{1}, f32[1,1,1]{1}, _, s) }");
    EXPECT_THROW(evaluate(g, std::vector{parse_tensor("f32[1,1,1]{1}"), parse_tensor("i32[1]{2}")}), Error);
    EXPECT_THROW(evaluate(g, std::vector{parse_tensor("f32[1,1,1]{1}"), parse_tensor("i32[1]{-1}")}), Error);
}

TEST(Rnn, KnowsTheActivations) {
    struct Case { const char* attributes; const char* y; };
    const Case cases[] = {
        {R"(activations = s["Relu"])", "0, 2"},
        {R"(activations = s["Sigmoid"])", "0.11920292, 0.88079708"},
        {R"(activations = s["Tanh"], clip = 1.0)", "-0.76159416, 0.76159416"},
        {R"(activations = s["Affine"], activation_alpha = f[3.0], activation_beta = f[1.0])", "-5, 7"},
        {R"(activations = s["Affine"], activation_alpha = f[3.0], clip = 0.5)", "-1.5, 1.5"},
        {R"(activations = s["Elu"])", "-0.86466472, 2"},
        {R"(activations = s["HardSigmoid"])", "0.1, 0.9"},
        {R"(activations = s["HardSigmoid"], activation_alpha = f[0.25], activation_beta = f[0.25])", "0, 0.75"},
        {R"(activations = s["LeakyRelu"])", "-0.02, 2"},
        {R"(activations = s["ScaledTanh"], activation_alpha = f[2.0], activation_beta = f[0.5])", "-1.5231883, 1.5231883"},
        {R"(activations = s["Softplus"])", "0.12692801, 2.126928"},
        {R"(activations = s["Softsign"])", "-0.66666667, 0.66666667"},
        {R"(activations = s["ThresholdedRelu"], activation_alpha = f[1.5])", "0, 2"},
    };
    for (const Case& c : cases)
        expect_values(fmt::format("(f32[1,2,1] x) => (f32[1,1,2,1] y) {{ y = RNN<{}>(x, f32[1,1,1]{{1}}, f32[1,1,1]{{0}}) }}", c.attributes), {"f32[1,2,1]{-2, 2}"},
                      {fmt::format("f32[1,1,2,1]{{{}}}", c.y)});
}

constexpr const char* affine_gru = R"(activations = s["Affine", "Affine"], activation_alpha = f[1.0, 1.0])";

TEST(Gru, MixesTheOldStateWithTheNew) {
    // z = 0.5x, r = 2x, with h = 3 and x = 1: n = 1 + (2*3)*1 + 0.25 + 0.5 = 7.75, h = 0.5*7.75 + 0.5*3
    const auto text = [](const char* more) {
        return fmt::format("(f32[1,1,1] x, f32[1,1,1] s) => (f32[1,1,1] h) {{ _, h = GRU<{}{}>(x, f32[1,3,1]{{0.5, 2, 1}}, f32[1,3,1]{{0, 0, 1}}, f32[1,6]{{0,0,0.25,0,0,0.5}}, _, s) }}", affine_gru, more);
    };
    expect_values(text(""), {"f32[1,1,1]{1}", "f32[1,1,1]{3}"}, {"f32[1,1,1]{5.375}"});
    // with linear_before_reset, n = 1 + 0.25 + 2*(3 + 0.5) = 8.25
    expect_values(text(", linear_before_reset = 1"), {"f32[1,1,1]{1}", "f32[1,1,1]{3}"}, {"f32[1,1,1]{5.625}"});
}

TEST(Gru, IsSigmoidAndTanhUnlessToldOtherwise) {
    expect_values("(f32[1,1,2] x) => (f32[1,1,1,1] y) { y = GRU(x, f32[1,3,2]{1,1, 9,9, 1,0}, f32[1,3,1]{1,1,1}) }", {"f32[1,1,2]{0.5,-0.5}"}, {"f32[1,1,1,1]{0.23105858}"});
}

constexpr const char* affine_lstm = R"(activations = s["Affine", "Affine", "Affine"])";

TEST(Lstm, KeepsACellState) {
    // i = x, o = 2x, f = 3x, n = 4x; x = 1, c = 5, h = 0: c = 3*5 + 1*4 = 19, h = 2*19
    expect_values(fmt::format("(f32[1,1,1] x) => (f32[1,1,1,1] y, f32[1,1,1] h, f32[1,1,1] c) {{ y, h, c = LSTM<{}>(x, f32[1,4,1]{{1,2,3,4}}, f32[1,4,1]{{0,0,0,0}}, _, _, _, f32[1,1,1]{{5}}) }}", affine_lstm),
                  {"f32[1,1,1]{1}"}, {"f32[1,1,1,1]{38}", "f32[1,1,1]{38}", "f32[1,1,1]{19}"});
    // with the peepholes i 10, o 100, f 1000: i = 51, f = 5003, c = 5003*5 + 51*4 = 25219, o = 2 + 2521900
    expect_values(fmt::format("(f32[1,1,1] x) => (f32[1,1,1] h, f32[1,1,1] c) {{ _, h, c = LSTM<{}>(x, f32[1,4,1]{{1,2,3,4}}, f32[1,4,1]{{0,0,0,0}}, _, _, _, f32[1,1,1]{{5}}, f32[1,3]{{10,100,1000}}) }}", affine_lstm),
                  {"f32[1,1,1]{1}"}, {"f32[1,1,1]{63599846538}", "f32[1,1,1]{25219}"});
    // coupled: f = 1 - i = 0.75: c = 0.75*5 + 0.25*1
    expect_values(fmt::format("(f32[1,1,1] x) => (f32[1,1,1] c) {{ _, _, c = LSTM<{}, input_forget = 1>(x, f32[1,4,1]{{1,1,9,4}}, f32[1,4,1]{{0,0,0,0}}, _, _, _, f32[1,1,1]{{5}}) }}", affine_lstm),
                  {"f32[1,1,1]{0.25}"}, {"f32[1,1,1]{4}"});
}

TEST(Lstm, IsSigmoidAndTanhUnlessToldOtherwise) {
    // two steps of x = 1, all weights 1, b 0.5 + 0.5 for the forget gate
    expect_values("(f32[2,1,1] x) => (f32[2,1,1,1] y, f32[1,1,1] c) { y, _, c = LSTM(x, f32[1,4,1]{1,1,1,1}, f32[1,4,1]{1,1,1,1}, f32[1,8]{0,0,0.5,0,0,0,0.5,0}) }", {"f32[2,1,1]{1,1}"},
                  {"f32[2,1,1,1]{0.36960635, 0.66702168}", "f32[1,1,1]{1.20967929}"});
}

TEST(Recurrent, FollowsSymbols) {
    typed_graph(R"((f32[T,N,5] x) => (f32[T,2,N,3] y, f32[2,N,3] h, f32[2,N,3] c) { y, h, c = LSTM<direction = "bidirectional", hidden_size = 3>(x, random[2,12,5], random[2,12,3]) })");
    typed_graph("(f16[N,T,5] x, f16[1,9,5] w, f16[1,9,3] r) => (f16[N,T,1,3] y, f16[N,1,3] h) { y, h = GRU<layout = 1>(x, w, r) }");
}

TEST(Recurrent, Refuses) {
    const auto rnn = [](const char* attributes, const char* inputs) { return fmt::format("(f32[2,1,3] x) => (f32[2,1,1,4] y) {{ y = RNN{}(x{}) }}", attributes, inputs); };
    constexpr const char* weights = ", random[1,4,3], random[1,4,4]";
    expect_infer_error(rnn(R"(<direction = "up">)", weights), "direction is 'up'");
    expect_infer_error(rnn(R"(<activations = s["Tan"]>)", weights), "unknown activation 'Tan'");
    expect_infer_error(rnn(R"(<activations = s["Tanh", "Tanh"]>)", weights), "has 2 activations, needs 1");
    expect_infer_error(rnn(R"(<activations = s["ScaledTanh"]>)", weights), "ScaledTanh without an activation_alpha");
    expect_infer_error(rnn("<clip = -1.0>", weights), "attribute 'clip' is -1");
    expect_infer_error(rnn("<layout = 2>", weights), "attribute 'layout' is 2");
    expect_infer_error(rnn("<hidden_size = 5>", weights), "w (input 1) has the shape [1,4,3] instead of [1,5,3]");
    expect_infer_error(rnn("", ", random[1,4,3], random[1,4,5]"), "instead of");
    expect_infer_error(rnn(R"(<direction = "bidirectional">)", weights), "instead of [2,4,3]");
    expect_infer_error(rnn("", ", random[1,4,3], random[1,4,4], random[1,4]"), "the bias (input 3) has the shape [1,4] instead of [1,8]");
    expect_infer_error(rnn("", ", random[1,4,3], random[1,4,4], _, i64[1]{2}"), "sequence_lens (input 4) are i64; they must be i32");
    expect_infer_error(rnn("", ", random[1,4,3], random[1,4,4], _, _, random[1,2,4]"), "the initial state (input 5)");
}

TEST(Recurrent, OfOlderOperatorSets) {
    const Graph g = upgraded("(f32[2,1,3] x) => (f32[1,1,4] h) { _, h = LSTM<output_sequence = 0, hidden_size = 4>(x, random[1,16,3], random[1,16,4]) }", 1);
    EXPECT_FALSE(g.node(g.order()[0]).attributes.has("output_sequence"));
}

}  // namespace
}  // namespace tercet::testing
