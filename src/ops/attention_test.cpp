// SPDX-License-Identifier: Apache-2.0
#include "ops/testing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

// One head of one element, queries of 1: with keys of log(w) the weights are w / their sum.
constexpr const char *log_1_3_4 = "f32[1,1,3,1]{0, 1.0986123, 1.3862944}", *values = "f32[1,1,3,1]{4, 8, 16}";

void expect_rows(const std::string& attributes, std::string_view more_inputs, int queries, const std::string& y) {
    const std::string ones = queries == 1 ? "1" : queries == 2 ? "1, 1" : "1, 1, 1";
    expect_values(fmt::format("(f32[1,1,{0},1] q, f32[1,1,3,1] k, f32[1,1,3,1] v) => (f32[1,1,{0},1] y) {{ y = Attention<scale = 1.0{1}>(q, k, v{2}) }}", queries, attributes, more_inputs),
                  {fmt::format("f32[1,1,{},1]{{{}}}", queries, ones), log_1_3_4, values}, {fmt::format("f32[1,1,{},1]{{{}}}", queries, y)});
}

TEST(Attention, WeighsValuesBySoftmax) {
    expect_rows("", "", 1, "11.5");                       // (4 + 3*8 + 4*16) / 8
    expect_rows(", softcap = 1000.0", "", 1, "11.5");
    expect_rows(", softcap = 0.000001", "", 1, "9.333333");  // nothing is left of the differences
}

TEST(Attention, DividesByTheRootOfTheHeadSize) {
    expect_values("(f32[1,1,1,4] q, f32[1,1,2,4] k, f32[1,1,2,1] v) => (f32[1,1,1,1] y) { y = Attention(q, k, v) }",
                  {"f32[1,1,1,4]{1,1,0,0}", "f32[1,1,2,4]{0,0,0,0, 1.0986123,1.0986123,5,6}", "f32[1,1,2,1]{4,8}"}, {"f32[1,1,1,1]{7}"});
}

TEST(Attention, SeesWhatTheMaskAllows) {
    expect_rows("", ", bool[1,3]{1,0,1}", 1, "13.6");                               // (4 + 4*16) / 5
    expect_rows("", ", f32[1,3]{0, 0.2876821, 0}", 1, "11.1111111");                // weights 1, 4, 4
    expect_rows("", ", bool[1,1,2,3]{1,1,0, 0,0,0}", 2, "7, 0");                    // no key at all: 0
    expect_rows("", ", f32[2]{0, -inf}", 1, "4");                                   // shorter than the keys: -inf behind
    expect_rows("", ", bool[1,2]{1,1}", 2, "7, 7");
}

TEST(Attention, IsCausalFromTheFirstKeyOn) {
    expect_rows(", is_causal = 1", "", 2, "4, 7");
    expect_rows(", is_causal = 1", ", bool[2,3]{1,1,1, 0,1,1}", 2, "4, 8");
}

TEST(Attention, CountsFromTheLastValidKey) {
    expect_rows("", ", _, _, _, i64[1]{2}", 1, "7");
    expect_rows(", is_causal = 1", ", _, _, _, i64[1]{3}", 2, "7, 11.5");
    expect_rows(", is_causal = 1", ", _, _, _, i64[1]{1}", 2, "0, 4");
    expect_rows(", is_causal = 1", ", _, _, _, i64[1]{-9223372036854775807}", 1, "0");
    expect_rows("", ", _, _, _, i64[1]{9223372036854775807}", 1, "11.5");
}

TEST(Attention, SeesAWindow) {
    expect_rows(", left_window_size = 0, right_window_size = 0", "", 3, "4, 8, 16");
    expect_rows(", left_window_size = 1", "", 3, "11.5, 11.5, 12.5714286");           // (3*8 + 4*16) / 7
    expect_rows(", left_window_size = 1, is_causal = 1", "", 3, "4, 7, 12.5714286");
    expect_rows(", right_window_size = 1", "", 2, "7, 11.5");
}

TEST(Attention, JoinsPastAndPresent) {
    expect_values(R"((f32[1,1,1,1] q, f32[1,1,1,1] k, f32[1,1,1,1] v, f32[1,1,P,1] pk, f32[1,1,P,1] pv)
                     => (f32[1,1,1,1] y, f32[1,1,P + 1,1] all_k, f32[1,1,P + 1,1] all_v) { y, all_k, all_v = Attention<scale = 1.0, is_causal = 1>(q, k, v, _, pk, pv) })",
                  {"f32[1,1,1,1]{1}", "f32[1,1,1,1]{1.3862944}", "f32[1,1,1,1]{16}", "f32[1,1,2,1]{0, 1.0986123}", "f32[1,1,2,1]{4, 8}"}, {"f32[1,1,1,1]{11.5}", log_1_3_4, values});
}

TEST(Attention, ShowsItsScores) {
    const auto expect_stage = [](int mode, const std::string& s) {
        expect_values(fmt::format("(f32[1,1,1,1] q, f32[1,1,2,1] k, f32[1,1,2,1] v) => (f32[1,1,1,2] s) {{ y, _, _, s = Attention<scale = 2.0, softcap = 2.0, qk_matmul_output_mode = {}>(q, k, v, f32[2]{{0, 1}}) }}", mode),
                      {"f32[1,1,1,1]{1}", "f32[1,1,2,1]{0, 1}", "f32[1,1,2,1]{4, 8}"}, {"f32[1,1,1,2]{" + s + "}"});
    };
    expect_stage(0, "0, 2");
    expect_stage(1, "0, 1.5231884");   // 2 * tanh(1)
    expect_stage(2, "0, 2.5231884");
    expect_stage(3, "0.0742485, 0.9257515");
}

TEST(Attention, TakesHeadsSideBySide) {
    // Two query heads share one key head, by token.
    expect_values("(f32[1,2,2] q, f32[1,2,1] k, f32[1,2,2] v) => (f32[1,2,4] y, f32[1,1,2,1] p) { y, p = Attention<q_num_heads = 2, kv_num_heads = 1, scale = 1.0>(q, k, v) }",
                  {"f32[1,2,2]{1,0, 0,1}", "f32[1,2,1]{0, 1.0986123}", "f32[1,2,2]{4,0, 8,4}"}, {"f32[1,2,4]{7,3, 6,2, 6,2, 7,3}", "f32[1,1,2,1]{0, 1.0986123}"});
    // Four heads, two of the keys: each serves neighbours.
    expect_values("(f32[1,4,1,1] q, f32[1,2,1,1] k, f32[1,2,1,1] v) => (f32[1,4,1,1] y) { y = Attention(q, k, v) }",
                  {"f32[1,4,1,1]{1,1,1,1}", "f32[1,2,1,1]{1,1}", "f32[1,2,1,1]{5,6}"}, {"f32[1,4,1,1]{5,5,6,6}"});
}

TEST(Attention, KeepsSymbols) {
    typed_graph("(f16[B,S,8] q, f16[B,T,4] k, f32[B,T,6] v) => (f16[B,S,12] y, f16[B,2,T,2] pk, f32[B,2,T,3] pv, f16[B,4,S,T] s) { y, pk, pv, s = Attention<q_num_heads = 4, kv_num_heads = 2>(q, k, v) }");
    typed_graph("(f32[B,4,S,8] q, f32[B,4,T,8] k, f32[B,4,T,3] v, f32[B,4,P,8] pk, f32[B,4,P,3] pv, f32[B,1,S,P + T] m) => (f32[B,4,S,3] y) { y = Attention(q, k, v, m, pk, pv) }");
}

TEST(Attention, OfNothingIsNothing) {
    expect_values("(f32[1,1,2,1] q, f32[1,1,0,1] k) => (f32[1,1,2,1] y) { y = Attention(q, k, k) }", {"f32[1,1,2,1]{1,1}", "f32[1,1,0,1]{}"}, {"f32[1,1,2,1]{0,0}"});
    expect_values("(f32[1,0,2,1] q) => (f32[1,0,2,1] y) { y = Attention(q, q, q) }", {"f32[1,0,2,1]{}"}, {"f32[1,0,2,1]{}"});
}

TEST(Attention, RefusesWhatDoesNotFit) {
    const auto refuse = [](std::string_view attributes, std::string_view more, std::string_view part) {
        expect_infer_error(fmt::format("(f32[1,2,4] q, f32[1,3,2] k, f32[1,3,2] v) => (f32[1] y) {{ y = Attention<{}>(q, k, v{}) }}", attributes, more), part);
    };
    refuse("kv_num_heads = 1", "", "q_num_heads is 0");
    refuse("q_num_heads = 3, kv_num_heads = 1", "", "4 elements per token for 3 heads");
    refuse("q_num_heads = 1, kv_num_heads = 2", "", "1 query heads and 2 key heads");
    refuse("q_num_heads = 1, kv_num_heads = 1", "", "the key (input 1)");
    const std::string good = "q_num_heads = 2, kv_num_heads = 1";
    refuse(good, ", random[2,4]", "the mask (input 3) of shape [2,4]");
    refuse(good, ", random[3,3]", "the mask (input 3) of shape [3,3]");
    refuse(good, ", i64[1,3]{1,1,1}", "f32");
    refuse(good, ", _, random[1,1,2,2]", "one of past_key and past_value is missing");
    refuse(good, ", _, random[1,1,2,2], random[1,1,3,2]", "past_value (input 5)");
    refuse(good, ", _, random[1,1,2,2], random[1,1,2,2], i64[1]{2}", "with past keys");
    refuse(good, ", _, _, _, i64[2]{2, 2}", "nonpad_kv_seqlen (input 6)");
    refuse(good + ", qk_matmul_output_mode = 4", "", "unknown qk_matmul_output_mode 4");
    refuse(good + ", left_window_size = -2", "", "left_window_size is -2");
    refuse(good + ", softcap = -1.0", "", "softcap is -1");
    expect_infer_error("(f32[1,2,3,4] q, f32[1,3,2] k) => (f32[1] y) { y = Attention(q, k, k) }", "input 1 has the shape [1,3,2]");
    expect_infer_error("(f32[1,2,3,4] q) => (f32[1] y) { y = Attention<q_num_heads = 3>(q, q, q) }", "q_num_heads is 3");
}

}  // namespace
}  // namespace tercet::testing
