// SPDX-License-Identifier: Apache-2.0
#include "passes/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(FoldSelects, TakeTheOneOfAKnownCondition) {
    expect_rewrite(fold_selects, R"((f32[N] x) => (f32[N] y) { a = Relu(x) b = Neg(x) s = "tercet":Select(bool{1}, a, b) y = Abs(s) })",
                                 "(f32[N] x) => (f32[N] y) { a = Relu(x) y = Abs(a) }");
    expect_rewrite(fold_selects, R"((f32[N] x) => (f32[N] y) { a = Relu(x) b = Neg(x) y = "tercet":Select(bool[1]{0}, a, b) })",
                                 "(f32[N] x) => (f32[N] y) { y = Neg(x) }");
    expect_rewrite(fold_selects, R"((f32[N] x) => (f32[N] y) { b = Neg(x) y = "tercet":Select(bool{1}, x, b) })",
                                 "(f32[N] x) => (f32[N] y = x) { }");
}

TEST(FoldSelects, TakeOneOfTwoThatAreEqual) {
    expect_rewrite(fold_selects, R"((bool c, f32[N] x) => (f32[N] y) { a = Relu(x) y = "tercet":Select(c, a, a) })",
                                 "(bool c, f32[N] x) => (f32[N] y) { y = Relu(x) }");
    expect_rewrite(fold_selects, R"((bool c, i64[2] x) => (i64[2] y) { s = "tercet":Select(c, i64[2]{1, 2}, i64[2]{1, 2}) y = Add(x, s) })",
                                 "(bool c, i64[2] x) => (i64[2] y) { y = Add(x, i64[2]{1, 2}) }");
}

TEST(FoldSelects, LeavesAlone) {
    expect_unchanged(fold_selects, {
        {"the run decides", R"((bool c, f32[N] x) => (f32[N] y) { a = Relu(x) y = "tercet":Select(c, a, x) })"},
        {"different constants", R"((bool c, i64[2] x) => (i64[2] y) { s = "tercet":Select(c, i64[2]{1, 2}, i64[2]{1, 3}) y = Add(x, s) })"},
    });
}

}  // namespace
}  // namespace tercet::testing
