// SPDX-License-Identifier: Apache-2.0
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

// cos = 0.6, sin = 0.8: (1, 2) becomes (0.6 - 1.6, 0.8 + 1.2)
TEST(RotaryEmbedding, TurnsPairsByTheAngleOfTheirPosition) {
    expect_values("(f32[1,1,1,4] x, f32[1,1,2] c, f32[1,1,2] s) => (f32[1,1,1,4] y) { y = RotaryEmbedding(x, c, s) }",
                  {"f32[1,1,1,4]{1, 3, 2, 4}", "f32[1,1,2]{0.6, 0}", "f32[1,1,2]{0.8, 1}"}, {"f32[1,1,1,4]{-1, -4, 2, 3}"});
    expect_values("(f32[1,1,1,4] x, f32[1,1,2] c, f32[1,1,2] s) => (f32[1,1,1,4] y) { y = RotaryEmbedding<interleaved = 1>(x, c, s) }",
                  {"f32[1,1,1,4]{1, 2, 3, 4}", "f32[1,1,2]{0.6, 0}", "f32[1,1,2]{0.8, 1}"}, {"f32[1,1,1,4]{-1, 2, -4, 3}"});
    expect_values("(f32[1,1,1,5] x, f32[1,1,1] c, f32[1,1,1] s) => (f32[1,1,1,5] y) { y = RotaryEmbedding<rotary_embedding_dim = 2>(x, c, s) }",
                  {"f32[1,1,1,5]{1, 2, 7, 8, 9}", "f32[1,1,1]{0.6}", "f32[1,1,1]{0.8}"}, {"f32[1,1,1,5]{-1, 2, 7, 8, 9}"});
}

TEST(RotaryEmbedding, OfThreeAxesTurnsEveryHead) {
    expect_values("(f32[1,2,4] x, f32[1,2,1] c, f32[1,2,1] s) => (f32[1,2,4] y) { y = RotaryEmbedding<num_heads = 2>(x, c, s) }",
                  {"f32[1,2,4]{1, 2, 3, 4, 1, 2, 3, 4}", "f32[1,2,1]{0.6, 0}", "f32[1,2,1]{0.8, 1}"}, {"f32[1,2,4]{-1, 2, -1.4, 4.8, -2, 1, -4, 3}"});
    typed_graph("(f32[N,S,8] x, f32[N,S,2] c, f32[N,S,2] s) => (f32[N,S,8] y) { y = RotaryEmbedding<num_heads = 2>(x, c, s) }");
}

constexpr const char* chosen = "(f32[1,1,2,2] x, f32[3,1] c, f32[3,1] s, i64[1,2] p) => (f32[1,1,2,2] y) { y = RotaryEmbedding(x, c, s, p) }";

TEST(RotaryEmbedding, ChoosesRowsOfTablesByPosition) {
    expect_values(chosen, {"f32[1,1,2,2]{1, 2, 1, 2}", "f32[3,1]{1, 0.6, 0}", "f32[3,1]{0, 0.8, 1}", "i64[1,2]{2, 1}"}, {"f32[1,1,2,2]{-2, 1, -1, 2}"});
    const Graph g = typed_graph(chosen);
    for (const std::int64_t wrong : {std::int64_t{3}, std::int64_t{-1}, std::numeric_limits<std::int64_t>::max()}) {
        Tensor p = Tensor::zeros(DType::i64, {1, 2});
        p.writable().set_int({0, 1}, wrong);
        EXPECT_THROW(evaluate(g, std::vector{random_tensor(DType::f32, {1, 1, 2, 2}, 1), random_tensor(DType::f32, {3, 1}, 2), random_tensor(DType::f32, {3, 1}, 3), p}), Error);
    }
}

TEST(RotaryEmbedding, RefusesWhatDoesNotFit) {
    const auto refused = [](const std::string& inputs, const std::string& call, std::string_view part) {
        expect_infer_error("(" + inputs + ") => (f32[1] y) { y = RotaryEmbedding" + call + " }", part);
    };
    refused("f32[1,2,8] x, f32[1,2,2] c", "(x, c, c)", "num_heads is 0");
    refused("f32[1,2,8] x, f32[1,2,2] c", "<num_heads = 3>(x, c, c)", "8 elements cannot be shared out among 3 heads");
    refused("f32[1,1,2,5] x, f32[1,2,2] c", "(x, c, c)", "5 elements of a head of 5 cannot be turned in pairs");
    refused("f32[1,1,2,4] x, f32[1,2,2] c", "<rotary_embedding_dim = 6>(x, c, c)", "6 elements of a head of 4");
    refused("f32[1,1,2,4] x, f32[1,2,3] c", "(x, c, c)", "cos_cache");
    refused("f32[1,1,2,4] x, f32[9,2] c, i64[1,3] p", "(x, c, c, p)", "position_ids");
    refused("f32[1,1,2,4] x, f32[9,2] c, f32[1,2] p", "(x, c, c, p)", "position_ids are f32");
    refused("f32[1,1,2,4] x, f16[1,2,2] c", "(x, c, c)", "input 1 is f16");
}

}  // namespace
}  // namespace tercet::testing
