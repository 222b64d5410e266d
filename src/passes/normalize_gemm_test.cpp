// SPDX-License-Identifier: Apache-2.0
#include "passes/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(NormalizeGemm, AlphaAndBetaGoIntoConstants) {
    expect_rewrite(normalize_gemm, "(f32[N,5] x) => (f32[N,3] y) {"
        " y = Gemm<alpha = 0.5, beta = 2.0, transB = 1>(x, random[3,5], random[3]) }",
                                   "(f32[N,5] x) => (f32[N,3] y) { y = Gemm<transB = 1>(x, const[3,5], const[3]) }");
    expect_rewrite(normalize_gemm, "(f32[N,5] x) => (f32[N,3] y) { y = Gemm<beta = 2.0>(x, random[5,3]) }",
                                   "(f32[N,5] x) => (f32[N,3] y) { y = Gemm(x, const[5,3]) }");
}

TEST(NormalizeGemm, TheLeftSideStandsUpright) {
    expect_rewrite(normalize_gemm, "(f32[5,N] x) => (f32[N,3] y) { y = Gemm<transA = 1>(x, random[5,3]) }",
                                   "(f32[5,N] x) => (f32[N,3] y) { x_transposed = Transpose<perm = [1, 0]>(x)"
                                       " y = Gemm(x_transposed, const[5,3]) }");
}

TEST(NormalizeGemm, OnlyARowStaysC) {
    expect_rewrite(normalize_gemm, "(f32[N,5] x) => (f32[N,3] y) { y = Gemm(x, random[5,3], f32{2}) }",
                                   "(f32[N,5] x) => (f32[N,3] y) { y = Gemm(x, const[5,3], const[3]) }");
    expect_rewrite(normalize_gemm, "(f32[N,5] x, f32[N,3] c) => (f32[N,3] y) { y = Gemm(x, random[5,3], c) }",
                                   "(f32[N,5] x, f32[N,3] c) => (f32[N,3] y) { y_product = Gemm(x, const[5,3])"
                                       " y = Add(y_product, c) }");
    expect_rewrite(normalize_gemm, "(f32[4,5] x) => (f32[4,3] y) { y = Gemm(x, random[5,3], random[4,1], _) }",
                                   "(f32[4,5] x) => (f32[4,3] y) { y_product = Gemm(x, const[5,3])"
                                       " y = Add(y_product, const[4,1]) }");
}

TEST(NormalizeGemm, LeavesAlone) {
    expect_unchanged(normalize_gemm, {
        {"already normal", "(f32[N,5] x) => (f32[N,3] y) { y = Gemm<transB = 1>(x, random[3,5], random[1,3]) }"},
        {"both are computed", "(f32[N,5] x, f32[5,3] w) => (f32[N,3] y) { y = Gemm<alpha = 2.0>(x, w) }"},
        {"integers", "(i32[N,5] x, i32[N,3] c) => (i32[N,3] y) { y = Gemm(x, i32[5,3]{1,2,3,4,5,6,7,8,9,1,2,3,4,5,6}, c) }"},
    });
}

}  // namespace
}  // namespace tercet::testing
