// SPDX-License-Identifier: Apache-2.0
#include "passes/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(FoldAffine, GoesIntoWeightsAndBias) {
    expect_rewrite(fold_affine, R"((f32[N,2,5,5] x) => (f32[N,3,3,3] y) { c = Conv(x, random[3,2,3,3])
        m = Mul(c, random[3,1,1]) y = Add(random[1,3,1,1], m) })",
                                R"((f32[N,2,5,5] x) => (f32[N,3,3,3] y) { y = Conv(x, const[3,2,3,3], const[3]) })");
    expect_rewrite(fold_affine, R"((f32[N,2,5] x) => (f32[N,3,5] y) { c = Conv(x, random[3,2,1], random[3]) s = Sub(f32{2}, c)
        d = Div(s, f32[1]{4}) y = Neg(d) })",
                                R"((f32[N,2,5] x) => (f32[N,3,5] y) { y = Conv(x, const[3,2,1], const[3]) })");
    expect_rewrite(fold_affine, R"((f32[N,5] x) => (f32[N,3] y) { c = Gemm(x, random[5,3], random[3]) y = Sub(c, random[3]) })",
                                R"((f32[N,5] x) => (f32[N,3] y) { y = Gemm(x, const[5,3], const[3]) })");
}

TEST(FoldAffine, ABiasIsNotScaledByBeta) {
    expect_unchanged(fold_affine, {{"beta would scale it", "(f32[N,5] x) => (f32[N,3] y) { c = Gemm<beta = 2.0>(x, random[5,3]) y = Add(c, random[3]) }"}});
}

TEST(FoldAffine, AMatrixProductWithABiasIsAGemm) {
    expect_rewrite(fold_affine, R"((f32[N,5] x) => (f32[N,3] y) { c = MatMul(x, random[5,3]) y = Add(c, random[3]) })",
                                R"((f32[N,5] x) => (f32[N,3] y) { y = Gemm(x, const[5,3], const[3]) })");
}

TEST(FoldAffine, AProductOfMoreAxesTakesTheScale) {
    expect_rewrite(fold_affine, R"((f32[N,7,5] x) => (f32[N,7,3] y) { c = MatMul(x, random[5,3]) m = Div(c, random[3])
        y = Add(m, random[3]) })",
                                R"((f32[N,7,5] x) => (f32[N,7,3] y) { c = MatMul(x, const[5,3]) y = Add(c, const[3]) })", 1e-4);
}

TEST(FoldAffine, LeavesAlone) {
    expect_unchanged(fold_affine, {
        {"more columns than memory holds", "(f32[1,0] x, f32[0,1099511627776] w) => (f32[1,1099511627776] y) { c = MatMul(x, w) y = Neg(c) }"},
        {"varies along another axis", "(f32[N,2,5] x) => (f32[N,3,5] y) { c = Conv(x, random[3,2,1]) y = Mul(c, random[5]) }"},
        {"the weights are computed", "(f32[N,2,5] x, f32[3,2,1] w) => (f32[N,3,5] y) { c = Conv(x, w) y = Mul(c, random[3,1]) }"},
        {"the bias is computed", "(f32[N,2,5] x, f32[3] b) => (f32[N,3,5] y) { c = Conv(x, random[3,2,1], b)"
            " y = Mul(c, random[3,1]) }"},
        {"the sums are read twice", "(f32[N,2,5] x) => (f32[N,3,5] y) { c = Conv(x, random[3,2,1]) m = Mul(c, random[3,1])"
            " y = Add(c, m) }"},
        {"the sums are an output", "(f32[N,2,5] x) => (f32[N,3,5] c, f32[N,3,5] y) { c = Conv(x, random[3,2,1])"
            " y = Mul(c, random[3,1]) }"},
        {"no product of numbers", "(f32[N,2,5] x) => (f32[N,3,5] y) { c = Conv(x, random[3,2,1]) y = Mul(c, c) }"},
        {"divided by the product", "(f32[N,2,5] x) => (f32[N,3,5] y) { c = Conv(x, random[3,2,1]) y = Div(f32{1}, c) }"},
        {"a division by 0 gives no weights", "(f32[N,2,5] x) => (f32[N,3,5] y) { c = Conv(x, random[3,2,1])"
            " y = Div(c, f32{0}) }"},
        {"weights would overflow", "(f32[N,2,5] x) => (f32[N,1,5] y) { c = Conv(x, f32[1,2,1]{1e38, 1}) y = Mul(c, f32{100}) }"},
        {"the constant makes it larger", "(f32[1,2,5] x) => (f32[4,3,5] y) { c = Conv(x, random[3,2,1])"
            " y = Mul(c, random[4,1,1]) }"},
        {"beta is not 1", "(f32[N,5] x) => (f32[N,3] y) { c = Gemm<beta = 0.5>(x, random[5,3], random[3]) y = Mul(c, f32{2}) }"},
    });
}

}  // namespace
}  // namespace tercet::testing
