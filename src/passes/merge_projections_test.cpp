// SPDX-License-Identifier: Apache-2.0
#include "passes/testing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

std::string attends(std::string_view q, std::string_view k, std::string_view v, std::string_view outputs = "f32[N,S,4] y") {
    return fmt::format("(f32[N,S,5] x, f32[N,S,5] z) => ({}) {{ {} {} {} y = Attention<kv_num_heads = 2, q_num_heads = 2>(q, k, v) }}", outputs, q, k, v);
}
constexpr const char *q = "qp = MatMul(x, random[5,6]) q = Add(qp, random[6])", *k = "kp = MatMul(x, random[5,6]) k = Add(random[6], kp)", *v = "v = MatMul(x, random[5,4])";

TEST(MergeProjections, OneProductForThree) {
    expect_rewrite(merge_projections, attends(q, k, v), R"((f32[N,S,5] x, f32[N,S,5] z) => (f32[N,S,4] y) {
        q_kv = MatMul(x, random[5,16]) q_kv_sum = Add(q_kv, random[16]) q, k, v = Split<axis = -1>(q_kv_sum, i64[3]{6, 6, 4}) y = Attention<kv_num_heads = 2, q_num_heads = 2>(q, k, v) })");
    expect_rewrite(merge_projections, attends("q = MatMul(x, random[5,6])", "k = MatMul(x, random[5,6])", v), R"((f32[N,S,5] x, f32[N,S,5] z) => (f32[N,S,4] y) {
        q_kv = MatMul(x, random[5,16]) q, k, v = Split<axis = -1>(q_kv, i64[3]{6, 6, 4}) y = Attention<kv_num_heads = 2, q_num_heads = 2>(q, k, v) })");
}

TEST(MergeProjections, OfRows) {
    // Tokens are rows of a matrix.
    expect_rewrite(merge_projections, R"((f32[N,5] x) => (f32[N,1,8] y) {
        a = Gemm(x, random[5,8], random[8]) b = Gemm<transB = 1>(x, random[8,5]) c = Gemm(x, random[5,8], random[1,8])
        q = Reshape(a, i64[3]{0, 1, 8}) k = Reshape(b, i64[3]{0, 1, 8}) v = Reshape(c, i64[3]{0, 1, 8}) y = Attention<kv_num_heads = 2, q_num_heads = 2>(q, k, v) })",
                   R"((f32[N,5] x) => (f32[N,1,8] y) {
        q_kv = Gemm(x, random[5,24], random[24]) q_kv_view = Reshape(q_kv, i64[3]{0, 1, 24}) q, k, v = Split<axis = -1>(q_kv_view, i64[3]{8, 8, 8})
        y = Attention<kv_num_heads = 2, q_num_heads = 2>(q, k, v) })");
}

TEST(MergeProjections, LeavesAlone) {
    expect_unchanged(merge_projections, {
        {"keys of something else", attends(q, "kp = MatMul(z, random[5,6]) k = Add(random[6], kp)", v)},
        {"keys are read elsewhere", attends(q, k, v, "f32[N,S,4] y, f32[N,S,6] k")},
        {"weights are computed", "(f32[N,S,5] x, f32[5,6] w) => (f32[N,S,6] y) { q = MatMul(x, w) k = MatMul(x, random[5,6]) v = MatMul(x, random[5,6]) y = Attention<kv_num_heads = 2, q_num_heads = 2>(q, k, v) }"},
        {"a bias per token", "(f32[N,2,5] x) => (f32[N,2,6] y) { a = MatMul(x, random[5,6]) q = Add(a, random[2,6]) k = MatMul(x, random[5,6]) v = MatMul(x, random[5,6])"
                             " y = Attention<kv_num_heads = 2, q_num_heads = 2>(q, k, v) }"},
    });
}

}  // namespace
}  // namespace tercet::testing
