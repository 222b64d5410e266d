// SPDX-License-Identifier: Apache-2.0
#include "ops/pointwise_table.h"

#include "ops/testing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(PointwiseOps, GiveTheValuesWorkedByHand) {
    struct Case { const char *op, *x, *y; };
    const Case cases[] = {
        {"Abs", "-2, 0, 3, -inf", "2, 0, 3, inf"},
        {"Acos", "1, 0, 0, -1", "0, 1.57079633, 1.57079633, 3.14159265"},
        {"Acosh", "1, 1, 2, inf", "0, 0, 1.31695790, inf"},
        {"Asin", "1, 0, 0, -1", "1.57079633, 0, 0, -1.57079633"},
        {"Asinh", "0, 1, -1, inf", "0, 0.88137359, -0.88137359, inf"},
        {"Atan", "0, 1, -1, inf", "0, 0.78539816, -0.78539816, 1.57079633"},
        {"Atanh", "0, 0.5, -0.5, 1", "0, 0.54930614, -0.54930614, inf"},
        {"Ceil", "-1.5, 0.2, 2, nan", "-1, 1, 2, nan"},
        {"Celu", "-1, 0, 2, -inf", "-0.63212056, 0, 2, -1"},
        {"Celu<alpha = 2.0>", "-1, 0, 2, -inf", "-0.78693868, 0, 2, -2"},
        {"Cos", "0, 1, -1, inf", "1, 0.54030231, 0.54030231, nan"},
        {"Cosh", "0, 1, -1, inf", "1, 1.54308063, 1.54308063, inf"},
        {"Elu", "-1, 0, 2, -inf", "-0.63212056, 0, 2, -1"},
        {"Elu<alpha = 0.5>", "-1, 0, 2, -inf", "-0.31606028, 0, 2, -0.5"},
        {"Erf", "0, 1, -1, inf", "0, 0.84270079, -0.84270079, 1"},
        {"Exp", "0, 1, -inf, inf", "1, 2.71828183, 0, inf"},
        {"Floor", "-1.5, 0.2, 2, nan", "-2, 0, 2, nan"},
        {"HardSigmoid", "0, 1, -3, 3", "0.5, 0.7, 0, 1"},
        {"HardSigmoid<alpha = 0.5, beta = 0.25>", "0, 1, -3, 3", "0.25, 0.75, 0, 1"},
        {"HardSwish", "0, 1, -3, 3", "0, 0.66666667, 0, 3"},
        {"LeakyRelu", "-2, 0, 3, nan", "-0.02, 0, 3, nan"},
        {"LeakyRelu<alpha = 0.25>", "-2, 0, 3, -inf", "-0.5, 0, 3, -inf"},
        {"Log", "1, 0, -1, inf", "0, -inf, nan, inf"},
        {"Mish", "0, 1, -1, inf", "0, 0.86509839, -0.30340147, inf"},
        {"Neg", "1, -2, inf, nan", "-1, 2, -inf, nan"},
        {"Reciprocal", "1, -2, inf, 0", "1, -0.5, 0, inf"},
        {"Relu", "-1, 2, -inf, nan", "0, 2, 0, nan"},
        {"Round", "0.5, 1.5, -2.5, 2.6", "0, 2, -2, 3"},
        {"Selu", "-1, 0, 1, inf", "-1.11133072, 0, 1.05070099, inf"},
        {"Selu<alpha = 1.0, gamma = 2.0>", "-1, 0, 1, inf", "-1.26424112, 0, 2, inf"},
        {"Sigmoid", "0, 1, -inf, inf", "0.5, 0.73105858, 0, 1"},
        {"Sign", "-3, 0, 5, nan", "-1, 0, 1, nan"},
        {"Sin", "0, 1, -1, inf", "0, 0.84147098, -0.84147098, nan"},
        {"Sinh", "0, 1, -1, inf", "0, 1.17520119, -1.17520119, inf"},
        {"Softplus", "0, 1, -200, 200", "0.69314718, 1.31326169, 0, 200"},
        {"Softsign", "0, 1, -3, 3", "0, 0.5, -0.75, 0.75"},
        {"Sqrt", "0, 4, -1, inf", "0, 2, nan, inf"},
        {"Tan", "0, 1, -1, inf", "0, 1.55740772, -1.55740772, nan"},
        {"Tanh", "0, 1, -inf, inf", "0, 0.76159416, -1, 1"},
        {"ThresholdedRelu", "0.5, 1, 1.5, -2", "0, 0, 1.5, 0"},
        {"ThresholdedRelu<alpha = 0.1>", "0.1, 0.2, -1, 0", "0, 0.2, 0, 0"},
        {"ThresholdedRelu<alpha = 0.25>", "0.5, 0.25, 1.5, -2", "0.5, 0, 1.5, 0"},
    };
    for (const Case& c : cases)
        for (const char* type : {"f32", "f64"})
            expect_values(fmt::format("({0}[4] x) => ({0}[4] y) {{ y = {1}(x) }}", type, c.op), {fmt::format("{}[4]{{{}}}", type, c.x)},
                          {fmt::format("{}[4]{{{}}}", type, c.y)});
}

TEST(PointwiseOps, RoundHalfTypesOnce) {
    expect_values("(f16[3] x) => (f16[3] y) { y = Exp(x) }", {"f16[3]{1, 12, -20}"}, {"f16[3]{2.71875, inf, 0}"}, 0);
    expect_values("(bf16[2] a, bf16[2] b) => (bf16[2] y) { y = Mul(a, b) }", {"bf16[2]{1.5, 1.0078125}", "bf16[2]{3, 1.0078125}"},
                  {"bf16[2]{4.5, 1.015625}"}, 0);
    expect_values("(f16[1] a, f16[1] b, f16[1] c) => (f16[1] y) { y = Sum(a, b, c) }",
                  {"f16[1]{2048}", "f16[1]{1}", "f16[1]{1}"}, {"f16[1]{2050}"}, 0);  // one by one: 2048 + 1 is 2048
}

TEST(PointwiseOps, ComputeIntegersExactlyInTheirType) {
    struct Case { const char *op, *type, *a, *b, *y; };
    const Case cases[] = {
        {"Add", "i64", "9007199254740993, 9223372036854775807", "1, 1", "9007199254740994, -9223372036854775808"},
        {"Add", "u8", "250, 1", "10, 2", "4, 3"},
        {"Sub", "u64", "0, 18446744073709551615", "1, 1", "18446744073709551615, 18446744073709551614"},
        {"Sub", "u16", "0, 7", "1, 2", "65535, 5"},
        {"Mul", "i32", "65536, -3", "65536, 5", "0, -15"},
        {"Mul", "i64", "4611686018427387904, 3037000500", "4, 3037000500", "0, -9223372036709301616"},
        {"Div", "i32", "-7, 7", "2, -2", "-3, -3"},
        {"Div", "i32", "-2147483648, 5", "-1, 0", "-2147483648, 0"},
        {"Div", "i8", "-128, 5", "-1, 0", "-128, 0"},
        {"Div", "i64", "-9223372036854775808, 5", "-1, 0", "-9223372036854775808, 0"},
        {"Div", "u64", "18446744073709551615, 5", "2, 0", "9223372036854775807, 0"},
        {"Max", "u64", "18446744073709551615, 5", "2, 7", "18446744073709551615, 7"},
        {"Min", "u64", "18446744073709551615, 5", "2, 7", "2, 5"},
        {"Max", "i64", "9007199254740993, -5", "9007199254740992, 3", "9007199254740993, 3"},
        {"PRelu", "i32", "-3, 4", "5, 5", "-15, 4"},
        {"PRelu", "u32", "3, 4", "5, 5", "3, 4"},
    };
    for (const Case& c : cases)
        expect_values(fmt::format("({0}[2] a, {0}[2] b) => ({0}[2] y) {{ y = {1}(a, b) }}", c.type, c.op),
                      {fmt::format("{}[2]{{{}}}", c.type, c.a), fmt::format("{}[2]{{{}}}", c.type, c.b)}, {fmt::format("{}[2]{{{}}}", c.type, c.y)});
    const Case unary[] = {
        {"Abs", "i8", "-128, -3", "", "-128, 3"},
        {"Abs", "u8", "200, 3", "", "200, 3"},
        {"Abs", "i64", "-9007199254740993, -9223372036854775808", "", "9007199254740993, -9223372036854775808"},
        {"Neg", "i64", "9007199254740993, -9223372036854775808", "", "-9007199254740993, -9223372036854775808"},
        {"Sign", "u64", "18446744073709551615, 0", "", "1, 0"},
        {"Sign", "i16", "-7, 9", "", "-1, 1"},
        {"Relu", "i32", "-7, 9", "", "0, 9"},
        {"Relu", "i64", "-1, 9007199254740993", "", "0, 9007199254740993"},
    };
    for (const Case& c : unary)
        expect_values(fmt::format("({0}[2] a) => ({0}[2] y) {{ y = {1}(a) }}", c.type, c.op), {fmt::format("{}[2]{{{}}}", c.type, c.a)},
                      {fmt::format("{}[2]{{{}}}", c.type, c.y)});
}

TEST(PointwiseOps, BroadcastInBothDirections) {
    expect_values("(f32[2,1] a, f32[3] b) => (f32[2,3] y) { y = Add(a, b) }", {"f32[2,1]{10, 20}", "f32[3]{1, 2, 3}"},
                  {"f32[2,3]{11, 12, 13, 21, 22, 23}"});
    expect_values("(f32 a, f32 b) => (f32[] y) { y = Sub(a, b) }", {"f32{1}", "f32{3}"}, {"f32{-2}"});
    expect_values("(f32[2] a, f32 b, f32[2,1] c) => (f32[2,2] y) { y = Max(a, b, c) }", {"f32[2]{1, 5}", "f32{2}", "f32[2,1]{0, 3}"},
                  {"f32[2,2]{2, 5, 3, 5}"});
    expect_values("(f32[2,0] a, f32[1] b) => (f32[2,0] y) { y = Mul(a, b) }", {"f32[2,0]{}", "f32[1]{3}"}, {"f32[2,0]{}"});
    expect_values("(f32[1,2,1,2] x, f32[2,1,1] s) => (f32[1,2,1,2] y) { y = PRelu(x, s) }", {"f32[1,2,1,2]{-1, 1, -2, 2}", "f32[2,1,1]{0.5, 3}"},
                  {"f32[1,2,1,2]{-0.5, 1, -6, 2}"});
}

TEST(PointwiseOps, CarryNaNThroughMaxAndMin) {
    expect_values("(f32[2] a, f32[2] b) => (f32[2] y, f32[2] z) { y = Max(a, b) z = Min(a, b) }", {"f32[2]{nan, 1}", "f32[2]{1, nan}"},
                  {"f32[2]{nan, nan}", "f32[2]{nan, nan}"});
    expect_values("(f32[2] a) => (f32[2] y) { y = Max(a) }", {"f32[2]{nan, 1}"}, {"f32[2]{nan, 1}"});
}

TEST(PointwiseOps, KeepSymbols) {
    typed_graph("(f32[N,64,H,W] x, f32[64,1,1] s) => (f32[N,64,H,W] y) { y = PRelu(x, s) }");
    typed_graph("(f32[N,1,S] a, f32[S,1] b) => (f32[N,S,S] y) { y = Mul(a, b) }");
    typed_graph("(f32[2*N,7] a, f32[1,7] b, f32[] c) => (f32[2*N,7] y) { y = Sum(a, b, c) }");
}

TEST(PointwiseOps, FollowTheContentsOfShapes) {
    const auto content = [](std::string_view body) {
        const Graph g = typed_graph(fmt::format("(f32[N,3,H] x) => (i64[3] y) {{ s = Shape(x) {} }}", body));
        const Value& y = g.value(g.outputs()[0].value);
        return y.content ? text_of(*y.content) : "unknown";
    };
    EXPECT_EQ(content("y = Add(s, i64[3]{1, 2, 3})"), "N + 1,5,H + 3");
    EXPECT_EQ(content("y = Sub(s, i64{1})"), "N - 1,2,H - 1");
    EXPECT_EQ(content("h = Div(s, i64[1]{2}) y = Mul(h, i64{2})"), "2*floor((N)/(2)),2,2*floor((H)/(2))");
    EXPECT_EQ(content("y = Div(s, s)"), "1,1,1");
    EXPECT_EQ(content("y = Min(s, i64{5})"), "min(5, N),3,min(5, H)");
    EXPECT_EQ(content("y = Max(s, i64{0})"), "N,3,H");
    EXPECT_EQ(content("y = Neg(s)"), "-N,-3,-H");
    EXPECT_EQ(content("y = Div(s, i64{0})"), "?3.0,?3.1,?3.2");
    EXPECT_EQ(content("y = Mul(s, i64{9223372036854775807})"), "9223372036854775807*N,?3.1,9223372036854775807*H");
    EXPECT_EQ(content("y = Max(s, i64[3]{0, 9223372036854775807, 0}, i64{-1})"), "N,9223372036854775807,H");
}

TEST(PointwiseOps, RefuseTypesThatONNXDoesNotDefine) {
    expect_infer_error("(i32[2] x) => (i32[2] y) { y = Sigmoid(x) }", "unsupported: Sigmoid of i32");
    expect_infer_error("(bool[2] x) => (bool[2] y) { y = Add(x, x) }", "unsupported: Add of bool");
    expect_infer_error("(f32[2] a, f64[2] b) => (f32[2] y) { y = Add(a, b) }", "different types, f32 and f64");
    expect_infer_error("(f32[2] a, f32[3] b) => (f32[2] y) { y = Add(a, b) }", "cannot be broadcast together");
    expect_infer_error("(f32[1,3] a, f32[2,1] b) => (f32[1,3] y) { y = PRelu(a, b) }", "a slope of shape [2,1] cannot be broadcast to [1,3]");
    expect_infer_error("(f32[3] a, f32[1,3] b) => (f32[3] y) { y = PRelu(a, b) }", "a slope of shape [1,3]");
}

TEST(Decimal, IsTheNumberAsWritten) {
    EXPECT_EQ(decimal(0.01f), 0.01);
    EXPECT_EQ(decimal(-0.2f), -0.2);
    EXPECT_EQ(decimal(std::numeric_limits<float>::infinity()), std::numeric_limits<double>::infinity());
    EXPECT_EQ(static_cast<float>(decimal(1e-45f)), 1e-45f);
}

}  // namespace
}  // namespace tercet::testing
