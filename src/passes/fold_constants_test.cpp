// SPDX-License-Identifier: Apache-2.0
#include "passes/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(FoldConstants, ComputesWhatReadsConstantsOnly) {
    expect_rewrite(fold_constants, "(f32[N,3] x) => (f32[N,2] y) { t = Transpose(random[2,3]) s = Mul(t, f32{2})"
        " y = MatMul(x, s) }",
                                   "(f32[N,3] x) => (f32[N,2] y) { y = MatMul(x, const[3,2]) }");
    expect_rewrite(fold_constants, "(f32[N,4] x) => (f32[N,4] y) { a, b = Split<axis = 0>(random[2,4]) y = Sum(x, a, b) }",
                                   "(f32[N,4] x) => (f32[N,4] y) { y = Sum(x, const[1,4], const[1,4]) }");
    expect_rewrite(fold_constants, "(f32[N] x) => (f32[2,3] y, f32[N] z) { y = ConstantOfShape(i64[2]{2, 3}) z = Relu(x) }",
                                   "(f32[N] x) => (f32[2,3] y = const[2,3], f32[N] z) { z = Relu(x) }");
}

TEST(FoldConstants, FollowsShapes) {
    expect_rewrite(fold_constants, "(f32[N,3,4] x) => (i64[1] y) { s = Shape(x) y = Slice(s, i64[1]{1}, i64[1]{2}) }",
                                   "(f32[N,3,4] x) => (i64[1] y = i64[1]{3}) { }");
    expect_rewrite(fold_constants, "(f32[N,3,4] x) => (f32[] y) { s = Shape(x) i = Gather(s, i64{2}) c = Cast<to = 1>(i)"
        " y = Sqrt(c) }",
                                   "(f32[N,3,4] x) => (f32[] y = const[]) { }");
}

TEST(FoldConstants, LeavesAlone) {
    expect_unchanged(fold_constants, {
        {"a symbol", "(f32[N,3] x) => (i64[2] y) { y = Shape(x) }"},
        {"too large to be kept", "() => (f32[8192,8192] y) { y = ConstantOfShape(i64[2]{8192, 8192}) }"},
    });
}

}  // namespace
}  // namespace tercet::testing
