// SPDX-License-Identifier: Apache-2.0
#include "passes/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(SimplifyTransposes, TwoBecomeOneOrNone) {
    expect_rewrite(simplify_transposes, "(f32[N,3,H,5] x) => (f32[5,N,3,H] y) { t = Transpose<perm = [3, 1, 0, 2]>(x)"
        " y = Transpose<perm = [0, 2, 1, 3]>(t) }",
                                        "(f32[N,3,H,5] x) => (f32[5,N,3,H] y) { y = Transpose<perm = [3, 0, 1, 2]>(x) }");
    expect_rewrite(simplify_transposes, "(f32[N,3,H,5] x) => (f32[N,3,H,5] y) { t = Transpose(x) u = Transpose(t) y = Relu(u) }",
                                        "(f32[N,3,H,5] x) => (f32[N,3,H,5] y) { y = Relu(x) }");
    expect_rewrite(simplify_transposes, "(f32[N,3,5] x) => (f32[N,3,5] y, f32[N,5,3] r) { t = Transpose<perm = [0, 2, 1]>(x)"
        " r = Relu(t) y = Transpose<perm = [0, 2, 1]>(t) }",
                                        "(f32[N,3,5] x) => (f32[N,3,5] y = x, f32[N,5,3] r) {"
                                            " t = Transpose<perm = [0, 2, 1]>(x) r = Relu(t) }");
}

TEST(SimplifyTransposes, AShapeIsReorderedInstead) {
    expect_rewrite(simplify_transposes, "(f32[N,H,3] x) => (i64[3] y) { t = Transpose<perm = [2, 0, 1]>(x) y = Shape(t) }",
                                        "(f32[N,H,3] x) => (i64[3] y) { y_unordered = Shape(x)"
                                            " y = Gather(y_unordered, i64[3]{2, 0, 1}) }");
}

TEST(SimplifyTransposes, LeavesAlone) {
    expect_unchanged(simplify_transposes, {
        {"it moves something", "(f32[N,3,5] x) => (f32[N,5,3] y) { y = Transpose<perm = [0, 2, 1]>(x) }"},
        {"the size of another value", "(f32[N,3] x) => (f32[N,3] y, i64[2] s) { y = Relu(x) s = Shape(y) }"},
    });
}

}  // namespace
}  // namespace tercet::testing
