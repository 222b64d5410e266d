// SPDX-License-Identifier: Apache-2.0
#include "passes/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(MergeDuplicates, NodesThatComputeTheSame) {
    expect_rewrite(merge_duplicates, "(f32[N,3] x) => (f32[N,3] y) { a = Relu(x) b = Relu(x) c = Neg(a) d = Neg(b)"
        " y = Add(c, d) }",
                                     "(f32[N,3] x) => (f32[N,3] y) { a = Relu(x) c = Neg(a) y = Add(c, c) }");
    expect_rewrite(merge_duplicates, "(f32[N,4] x) => (f32[N,2] y) { a, b = Split<axis = 1>(x) c, d = Split<axis = 1>(x)"
        " y = Sum(a, b, c, d) }",
                                     "(f32[N,4] x) => (f32[N,2] y) { a, b = Split<axis = 1>(x) y = Sum(a, b, a, b) }");
}

TEST(MergeDuplicates, NodesThatDecideTheSameExtents) {
    expect_rewrite(merge_duplicates, "(f32[N,3] x, i64[1] n) => (f32[?] y) { a = Slice(x, i64[1]{0}, n) b = Slice(x, i64[1]{0}, n) c = Neg(b)"
        " d = Reshape(c, i64[1]{-1}) e = Reshape(a, i64[1]{-1}) y = Add(d, e) }",
                                     "(f32[N,3] x, i64[1] n) => (f32[?] y) { a = Slice(x, i64[1]{0}, n) c = Neg(a)"
        " d = Reshape(c, i64[1]{-1}) e = Reshape(a, i64[1]{-1}) y = Add(d, e) }");
    expect_rewrite(merge_duplicates, "(bool[N] x) => (i64[?] y) { a = NonZero(x) b = NonZero(x) t = Transpose(b)"
        " y = MatMul(a, t) }",
                                     "(bool[N] x) => (i64[?] y) { a = NonZero(x) t = Transpose(a) y = MatMul(a, t) }");
}

TEST(MergeDuplicates, EqualConstants) {
    expect_rewrite(merge_duplicates, "(f32[N,2] x) => (f32[N,2] y) { a = Add(x, f32[2]{1, 2}) b = Add(x, f32[2]{1, 2})"
        " y = Mul(a, b) }",
                                     "(f32[N,2] x) => (f32[N,2] y) { a = Add(x, f32[2]{1, 2}) y = Mul(a, a) }");
}

TEST(MergeDuplicates, LeavesAlone) {
    expect_unchanged(merge_duplicates, {
        {"other attributes", "(f32[N,3] x) => (f32[N,3] y) { a = Elu(x) b = Elu<alpha = 0.5>(x) y = Add(a, b) }"},
        {"other order", "(f32[N,3] x, f32[N,3] z) => (f32[N,3] y) { a = Sub(x, z) b = Sub(z, x) y = Add(a, b) }"},
        {"both are outputs", "(f32[N,3] x) => (f32[N,3] y, f32[N,3] z) { y = Relu(x) z = Relu(x) }"},
        {"both are outputs, of extents that they decide", "(f32[N] x) => (i64[?] y, i64[?] z) { y = NonZero(x) z = NonZero(x) }"},
        {"0 and -0 differ", "(f32[N] x) => (f32[N] y) { a = Div(x, f32{0}) b = Div(x, f32{-0.0}) y = Add(a, b) }"},
    });
}

}  // namespace
}  // namespace tercet::testing
