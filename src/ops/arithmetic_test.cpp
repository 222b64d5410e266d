// SPDX-License-Identifier: Apache-2.0
#include "ops/testing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

struct Case {
    const char *call, *type_a, *a, *type_b, *b, *y;
};

void check(const Case& c) {
    expect_values(fmt::format("({0}[2] a, {1}[2] b) => ({0}[2] y) {{ y = {2}(a, b) }}", c.type_a, c.type_b, c.call),
                  {fmt::format("{}[2]{{{}}}", c.type_a, c.a), fmt::format("{}[2]{{{}}}", c.type_b, c.b)}, {fmt::format("{}[2]{{{}}}", c.type_a, c.y)});
}

TEST(Pow, HasTheTypeOfItsBase) {
    const Case cases[] = {
        {"Pow", "f32", "2, -3", "f32", "0.5, 2", "1.41421356, 9"},
        {"Pow", "f32", "2, -3", "i64", "-1, 3", "0.5, -27"},
        {"Pow", "f64", "2, 2", "u64", "10, 0", "1024, 1"},
        {"Pow", "i64", "3, -2", "i64", "34, 63", "16677181699666569, -9223372036854775808"},
        {"Pow", "i32", "2, 2", "i32", "-1, 32", "0, 0"},
        {"Pow", "i32", "-1, 1", "i32", "-3, -2147483648", "-1, 1"},
        {"Pow", "i32", "-1, 0", "i64", "-9223372036854775808, -1", "1, 0"},
        {"Pow", "i32", "4, -8", "f32", "0.5, 2", "2, 64"},
        {"Pow", "i32", "2, -8", "f32", "100, 0.5", "2147483647, 0"},
    };
    for (const Case& c : cases) check(c);
    typed_graph("(f32[N,S,8] x) => (f32[N,S,8] y) { y = Pow(x, f32{2}) }");
    expect_infer_error("(bool[2] x) => (bool[2] y) { y = Pow(x, f32{2}) }", "unsupported: Pow of bool");
}

TEST(Mod, TakesTheSignOfTheDivisorOrWithFmodOfTheDividend) {
    const Case cases[] = {
        {"Mod", "i32", "-7, 7", "i32", "3, -3", "2, -2"},
        {"Mod<fmod = 1>", "i32", "-7, 7", "i32", "3, -3", "-1, 1"},
        {"Mod", "i64", "-9223372036854775808, 5", "i64", "-1, 0", "0, 0"},
        {"Mod", "u64", "18446744073709551615, 5", "u64", "10, 3", "5, 2"},
        {"Mod<fmod = 1>", "f32", "-4.3, 7.2", "f32", "2.1, -3.4", "-0.1, 0.4"},
        {"Mod", "f32", "-4.3, 7.2", "f32", "2.1, -3.4", "2, -3"},
        {"Mod", "f32", "-1, 1", "f32", "inf, 0", "inf, nan"},
    };
    for (const Case& c : cases) check(c);
}

TEST(Mod, FollowsShapes) {
    const Graph g = typed_graph("(f32[N,10] x) => (i64[2] y) { s = Shape(x) y = Mod(s, i64{4}) }");
    EXPECT_EQ(text_of(g.value(g.outputs()[0].value).content.value()), "N - 4*floor((N)/(4)),2");
}

TEST(Mean, DividesTheSumOnce) {
    expect_values("(f32[2] a, f32[1] b, f32[2] c) => (f32[2] y) { y = Mean(a, b, c) }", {"f32[2]{1, 2}", "f32[1]{3}", "f32[2]{5, 4}"}, {"f32[2]{3, 3}"});
    expect_values("(f16[1] a, f16[1] b) => (f16[1] y) { y = Mean(a, b) }", {"f16[1]{65504}", "f16[1]{65504}"}, {"f16[1]{65504}"});
    expect_values("(f32[0] a) => (f32[0] y) { y = Mean(a) }", {"f32[0]{}"}, {"f32[0]{}"});
}

TEST(BitShift, DropsWhatLeavesTheType) {
    const Case cases[] = {
        {"BitShift<direction = \"LEFT\">", "u8", "129, 1", "u8", "1, 8", "2, 0"},
        {"BitShift<direction = \"RIGHT\">", "u64", "18446744073709551615, 1", "u64", "63, 64", "1, 0"},
        {"BitShift<direction = \"RIGHT\">", "i32", "-8, -8", "i32", "1, 32", "-4, -1"},
        {"BitShift<direction = \"LEFT\">", "i32", "-8, 3", "i32", "-1, 31", "0, -2147483648"},
    };
    for (const Case& c : cases) check(c);
    expect_infer_error("(u8[2] x) => (u8[2] y) { y = BitShift<direction = \"UP\">(x, x) }", "direction is 'UP'");
    expect_infer_error("(f32[2] x) => (f32[2] y) { y = BitShift<direction = \"LEFT\">(x, x) }", "unsupported: BitShift of f32");
}

TEST(Bitwise, CombinesIntegers) {
    const Case cases[] = {
        {"BitwiseAnd", "i32", "12, -1", "i32", "10, 7", "8, 7"},
        {"BitwiseOr", "u8", "12, 128", "u8", "10, 1", "14, 129"},
        {"BitwiseXor", "u64", "12, 18446744073709551615", "u64", "10, 1", "6, 18446744073709551614"},
    };
    for (const Case& c : cases) check(c);
    expect_values("(u16[2] x) => (u16[2] y) { y = BitwiseNot(x) }", {"u16[2]{0, 65534}"}, {"u16[2]{65535, 1}"});
}

}  // namespace
}  // namespace tercet::testing
