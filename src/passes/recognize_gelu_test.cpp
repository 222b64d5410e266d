// SPDX-License-Identifier: Apache-2.0
#include "passes/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(RecognizeGelu, InWhicheverOrderItIsWritten) {
    for (const char* expr : {"mul(mul(x0, add(erf(div(x0, 1.4142135)), 1)), 0.5)", "mul(mul(0.5, x0), add(1, erf(mul(x0, 0.70710677))))",
                             "mul(x0, mul(add(erf(mul(0.70710677, x0)), 1), 0.5))", "mul(0.5, mul(add(erf(div(x0, 1.4142135)), 1), x0))",
                             "div(mul(x0, add(erf(div(x0, 1.4142135)), 1)), 2)", "mul(div(add(erf(div(x0, 1.4142135)), 1), 2), x0)"})
        expect_rewrite(recognize_gelu, std::string("(f32[N,7] x) => (f32[N,7] y) {"
            " y = \"tercet\":Pointwise<expr = \"") + expr + "\">(x) }",
                       "(f32[N,7] x) => (f32[N,7] y) { y = \"tercet\":Pointwise<expr = \"gelu(x0)\">(x) }");
    expect_rewrite(recognize_gelu, R"t((f32[N,7] x, f32[7] b) => (f32[N,7] y) {
                       y = "tercet":Pointwise<expr = "add(mul(mul(add(x0, x1), add(erf(div(add(x0, x1), 1.4142135)), 1)), 0.5), x0)">(x, b) })t",
                                   R"t((f32[N,7] x, f32[7] b) => (f32[N,7] y) {
                                       y = "tercet":Pointwise<expr = "add(gelu(add(x0, x1)), x0)">(x, b) })t");
}

TEST(RecognizeGelu, ItsCubeByTanhIsAProduct) {
    expect_rewrite(recognize_gelu, R"t((f32[N,7] x) => (f32[N,7] y) {
                       y = "tercet":Pointwise<expr = "mul(mul(0.5, x0), add(1, tanh(mul(0.7978846, add(x0, mul(0.044715, pow(x0, 3)))))))">(x) })t",
                   R"t((f32[N,7] x) => (f32[N,7] y) {
                       y = "tercet":Pointwise<expr = "mul(mul(0.5, x0), add(1, tanh(mul(0.7978846, add(x0, mul(0.044715, mul(x0, mul(x0, x0))))))))">(x) })t");
}

TEST(RecognizeGelu, Mish) {
    for (const char* expr : {"mul(x0, tanh(softplus(x0)))", "mul(tanh(softplus(x0)), x0)"})
        expect_rewrite(recognize_gelu, std::string("(f32[N,7] x) => (f32[N,7] y) { y = \"tercet\":Pointwise<expr = \"") + expr + "\">(x) }",
                       "(f32[N,7] x) => (f32[N,7] y) { y = \"tercet\":Pointwise<expr = \"mish(x0)\">(x) }");
}

TEST(RecognizeGelu, LeavesAlone) {
    const auto graph = [](std::string expr) { return "(f32[N,7] x, f32[7] b) => (f32[N,7] y) {"
        " y = \"tercet\":Pointwise<expr = \"" + expr + "\">(x, b) }"; };
    expect_unchanged(recognize_gelu, {
        {"of two values", graph("mul(mul(x1, add(erf(div(x0, 1.4142135)), 1)), 0.5)")},
        {"another divisor", graph("mul(mul(x0, add(erf(div(x0, 1.5)), 1)), 0.5)")},
        {"not halved", graph("mul(x0, add(erf(div(x0, 1.4142135)), 1))")},
        {"a square", graph("mul(x0, pow(x0, 2))")},
        {"of two values, by tanh", graph("mul(x1, tanh(softplus(x0)))")},
        {"another sum", graph("mul(mul(x0, add(erf(div(x0, 1.4142135)), 2)), 0.5)")},
    });
}

}  // namespace
}  // namespace tercet::testing
