// SPDX-License-Identifier: Apache-2.0
#include "passes/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(ToPointwise, OperatorsBecomeExpressions) {
    expect_rewrite(to_pointwise, "(f32[N,3] x, f32[3] z) => (f32[N,3] y) { a = Add(x, z) b = LeakyRelu<alpha = 0.2>(a)"
        " c = Clip(b, f32{-1}, f32{6}) d = Pow(c, i32{2}) y = Max(d, x, z) }",
                                 R"t((f32[N,3] x, f32[3] z) => (f32[N,3] y) {
                                     a = "tercet":Pointwise<expr = "add(x0, x1)">(x, z)
                                         b = "tercet":Pointwise<expr = "leaky_relu(x0, 0.2)">(a)
                                        c = "tercet":Pointwise<expr = "clip(x0, -1, 6)">(b)
                                            d = "tercet":Pointwise<expr = "mul(x0, x0)">(c)
                                        y = "tercet":Pointwise<expr = "max(max(x0, x1), x2)">(d, x, z) })t");
}

TEST(ToPointwise, NumbersAndRepeatedInputs) {
    expect_rewrite(to_pointwise, "(f32[N,3] x) => (f32[N,3] y) { a = Sub(f32[1]{0.1}, x) b = Mul(a, a) y = Div(b, random[3]) }",
                                 R"t((f32[N,3] x) => (f32[N,3] y) { a = "tercet":Pointwise<expr = "sub(0.1, x0)">(x)
                                     b = "tercet":Pointwise<expr = "mul(x0, x0)">(a)
                                        y = "tercet":Pointwise<expr = "div(x0, x1)">(b, const[3]) })t");
}

TEST(ToPointwise, LeavesAlone) {
    expect_unchanged(to_pointwise, {
        {"not f32", "(f64[N] x) => (f64[N] y) { y = Relu(x) }"},
        {"integers", "(i64[N] x) => (i64[N] y) { y = Add(x, i64{1}) }"},
        {"an exponent of another type", "(f32[N] x, i32[N] e) => (f32[N] y) { y = Pow(x, e) }"},
        {"the number gives it an axis", "(f32[N] x) => (f32[1,N] y) { y = Add(x, f32[1,1]{1}) }"},
        {"no function of elements", "(f32[N,3] x) => (f32[N,3] y) { y = Softmax(x) }"},
    });
}

}  // namespace
}  // namespace tercet::testing
