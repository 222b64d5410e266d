// SPDX-License-Identifier: Apache-2.0
#include "ops/testing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

// One head, d_k = 1, d_v = 1, two tokens: numbers to follow by hand.
void expect_two_tokens(std::string_view rule, std::string_view more_inputs, const std::string& y, const std::string& state) {
    expect_values(fmt::format("(f32[1,2,1] q, f32[1,2,1] k, f32[1,2,1] v) => (f32[1,2,1] y, f32[1,1,1,1] s) {{ y, s = LinearAttention<kv_num_heads = 1, q_num_heads = 1, scale = 2.0, update_rule = \"{}\">(q, k, v{}) }}", rule, more_inputs),
                  {"f32[1,2,1]{1,10}", "f32[1,2,1]{2,3}", "f32[1,2,1]{5,7}"}, {"f32[1,2,1]{" + y + "}", "f32[1,1,1,1]{" + state + "}"});
}

TEST(LinearAttention, FollowsItsRule) {
    const char *half = "f32[1,2,1]{-0.6931472,-0.6931472}", *past = "f32[1,1,1,1]{4}", *betas = "f32[1,2,1]{1,0.5}";
    expect_two_tokens("linear", "", "20,620", "31");                                            // 10, 10 + 21
    expect_two_tokens("linear", fmt::format(", {}", past), "28,700", "35");
    expect_two_tokens("gated", fmt::format(", {}, {}", past, half), "24,540", "27");            // 2 + 10, 6 + 21
    expect_two_tokens("delta", fmt::format(", {}, _, {}", past, betas), "-4,350", "17.5");       // 4 + 2*(5 - 8), -2 + 3*(7 + 6)/2
    expect_two_tokens("gated_delta", fmt::format(", {}, {}, {}", past, half, betas), "8,70", "3.5");   // 2 + 2*(5 - 4), 2 + 3*(7 - 6)/2
}

TEST(LinearAttention, SharesStatesAmongQueryHeads) {
    // Two key heads of d_k = 1, d_v = 2; four query heads.
    expect_values("(f32[1,1,4] q, f32[1,1,2] k, f32[1,1,4] v) => (f32[1,1,8] y, f32[1,2,1,2] s) { y, s = LinearAttention<kv_num_heads = 2, q_num_heads = 4, update_rule = \"linear\">(q, k, v) }",
                  {"f32[1,1,4]{1,2,3,4}", "f32[1,1,2]{1,10}", "f32[1,1,4]{1,2,3,4}"}, {"f32[1,1,8]{1,2,2,4,90,120,120,160}", "f32[1,2,1,2]{1,2,30,40}"});
    // d_k = 4: scaled by 1/2.
    expect_values("(f32[1,1,4] q, f32[1,1,4] k, f32[1,1,1] v) => (f32[1,1,1] y) { y = LinearAttention<kv_num_heads = 1, q_num_heads = 1, update_rule = \"linear\">(q, k, v) }",
                  {"f32[1,1,4]{1,1,1,1}", "f32[1,1,4]{1,2,3,4}", "f32[1,1,1]{3}"}, {"f32[1,1,1]{15}"});
}

TEST(LinearAttention, DecaysPerHeadOrPerKey) {
    for (const auto& [decay, state] : {std::pair{"f32[1,1,2]{0,-0.6931472}", "f32[1,2,2,1]{2,2,1,1}"}, {"f32[1,1,4]{0,-0.6931472,0,0}", "f32[1,2,2,1]{2,1,2,2}"}})
        expect_values(fmt::format("(f32[1,1,4] q, f32[1,1,2] v) => (f32[1,1,2] y, f32[1,2,2,1] s) {{ y, s = LinearAttention<kv_num_heads = 2, q_num_heads = 2, update_rule = \"gated\">(q, q, v, f32[1,2,2,1]{{2,2,2,2}}, {}) }}", decay),
                      {"f32[1,1,4]{0,0,0,0}", "f32[1,1,2]{1,1}"}, {"f32[1,1,2]{0,0}", state});
}

TEST(LinearAttention, KeepsSymbols) {
    typed_graph("(f16[B,T,8] q, f16[B,T,4] k, f16[B,T,6] v, f32[B,2,2,3] s) => (f16[B,T,12] y, f32[B,2,2,3] p) { y, p = LinearAttention<kv_num_heads = 2, q_num_heads = 4, update_rule = \"linear\">(q, k, v, s) }");
}

TEST(LinearAttention, RefusesWhatDoesNotFit) {
    const auto refuse = [](std::string_view attributes, std::string_view more, std::string_view part) {
        expect_infer_error(fmt::format("(f32[1,2,4] q, f32[1,2,2] k, f32[1,2,2] v) => (f32[1] y) {{ y = LinearAttention<{}>(q, k, v{}) }}", attributes, more), part);
    };
    refuse(R"(kv_num_heads = 2, q_num_heads = 3, update_rule = "linear")", "", "3 query heads and 2 key heads");
    refuse(R"(kv_num_heads = 1, q_num_heads = 1, update_rule = "linear")", "", "the key (input 1)");
    refuse(R"(kv_num_heads = 1, q_num_heads = 2, update_rule = "gated")", "", "update_rule 'gated' needs decay");
    refuse(R"(kv_num_heads = 1, q_num_heads = 2, update_rule = "linear")", ", _, _, random[1,2,1]", "update_rule 'linear' does not read beta");
    refuse(R"(kv_num_heads = 1, q_num_heads = 2, update_rule = "gated")", ", _, random[1,2,3]", "the decay (input 4) has 3 elements per token");
    refuse(R"(kv_num_heads = 1, q_num_heads = 2, update_rule = "linear")", ", random[1,1,2,3]", "past_state (input 3)");
    refuse(R"(kv_num_heads = 1, q_num_heads = 2, update_rule = "square")", "", "unknown update_rule 'square'");
}

}  // namespace
}  // namespace tercet::testing
