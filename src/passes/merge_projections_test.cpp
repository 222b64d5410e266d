// SPDX-License-Identifier: Apache-2.0
#include "passes/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

constexpr const char* attend = " y = Attention<kv_num_heads = 2, q_num_heads = 2>(q, k, v) }";
const std::string three_products = "(f32[N,S,6] x) => (f32[N,S,10] y) { ";

TEST(MergeProjections, OfOneValue) {
    expect_rewrite(merge_projections, three_products + "q = MatMul(x, random[6,8]) k = MatMul(x, random[6,8]) v = MatMul(x, random[6,10])" + attend,
                   three_products + "q_qkv_product = MatMul(x, const[6,26]) q, k, v = Split<axis = -1>(q_qkv_product, i64[3]{8, 8, 10})" + attend);
    expect_rewrite(merge_projections, three_products + R"(p = MatMul(x, random[6,8]) q = Add(p, random[8]) k = MatMul(x, random[6,8])
                       r = MatMul(x, random[6,10]) v = Add(random[10], r))" + attend,
                   three_products + "q_qkv_product = MatMul(x, const[6,26]) q_qkv = Add(q_qkv_product, const[26]) q, k, v = Split<axis = -1>(q_qkv, i64[3]{8, 8, 10})" + attend);
}

TEST(MergeProjections, LeavesAlone) {
    expect_unchanged(merge_projections, {
        {"of two values", std::string("(f32[N,S,6] x, f32[N,S,6] z) => (f32[N,S,10] y) { q = MatMul(x, random[6,8]) k = MatMul(z, random[6,8]) v = MatMul(z, random[6,10])") + attend},
        {"keys are read elsewhere", std::string("(f32[N,S,6] x) => (f32[N,S,10] y, f32[N,S,8] k) { q = MatMul(x, random[6,8]) k = MatMul(x, random[6,8])"
                                                " v = MatMul(x, random[6,10])") + attend},
        {"weights are computed", std::string("(f32[N,S,6] x, f32[6,8] w) => (f32[N,S,10] y) { q = MatMul(x, w) k = MatMul(x, random[6,8]) v = MatMul(x, random[6,10])") + attend},
        {"no product", three_products + "q = MatMul(x, random[6,8]) r = MatMul(x, random[6,8]) k = Relu(r) v = MatMul(x, random[6,10])" + attend},
        {"one value thrice", "(f32[N,S,6] x) => (f32[N,S,8] y) { q = MatMul(x, random[6,8]) y = Attention<kv_num_heads = 2, q_num_heads = 2>(q, q, q) }"},
        {"a bias for all", three_products + "p = MatMul(x, random[6,8]) q = Add(p, random[1]) k = MatMul(x, random[6,8]) v = MatMul(x, random[6,10])" + attend},
    });
}

}  // namespace
}  // namespace tercet::testing
