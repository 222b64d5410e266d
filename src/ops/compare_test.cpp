// SPDX-License-Identifier: Apache-2.0
#include "ops/testing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(Compare, IsExactInEveryType) {
    struct Case { const char *op, *type, *a, *b, *y; };
    const Case cases[] = {
        {"Equal", "i64", "9007199254740993, 2, 3", "9007199254740992, 2, 4", "0, 1, 0"},
        {"Equal", "bool", "1, 0, 1", "1, 1, 0", "1, 0, 0"},
        {"Equal", "f32", "nan, inf, -0.0", "nan, inf, 0", "0, 1, 1"},
        {"Less", "u64", "1, 18446744073709551615, 2", "18446744073709551615, 1, 2", "1, 0, 0"},
        {"Less", "i8", "-1, 1, 2", "1, -1, 2", "1, 0, 0"},
        {"LessOrEqual", "f32", "nan, 1, 2", "1, 1, 1", "0, 1, 0"},
        {"Greater", "f16", "nan, 1, 2", "1, 1, 1", "0, 0, 1"},
        {"GreaterOrEqual", "i64", "9007199254740992, 2, 1", "9007199254740993, 2, 2", "0, 1, 0"},
        {"And", "bool", "1, 1, 0", "1, 0, 0", "1, 0, 0"},
        {"Or", "bool", "1, 1, 0", "1, 0, 0", "1, 1, 0"},
        {"Xor", "bool", "1, 1, 0", "1, 0, 0", "0, 1, 0"},
    };
    for (const Case& c : cases)
        expect_values(fmt::format("({0}[3] a, {0}[3] b) => (bool[3] y) {{ y = {1}(a, b) }}", c.type, c.op),
                      {fmt::format("{}[3]{{{}}}", c.type, c.a), fmt::format("{}[3]{{{}}}", c.type, c.b)}, {fmt::format("bool[3]{{{}}}", c.y)});
    expect_values("(bool[2] x) => (bool[2] y) { y = Not(x) }", {"bool[2]{1, 0}"}, {"bool[2]{0, 1}"});
    typed_graph("(f32[N,1] a, f32[S] b) => (bool[N,S] y) { y = Less(a, b) }");
}

TEST(Compare, RefusesMixedTypes) {
    expect_infer_error("(f32[2] a, i32[2] b) => (bool[2] y) { y = Less(a, b) }", "different types");
    expect_infer_error("(f32[2] a) => (bool[2] y) { y = And(a, a) }", "unsupported: And of f32");
    expect_infer_error("(bool[2] a) => (bool[2] y) { y = Less(a, a) }", "unsupported: Less of bool");
}

TEST(FloatTests, SeeNaNAndInfinities) {
    expect_values("(f32[4] x) => (bool[4] y) { y = IsNaN(x) }", {"f32[4]{nan, inf, 0, -nan}"}, {"bool[4]{1, 0, 0, 1}"});
    expect_values("(f16[3] x) => (bool[3] y) { y = IsInf(x) }", {"f16[3]{nan, inf, -inf}"}, {"bool[3]{0, 1, 1}"});
    expect_values("(f32[3] x) => (bool[3] y) { y = IsInf<detect_negative = 0>(x) }", {"f32[3]{1, inf, -inf}"}, {"bool[3]{0, 1, 0}"});
    expect_values("(f32[3] x) => (bool[3] y) { y = IsInf<detect_positive = 0>(x) }", {"f32[3]{1, inf, -inf}"}, {"bool[3]{0, 0, 1}"});
}

TEST(Where, ChoosesElementsOfAnyType) {
    expect_values("(bool[2,1] c, i64[2] a, i64 b) => (i64[2,2] y) { y = Where(c, a, b) }",
                  {"bool[2,1]{1, 0}", "i64[2]{9007199254740993, 2}", "i64{-1}"}, {"i64[2,2]{9007199254740993, 2, -1, -1}"});
    expect_values("(bool[2] c, f32[2] a, f32[2] b) => (f32[2] y) { y = Where(c, a, b) }", {"bool[2]{1, 0}", "f32[2]{nan, 1}", "f32[2]{0, -inf}"},
                  {"f32[2]{nan, -inf}"});
    expect_values("(bool[3] c) => (bool[3] y) { y = Where(c, bool{0}, bool{1}) }", {"bool[3]{1, 0, 1}"}, {"bool[3]{0, 1, 0}"});
    typed_graph("(bool[N,1,S] c, f32[N,H,S] a, f32 b) => (f32[N,H,S] y) { y = Where(c, a, b) }");
    expect_infer_error("(bool[2] c, f32[2] a, f64[2] b) => (f32[2] y) { y = Where(c, a, b) }", "different types");
}

// The exporters' form of 'expand': sizes of -1 are filled in from a shape.
TEST(Where, FollowsSizesThatAreChosenByEquality) {
    const auto content = [](std::string_view body) {
        const Graph g = typed_graph(fmt::format("(f32[N,3] x) => (i64[2] y) {{ s = Shape(x) {} }}", body));
        const Value& y = g.value(g.outputs()[0].value);
        return y.content ? text_of(*y.content) : "unknown";
    };
    EXPECT_EQ(content("c = Equal(i64[2]{-1, 7}, i64{-1}) y = Where(c, s, i64[2]{5, 7})"), "N,7");
    EXPECT_EQ(content("c = Equal(s, i64{-1}) y = Where(c, i64{1}, s)"), "N,3");
    EXPECT_EQ(content("c = Equal(s, i64{4}) y = Where(c, i64{1}, s)"), "?5.0,3");  // N may be 4
}

}  // namespace
}  // namespace tercet::testing
