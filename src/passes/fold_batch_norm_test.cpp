// SPDX-License-Identifier: Apache-2.0
#include "passes/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(FoldBatchNorm, BecomesPartOfTheConvolution) {
    expect_rewrite(fold_batch_norm, R"((f32[N,2,5,5] x) => (f32[N,3,3,3] y) { c = Conv(x, random[3,2,3,3])
                                          y = BatchNormalization(c, random[3], random[3], random[3], positive[3]) })",
                                    R"((f32[N,2,5,5] x) => (f32[N,3,3,3] y) { y = Conv(x, const[3,2,3,3], const[3]) })");
    expect_rewrite(fold_batch_norm, R"((f32[N,4,7] x) => (f32[N,6,7] y) {
        c = Conv<group = 2, pads = [1, 1]>(x, random[6,2,3], random[6])
                                          n = BatchNormalization<epsilon = 0.1>(c, random[6], random[6], random[6], positive[6])
                                          y = Relu(n) })",
                                    R"((f32[N,4,7] x) => (f32[N,6,7] y) {
                                        c = Conv<group = 2, pads = [1, 1]>(x, const[6,2,3], const[6])
                                          y = Relu(c) })");
}

TEST(FoldBatchNorm, BecomesPartOfTheMatrixProduct) {
    expect_rewrite(fold_batch_norm, R"((f32[N,5] x) => (f32[N,3] y) { c = Gemm<transB = 1>(x, random[3,5], random[1,3])
                                          y = BatchNormalization(c, random[3], random[3], random[3], positive[3]) })",
                                    R"((f32[N,5] x) => (f32[N,3] y) { y = Gemm<transB = 1>(x, const[3,5], const[3]) })");
    expect_rewrite(fold_batch_norm, R"((f32[N,5] x) => (f32[N,3] y) { c = MatMul(x, random[5,3])
                                          y = BatchNormalization(c, random[3], random[3], random[3], positive[3]) })",
                                    R"((f32[N,5] x) => (f32[N,3] y) { y = Gemm(x, const[5,3], const[3]) })");
}

TEST(FoldBatchNorm, OtherwiseBecomesArithmetic) {
    expect_rewrite(fold_batch_norm, R"((f32[N,3,H,4] x) => (f32[N,3,H,4] y) {
                                          y = BatchNormalization(x, random[3], random[3], random[3], positive[3]) })",
                                    R"((f32[N,3,H,4] x) => (f32[N,3,H,4] y) { y_scaled = Mul(x, const[3,1,1])
                                        y = Add(y_scaled, const[3,1,1]) })");
    // another reader wants the raw sums
    expect_rewrite(fold_batch_norm, R"((f32[N,2,5] x) => (f32[N,3,5] y, f32[N,3,5] c) { c = Conv(x, random[3,2,1])
                                          y = BatchNormalization(c, random[3], random[3], random[3], positive[3]) })",
                                    R"((f32[N,2,5] x) => (f32[N,3,5] y, f32[N,3,5] c) { c = Conv(x, const[3,2,1])
                                          y_scaled = Mul(c, const[3,1]) y = Add(y_scaled, const[3,1]) })");
}

TEST(FoldBatchNorm, LeavesAlone) {
    expect_unchanged(fold_batch_norm, {
        {"gamma is computed", R"((f32[N,2,5] x, f32[3] g) => (f32[N,3,5] y) { c = Conv(x, random[3,2,1])
                                  y = BatchNormalization(c, g, random[3], random[3], positive[3]) })"},
        {"its statistics are the data's", R"((f32[N,3,5] x) => (f32[N,3,5] y) {
                                  y = BatchNormalization<training_mode = 1>(x, random[3], random[3], random[3], positive[3]) })"},
        {"its sums would be rounded twice", R"((f16[N,3,5] x) => (f16[N,3,5] y) {
            y = BatchNormalization(x, random[3], random[3], random[3], positive[3]) })"},
        {"a variance of 0 without epsilon", R"((f32[N,1,5] x) => (f32[N,1,5] y) {
                                  y = BatchNormalization<epsilon = 0.0>(x, random[1], random[1], random[1], f32[1]{0}) })"},
    });
}

}  // namespace
}  // namespace tercet::testing
