// SPDX-License-Identifier: Apache-2.0
#include "passes/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(FlattenWeights, RowsAreReorderedInsteadOfTheData) {
    expect_rewrite(flatten_weights, R"((f32[N,2,3,4] x) => (f32[N,5] y) { t = Transpose<perm = [0, 3, 1, 2]>(x) f = Flatten(t)
        y = Gemm(f, random[24,5], random[5]) })",
                                    R"((f32[N,2,3,4] x) => (f32[N,5] y) { f = Flatten(x) y = Gemm(f, const[24,5], const[5]) })");
    expect_rewrite(flatten_weights, R"((f32[N,3,4] x) => (f32[N,5] y, f32[N,7] z) { t = Transpose<perm = [0, 2, 1]>(x)
        f = Reshape(t, i64[2]{-1, 12})
                                           y = Gemm<transB = 1>(f, random[5,12]) z = MatMul(f, random[12,7]) })",
                                    R"((f32[N,3,4] x) => (f32[N,5] y, f32[N,7] z) { f = Reshape(x, i64[2]{-1, 12})
                                        y = Gemm<transB = 1>(f, const[5,12]) z = MatMul(f, const[12,7]) })");
}

TEST(FlattenWeights, LeavesAlone) {
    expect_unchanged(flatten_weights, {
        {"another reader sees the order", "(f32[N,2,3,4] x) => (f32[N,24] y, f32[N,5] z) {"
            " t = Transpose<perm = [0, 3, 1, 2]>(x) y = Flatten(t) z = Gemm(y, random[24,5]) }"},
        {"the weights are computed", "(f32[N,3,4] x, f32[12,5] w) => (f32[N,5] y) { t = Transpose<perm = [0, 2, 1]>(x)"
            " f = Flatten(t) y = Gemm(f, w) }"},
        {"multiplied from the right", "(f32[2,3,4] x) => (f32[5,12] y) { t = Transpose<perm = [0, 2, 1]>(x) f = Flatten(t)"
            " y = MatMul(random[5,2], f) }"},
        {"the batch is joined, too", "(f32[2,3,4] x) => (f32[1,5] y) { t = Transpose<perm = [0, 2, 1]>(x)"
            " f = Flatten<axis = 0>(t) y = MatMul(f, random[24,5]) }"},
        {"another transpose", "(f32[N,2,3,4] x) => (f32[N,5] y) { t = Transpose<perm = [0, 3, 2, 1]>(x) f = Flatten(t)"
            " y = Gemm(f, random[24,5]) }"},
    });
}

}  // namespace
}  // namespace tercet::testing
