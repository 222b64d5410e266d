// SPDX-License-Identifier: Apache-2.0
#include "ops/pointwise.h"

#include "graph/text.h"
#include "ops/testing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>

namespace tercet::testing {
namespace {

std::vector<const Tensor*> constants_of(const Graph& g, NodeId id) {
    std::vector<const Tensor*> c;
    for (std::size_t i = 0; i < g.node(id).inputs.size(); ++i) c.push_back(g.constant(id, i));
    return c;
}

std::string expr_text(std::string_view call) {
    const Graph g = parse_text(fmt::format("(f32[2] a, f32[2] b, f32[2] c) => (f32[2] y) {{ y = {} }}", call));
    const auto e = expr_of(g.node(g.order()[0]), constants_of(g, g.order()[0]));
    if (!e) return "none";
    EXPECT_EQ(Expr::parse(e->text()), *e) << e->text();
    return e->text();
}

TEST(ExprOf, WritesAttributesAndLimitsAsNumbers) {
    struct Case { const char *call, *expr; };
    const Case cases[] = {
        {"Relu(a)", "relu(x0)"},
        {"LeakyRelu(a)", "leaky_relu(x0, 0.01)"},
        {"LeakyRelu<alpha = 0.2>(a)", "leaky_relu(x0, 0.2)"},
        {"PRelu(a, b)", "leaky_relu(x0, x1)"},
        {"HardSigmoid(a)", "hard_sigmoid(x0, 0.2, 0.5)"},
        {"Selu<gamma = 2.0, alpha = 1.5>(a)", "selu(x0, 1.5, 2)"},
        {"Clip(a)", "clip(x0, -inf, inf)"},
        {"Clip(a, f32{0}, f32{6})", "clip(x0, 0, 6)"},
        {"Clip(a, _, f32{6})", "clip(x0, -inf, 6)"},
        {"Clip(a, f32{0})", "clip(x0, 0, inf)"},
        {"Add(a, b)", "add(x0, x1)"},
        {"Add(a, f32{1})", "add(x0, x1)"},
        {"Pow(a, f32{2})", "mul(x0, x0)"},
        {"Pow(a, i64{3})", "pow(x0, 3)"},
        {"Pow(a, b)", "pow(x0, x1)"},
        {"Sum(a)", "x0"},
        {"Sum(a, b, c)", "add(add(x0, x1), x2)"},
        {"Max(a, b, a)", "max(max(x0, x1), x2)"},
        {"Mean(a, b)", "div(add(x0, x1), 2)"},
        {"Gelu(a)", "gelu(x0)"},
        {"Swish(a)", "mul(x0, sigmoid(x0))"},
        {"Swish<alpha = 0.5>(a)", "mul(x0, sigmoid(mul(0.5, x0)))"},
        {"\"tercet\":Pointwise<expr = \"relu(add(x0, x1))\">(a, b)", "relu(add(x0, x1))"},
        {"Softmax(a)", "none"},
        {"Add<tail = \"relu(x0)\">(a, b)", "none"},
        {"Sum(a, b, c, a, b, c, a, b, c)", "none"},
    };
    for (const Case& c : cases) EXPECT_EQ(expr_text(c.call), c.expr) << c.call;
}

// For every operator with an expression, Pointwise of it computes the same values.
TEST(ExprOf, KeepsTheValues) {
    for (const char* call : {"Abs(a)", "Celu<alpha = 0.7>(a)", "Clip(a, f32{-0.5}, f32{0.5})", "Clip(a, f32{0.3})", "Div(a, b)", "Elu<alpha = 0.3>(a)", "Erf(a)", "Exp(a)",
                             "Gelu(a)", "Gelu<approximate = \"tanh\">(a)", "HardSigmoid<alpha = 0.3>(a)", "HardSwish(a)", "LeakyRelu<alpha = 0.3>(a)", "Log(a)",
                             "Max(a, b)", "Mean(a, b, a)", "Min(a, b, a)", "Mish(a)", "Mul(a, b)", "PRelu(a, b)", "Pow(a, f32{3})", "Pow(a, f32{2})",
                             "Selu(a)", "Sub(a, b)", "Sum(a, b, b)", "Swish<alpha = 1.5>(a)", "ThresholdedRelu<alpha = 0.2>(a)"}) {
        const Graph g = typed_graph(fmt::format("(f32[3,17] a, f32[17] b) => (f32[3,17] y) {{ y = {} }}", call));
        const NodeId id = g.order()[0];
        const auto e = expr_of(g.node(id), constants_of(g, id));
        ASSERT_TRUE(e) << call;
        const Graph fused = typed_graph(fmt::format("(f32[3,17] a, f32[17] b) => (f32[3,17] y) {{ y = \"tercet\":Pointwise<expr = \"{}\">(a, {}, {}) }}", e->text(),
                                                    g.node(id).inputs.size() > 1 && !g.constant(id, 1) ? "b" : "a", std::string_view(call).starts_with("Sum") ? "b" : "a"));
        const std::vector<Tensor> in{random_tensor(DType::f32, {3, 17}, 1), random_tensor(DType::f32, {17}, 2)};
        expect_close(evaluate(fused, in)[0], evaluate(g, in)[0], 3e-7, call);
    }
}

TEST(Pointwise, AppliesAnExpressionToBroadcastInputs) {
    expect_values("(f32[2,1] a, f32[2] b) => (f32[2,2] y) { y = \"tercet\":Pointwise<expr = \"relu(sub(x0, mul(x1, 2)))\">(a, b) }",
                  {"f32[2,1]{3, 5}", "f32[2]{1, 2}"}, {"f32[2,2]{1, 0, 3, 1}"});
    expect_values("(f32[2] a) => (f32[2] y) { y = \"tercet\":Pointwise<expr = \"clip(x0, -inf, 1)\">(a) }", {"f32[2]{-7, 3}"}, {"f32[2]{-7, 1}"});
    typed_graph("(f32[N,3,H] a, f32[3,1] b) => (f32[N,3,H] y) { y = \"tercet\":Pointwise<expr = \"add(x0, x1)\">(a, b) }");
}

// The numbers of a 16-bit type stay; what lies between two goes to the nearer one, from halfway to the even one.
TEST(Pointwise, RoundsToNumbersOfSixteenBits) {
    for (const auto& [half, name] : {std::pair{DType::f16, "round_f16"}, {DType::bf16, "round_bf16"}}) {
        const ScalarFunction& f = *find_scalar_function(name);
        const auto number = [&](int bits) {
            const auto b = static_cast<std::uint16_t>(bits);
            return View(half, {}, &b).get_at(0);
        };
        const int infinity = half == DType::f16 ? 0x7c00 : 0x7f80;
        for (int bits = 0; bits < infinity; ++bits) {
            const double x = number(bits), next = bits + 1 < infinity ? number(bits + 1) : 2 * x - number(bits - 1), middle = (x + next) / 2;
            const double above = bits + 1 < infinity ? next : HUGE_VAL, even = bits % 2 == 0 ? x : above;
            for (double sign : {1.0, -1.0}) {
                ASSERT_EQ(f.value(sign * x, 0, 0), sign * x) << name;
                ASSERT_EQ(f.value(sign * middle, 0, 0), sign * even) << name << " between " << x << " and " << next;
                ASSERT_EQ(f.value(sign * std::nextafter(middle, 0), 0, 0), sign * x) << name;
                ASSERT_EQ(f.value(sign * std::nextafter(middle, HUGE_VAL), 0, 0), sign * above) << name;
            }
        }
        EXPECT_TRUE(std::signbit(f.value(-0.0, 0, 0)));
        EXPECT_TRUE(std::isnan(f.value(NAN, 0, 0)));
        EXPECT_EQ(f.value(-HUGE_VAL, 0, 0), -HUGE_VAL);
    }
    expect_values("(f32[3] x) => (f32[3] y) { y = \"tercet\":Pointwise<expr = \"add(round_f16(x0), round_bf16(x0))\">(x) }", {"f32[3]{1.001, 70000, -0.1}"}, {"f32[3]{2.0009765625, inf, -0.20007324}"});
}

TEST(Pointwise, RefusesWhatItCannotCompute) {
    const auto refuse = [](const char* expr, const char* inputs, const char* part) {
        expect_infer_error(fmt::format("(f32[2] a, f64[2] b, i32[2] c) => (f32[2] y) {{ y = \"tercet\":Pointwise<expr = \"{}\">({}) }}", expr, inputs), part);
    };
    refuse("add(x0, x1)", "a", "reads 2 inputs, has 1");
    refuse("add(x0, x1)", "a, b", "different types");
    refuse("neg(x0)", "c", "unsupported: Pointwise of i32");
    refuse("", "a", "unknown function");
    refuse("infinite(x0)", "a", "the expression");
    refuse("x9", "a", "reads too many inputs");
}

}  // namespace
}  // namespace tercet::testing
