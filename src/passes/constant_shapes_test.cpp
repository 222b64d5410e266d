// SPDX-License-Identifier: Apache-2.0
#include "passes/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(ConstantShapes, AReshapeNeedsNoArithmetic) {
    expect_rewrite(constant_shapes, R"((f32[N,6,H,7] x) => (f32[N,6,7*H] y) { s = Shape(x) h = Slice(s, i64[1]{0}, i64[1]{2})
        t = Concat<axis = 0>(h, i64[1]{-1})
                                          y = Reshape(x, t) })",
                                    "(f32[N,6,H,7] x) => (f32[N,6,7*H] y) { y = Reshape(x, i64[3]{0, 6, -1}) }");
    expect_rewrite(constant_shapes, R"((f32[N,6] x) => (f32[2*N,3] y) { n = Shape<end = 1>(x) m = Mul(n, i64[1]{2})
        t = Concat<axis = 0>(m, i64[1]{3}) y = Reshape(x, t) })",
                                    "(f32[N,6] x) => (f32[2*N,3] y) { y = Reshape(x, i64[2]{-1, 3}) }");
}

TEST(ConstantShapes, AnExpandKeepsTheInputsExtents) {
    expect_rewrite(constant_shapes, "(f32[N,1,3] x) => (f32[N,4,3] y) { n = Shape<end = 1>(x)"
        " t = Concat<axis = 0>(n, i64[2]{4, 3}) y = Expand(x, t) }",
                                    "(f32[N,1,3] x) => (f32[N,4,3] y) { y = Expand(x, i64[3]{1, 4, 3}) }");
}

TEST(ConstantShapes, LeavesAlone) {
    expect_unchanged(constant_shapes, {
        {"a constant already", "(f32[N,6] x) => (f32[N,2,3] y) { y = Reshape(x, i64[3]{-1, 2, 3}) }"},
        {"two symbols move", "(f32[N,H,6] x) => (f32[H,N,6] y) { s = Shape(x) t = Gather(s, i64[3]{1, 0, 2})"
            " y = Reshape(x, t) }"},
        {"a new symbol", "(f32[1,3] x, f32[N] z) => (f32[N,3] y) { n = Shape(z) t = Concat<axis = 0>(n, i64[1]{3})"
            " y = Expand(x, t) }"},
    });
}

}  // namespace
}  // namespace tercet::testing
