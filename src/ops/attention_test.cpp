// SPDX-License-Identifier: Apache-2.0
#include "graph/text.h"
#include "ops/testing.h"
#include "ops/upgrade_testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

constexpr const char* ln3 = "1.0986123";  // of two scores, ln 3 and 0, the first has three times the weight

TEST(Attention, WeighsValuesByTheSoftmaxOfTheScores) {
    const std::string q = std::string("f32[1,1,1,1]{") + ln3 + "}";
    expect_values("(f32[1,1,1,1] q, f32[1,1,2,1] k, f32[1,1,2,2] v) => (f32[1,1,1,2] y) { y = Attention(q, k, v) }",
                  {q, "f32[1,1,2,1]{1, 0}", "f32[1,1,2,2]{4, 8, 0, -4}"}, {"f32[1,1,1,2]{3, 5}"});
    // 1/sqrt(4) halves the product, unless a scale is given.
    expect_values("(f32[1,1,1,4] q, f32[1,1,2,4] k, f32[1,1,2,1] v) => (f32[1,1,1,1] y) { y = Attention(q, k, v) }",
                  {"f32[1,1,1,4]{2.1972246, 0, 0, 0}", "f32[1,1,2,4]{1, 0, 0, 0, 0, 5, 5, 5}", "f32[1,1,2,1]{4, 0}"}, {"f32[1,1,1,1]{3}"});
    expect_values("(f32[1,1,1,4] q, f32[1,1,2,4] k, f32[1,1,2,1] v) => (f32[1,1,1,1] y) { y = Attention<scale = 0.25>(q, k, v) }",
                  {"f32[1,1,1,4]{4.3944492, 0, 0, 0}", "f32[1,1,2,4]{1, 0, 0, 0, 0, 5, 5, 5}", "f32[1,1,2,1]{4, 0}"}, {"f32[1,1,1,1]{3}"});
}

TEST(Attention, OfThreeAxesHasItsHeadsSideBySide) {
    // Two heads of size 1: the first sees scores ln 3 and 0, the second 0 and ln 3.
    expect_values(R"((f32[1,1,2] q, f32[1,2,2] k, f32[1,2,2] v) => (f32[1,1,2] y) {
                      y = Attention<kv_num_heads = 2, q_num_heads = 2>(q, k, v) })",
                  {"f32[1,1,2]{1.0986123, 1.0986123}", "f32[1,2,2]{1, 0, 0, 1}", "f32[1,2,2]{4, 40, 0, 0}"}, {"f32[1,1,2]{3, 10}"});
    typed_graph(R"((f32[N,S,8] q, f32[N,T,4] k, f32[N,T,6] v) => (f32[N,S,12] y, f32[N,2,T,2] pk, f32[N,2,T,3] pv, f32[N,4,S,T] s) {
                    y, pk, pv, s = Attention<kv_num_heads = 2, q_num_heads = 4>(q, k, v) })");
}

TEST(Attention, SharesHeadsOfKeysAmongQueries) {
    expect_values("(f32[1,4,1,1] q, f32[1,2,1,1] k, f32[1,2,1,1] v) => (f32[1,4,1,1] y) { y = Attention(q, k, v) }",
                  {"f32[1,4,1,1]{1, 2, 3, 4}", "f32[1,2,1,1]{1, 1}", "f32[1,2,1,1]{5, 7}"}, {"f32[1,4,1,1]{5, 5, 7, 7}"});
}

// Equal scores: the result is the mean of the values seen.
constexpr const char* three_by_three = "(f32[1,1,3,1] q, f32[1,1,3,1] k, f32[1,1,3,1] v";
const std::vector<std::string> zeros_and_values = {"f32[1,1,3,1]{0, 0, 0}", "f32[1,1,3,1]{0, 0, 0}", "f32[1,1,3,1]{6, 12, 24}"};

void expect_means(const std::string& attributes, const std::string& more_inputs, const std::string& arguments, std::vector<std::string> more_values, const std::string& means) {
    std::vector<std::string> values = zeros_and_values;
    values.insert(values.end(), more_values.begin(), more_values.end());
    expect_values(std::string(three_by_three) + more_inputs + ") => (f32[1,1,3,1] y) { y = Attention" + attributes + "(q, k, v" + arguments + ") }", values,
                  {"f32[1,1,3,1]{" + means + "}"});
}

TEST(Attention, LooksNoFurtherThanMasksAllow) {
    expect_means("", "", "", {}, "14, 14, 14");
    expect_means("<is_causal = 1>", "", "", {}, "6, 9, 14");
    expect_means("<left_window_size = 1>", "", "", {}, "14, 14, 18");
    expect_means("<right_window_size = 1>", "", "", {}, "9, 14, 14");
    expect_means("<left_window_size = 0, right_window_size = 0>", "", "", {}, "6, 12, 24");
    expect_means("<is_causal = 1, left_window_size = 1>", "", "", {}, "6, 9, 18");
}

TEST(Attention, AddsFloatMasksAndHidesWhereBoolOnesAreFalse) {
    expect_means("", ", bool[3,3] m", ", m", {"bool[3,3]{1, 0, 0, 0, 1, 1, 1, 0, 1}"}, "6, 18, 15");
    expect_means("", ", bool[3] m", ", m", {"bool[3]{1, 0, 1}"}, "15, 15, 15");
    expect_means("", ", f32[1,1,1,3] m", ", m", {"f32[1,1,1,3]{0, -inf, 1.0986123}"}, "19.5, 19.5, 19.5");
    expect_means("<is_causal = 1>", ", bool[1,3] m", ", m", {"bool[1,3]{1, 0, 1}"}, "6, 6, 15");
    // A mask may end before the keys do.
    expect_means("", ", f32[3,2] m", ", m", {"f32[3,2]{0, 0, -inf, 0, 0, -inf}"}, "9, 12, 6");
}

TEST(Attention, OfNothingSeenIsZero) {
    expect_means("", ", bool[3,3] m", ", m", {"bool[3,3]{1, 1, 1, 0, 0, 0, 1, 1, 0}"}, "14, 0, 9");
    expect_values("(f32[1,1,1,1] q, f32[1,1,0,1] k, f32[1,1,0,2] v) => (f32[1,1,1,2] y) { y = Attention(q, k, v) }",
                  {"f32[1,1,1,1]{1}", "f32[1,1,0,1]{}", "f32[1,1,0,2]{}"}, {"f32[1,1,1,2]{0, 0}"});
    expect_values("(f32[1,1,1,1] q, f32[1,1,2,1] k, f32[1,1,2,1] v, bool[2] m) => (f32[1,1,1,1] y, f32[1,1,1,2] s) {"
                  " y, _, _, s = Attention<qk_matmul_output_mode = 3>(q, k, v, m) }",
                  {"f32[1,1,1,1]{1}", "f32[1,1,2,1]{1, nan}", "f32[1,1,2,1]{1, nan}", "bool[2]{0, 0}"}, {"f32[1,1,1,1]{0}", "f32[1,1,1,2]{0, 0}"});
}

TEST(Attention, ContinuesWhatIsPast) {
    expect_values(R"((f32[1,1,2,1] q, f32[1,1,2,1] k, f32[1,1,2,1] v, f32[1,1,1,1] pk, f32[1,1,1,1] pv)
                      => (f32[1,1,2,1] y, f32[1,1,3,1] nk, f32[1,1,3,1] nv) {
                      y, nk, nv = Attention<is_causal = 1>(q, k, v, _, pk, pv) })",
                  {"f32[1,1,2,1]{0, 0}", "f32[1,1,2,1]{2, 3}", "f32[1,1,2,1]{12, 24}", "f32[1,1,1,1]{1}", "f32[1,1,1,1]{6}"},
                  {"f32[1,1,2,1]{9, 14}", "f32[1,1,3,1]{1, 2, 3}", "f32[1,1,3,1]{6, 12, 24}"});
    typed_graph(R"((f32[N,2,S,4] q, f32[N,2,S,4] k, f32[N,2,S,5] v, f32[N,2,P,4] pk, f32[N,2,P,5] pv)
                    => (f32[N,2,S,5] y, f32[N,2,P + S,4] nk, f32[N,2,P + S,5] nv) { y, nk, nv = Attention(q, k, v, _, pk, pv) })");
}

TEST(Attention, SeesAsManyKeysAsASampleHolds) {
    // The queries are the last ones of what is held.
    const std::string graph = R"((f32[2,1,2,1] q, f32[2,1,3,1] k, f32[2,1,3,1] v, i64[2] n) => (f32[2,1,2,1] y) { y = Attention)";
    const std::vector<std::string> in{"f32[2,1,2,1]{0, 0, 0, 0}", "f32[2,1,3,1]{0, 0, 0, 0, 0, 0}", "f32[2,1,3,1]{6, 12, 24, 6, 12, 24}", "i64[2]{3, 1}"};
    expect_values(graph + "(q, k, v, _, _, _, n) }", in, {"f32[2,1,2,1]{14, 14, 6, 6}"});
    expect_values(graph + "<is_causal = 1>(q, k, v, _, _, _, n) }", in, {"f32[2,1,2,1]{9, 14, 0, 6}"});
    expect_values(graph + "<left_window_size = 0, right_window_size = 0>(q, k, v, _, _, _, n) }", in, {"f32[2,1,2,1]{12, 24, 0, 6}"});
    std::vector<std::string> wild = in;
    wild[3] = "i64[2]{9223372036854775807, -9223372036854775808}";
    expect_values(graph + "<left_window_size = 9223372036854775807, is_causal = 1>(q, k, v, _, _, _, n) }", wild, {"f32[2,1,2,1]{14, 14, 0, 0}"});
}

TEST(Attention, ShowsItsScoresAtEveryStage) {
    const auto shown = [](int mode, const char* expected) {
        expect_values("(f32[1,1,1,1] q, f32[1,1,2,1] k, f32[1,1,2,1] v) => (f32[1,1,1,1] y, f32[1,1,1,2] s) { y, _, _, s = Attention<qk_matmul_output_mode = " +
                          std::to_string(mode) + ", scale = 2.0, softcap = 0.5>(q, k, v, f32[1,2]{0, 1}) }",
                      {"f32[1,1,1,1]{1}", "f32[1,1,2,1]{0, 0.25}", "f32[1,1,2,1]{0, 1}"}, {"f32[1,1,1,1]{0.799119}", expected}, 1e-5);
    };
    shown(0, "f32[1,1,1,2]{0, 0.5}");
    shown(1, "f32[1,1,1,2]{0, 0.380797}");  // tanh(1) / 2
    shown(2, "f32[1,1,1,2]{0, 1.380797}");
    shown(3, "f32[1,1,1,2]{0.200881, 0.799119}");
}

TEST(Attention, IsWhatItsPrimitivesCompute) {
    const char* in = "(f32[2,3,8] q, f32[2,5,8] k, f32[2,5,12] v, f32[2,1,3,5] m) => (f32[2,3,12] y) {";
    const Graph one = typed_graph(std::string(in) + "y = Attention<kv_num_heads = 4, q_num_heads = 4, scale = 0.3>(q, k, v, m) }");
    const Graph many = typed_graph(std::string(in) + R"(
        q4 = Reshape(q, i64[4]{0, 0, 4, 2})  qh = Transpose<perm = [0, 2, 1, 3]>(q4)
        k4 = Reshape(k, i64[4]{0, 0, 4, 2})  kh = Transpose<perm = [0, 2, 3, 1]>(k4)
        v4 = Reshape(v, i64[4]{0, 0, 4, 3})  vh = Transpose<perm = [0, 2, 1, 3]>(v4)
        s = MatMul(qh, kh)  t = Mul(s, f32{0.3})  u = Add(t, m)  w = Softmax(u)
        z = MatMul(w, vh)  z4 = Transpose<perm = [0, 2, 1, 3]>(z)  y = Reshape(z4, i64[3]{0, 0, 12})
    })");
    std::vector<Tensor> inputs;
    unsigned seed = 1;
    for (const Dims& d : {Dims{2, 3, 8}, Dims{2, 5, 8}, Dims{2, 5, 12}, Dims{2, 1, 3, 5}}) inputs.push_back(random_tensor(DType::f32, d, seed++));
    expect_close(evaluate(one, inputs)[0], evaluate(many, inputs)[0], 1e-5, "y");
}

TEST(Attention, OfOperatorSet23MayCountTheHeadsOfFourAxes) {
    EXPECT_EQ(print_text(upgraded("(f32[1,2,3,4] q) => (f32[1,2,3,4] y) { y = Attention<kv_num_heads = 2, q_num_heads = 2>(q, q, q) }", 24)),
              print_text(typed_graph("(f32[1,2,3,4] q) => (f32[1,2,3,4] y) { y = Attention(q, q, q) }")));
}

TEST(Attention, RefusesWhatDoesNotFit) {
    const auto refused = [](const std::string& inputs, const std::string& call, std::string_view part) {
        expect_infer_error("(" + inputs + ") => (f32[1] y) { y = Attention" + call + " }", part);
    };
    refused("f32[1,2,3,4] q, f32[1,5,8] k", "(q, k, k)", "input 1 has the shape [1,5,8]");
    refused("f32[1,3,8] q", "(q, q, q)", "attribute 'q_num_heads' is 0");
    refused("f32[1,3,8] q", "<kv_num_heads = 3, q_num_heads = 2>(q, q, q)", "8 elements cannot be shared out among 3 heads");
    refused("f32[1,2,3,4] q", "<q_num_heads = 2>(q, q, q)", "numbers of heads as attributes");
    refused("f32[1,3,3,4] q, f32[1,2,3,4] k", "(q, k, k)", "3 heads of queries cannot share 2 of keys");
    refused("f32[1,2,3,4] q, f32[1,2,3,5] k", "(q, k, k)", "Q and K differ in the size of a head");
    refused("f32[1,2,3,4] q, f32[2,2,3,4] k", "(q, k, k)", "Q and K differ in the batch");
    refused("f32[1,2,3,4] q, f32[1,2,4,4] v", "(q, q, v)", "K and V differ in length");
    refused("f32[1,2,3,4] q, f16[1,2,3,4] k", "(q, k, q)", "input 1 is f16");
    refused("i32[1,2,3,4] q", "(q, q, q)", "input 0 is i32");
    refused("f32[1,2,3,4] q, f32[3,4] m", "(q, q, q, m)", "attn_mask of shape [3,4] does not broadcast to [1,2,3,3]");
    refused("f32[1,2,3,4] q, i64[3,3] m", "(q, q, q, m)", "input 3 is i64");
    refused("f32[1,2,3,4] q", "(q, q, q, _, q)", "past_value is left out");
    refused("f32[1,2,3,4] q, i64[1] n", "(q, q, q, _, q, q, n)", "both given");
    refused("f32[1,2,3,4] q, i64[2] n", "(q, q, q, _, _, _, n)", "nonpad_kv_seqlen");
    refused("f32[1,2,3,4] q", "<left_window_size = -2>(q, q, q)", "left_window_size is -2");
    refused("f32[1,2,3,4] q", "<qk_matmul_output_mode = 4>(q, q, q)", "qk_matmul_output_mode is 4");
}

TEST(Attention, RefusesSymbolsThatDoNotFitWhenItRuns) {
    const Graph g = typed_graph("(f32[1,2,S,4] q, f32[1,2,T,4] k, f32[1,2,U,4] v) => (f32[1,2,S,4] y) { y = Attention(q, k, v) }");
    const auto tensor = [](std::int64_t n) { return random_tensor(DType::f32, {1, 2, n, 4}, 1); };
    EXPECT_NO_THROW(evaluate(g, std::vector{tensor(3), tensor(5), tensor(5)}));
    EXPECT_THROW(evaluate(g, std::vector{tensor(3), tensor(5), tensor(4)}), Error);
}

}  // namespace
}  // namespace tercet::testing
