// SPDX-License-Identifier: Apache-2.0
#include "graph/text.h"
#include "ops/testing.h"
#include "ops/upgrade_testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(Pad, AddsInEveryMode) {
    expect_values("(f32[2,3] x) => (f32[3,5] y) { y = Pad(x, i64[4]{1,0,0,2}, f32{9}) }",
                  {"f32[2,3]{1,2,3,4,5,6}"},
                  {"f32[3,5]{9,9,9,9,9,1,2,3,9,9,4,5,6,9,9}"});
    expect_values(R"((f32[2,4] x) => (f32[3,9] y) { y = Pad<mode = "reflect">(x, i64[4]{0,3,1,2}) })",
                  {"f32[2,4]{1,2,3,4,5,6,7,8}"},
                  {"f32[3,9]{4,3,2,1,2,3,4,3,2,8,7,6,5,6,7,8,7,6,4,3,2,1,2,3,4,3,2}"});
    expect_values(R"((f32[3] x) => (f32[12] y) { y = Pad<mode = "reflect">(x, i64[2]{5,4}) })",
                  {"f32[3]{1,2,3}"},
                  {"f32[12]{2,1,2,3,2,1,2,3,2,1,2,3}"});
    expect_values(R"((f32[2,4] x) => (f32[3,9] y) { y = Pad<mode = "edge">(x, i64[4]{0,3,1,2}) })",
                  {"f32[2,4]{1,2,3,4,5,6,7,8}"},
                  {"f32[3,9]{1,1,1,1,2,3,4,4,4,5,5,5,5,6,7,8,8,8,5,5,5,5,6,7,8,8,8}"});
    expect_values(R"((f32[3] x) => (f32[4] y) { y = Pad<mode = "edge">(x, i64[2]{-1,2}) })",
                  {"f32[3]{1,2,3}"},
                  {"f32[4]{2,3,3,3}"});
    expect_values(R"((f32[3] x) => (f32[12] y) { y = Pad<mode = "edge">(x, i64[2]{5,4}) })",
                  {"f32[3]{1,2,3}"},
                  {"f32[12]{1,1,1,1,1,1,2,3,3,3,3,3}"});
    expect_values(R"((f32[2,4] x) => (f32[3,9] y) { y = Pad<mode = "wrap">(x, i64[4]{0,3,1,2}) })",
                  {"f32[2,4]{1,2,3,4,5,6,7,8}"},
                  {"f32[3,9]{2,3,4,1,2,3,4,1,2,6,7,8,5,6,7,8,5,6,2,3,4,1,2,3,4,1,2}"});
    expect_values(R"((f32[3] x) => (f32[4] y) { y = Pad<mode = "wrap">(x, i64[2]{-1,2}) })",
                  {"f32[3]{1,2,3}"},
                  {"f32[4]{2,3,2,3}"});
    expect_values(R"((f32[3] x) => (f32[12] y) { y = Pad<mode = "wrap">(x, i64[2]{5,4}) })",
                  {"f32[3]{1,2,3}"},
                  {"f32[12]{2,3,1,2,3,1,2,3,1,2,3,1}"});
    expect_values("(f32[2,4] x) => (f32[1,3] y) { y = Pad(x, i64[4]{-1,1,0,-2}) }",
                  {"f32[2,4]{1,2,3,4,5,6,7,8}"},
                  {"f32[1,3]{0,5,6}"});
    expect_values("(i64[2,3] x) => (i64[2,6] y) { y = Pad(x, i64[2]{1,2}, i64{-7}, i64[1]{-1}) }",
                  {"i64[2,3]{1,2,3,4,5,6}"},
                  {"i64[2,6]{-7,1,2,3,-7,-7,-7,4,5,6,-7,-7}"});
    expect_values(R"((f32[3] x) => (f32[4] y) { y = Pad<mode = "reflect">(x, i64[2]{-1,2}) })", {"f32[3]{1,2,3}"}, {"f32[4]{2,3,2,3}"});
    expect_values(R"((f32[1] x) => (f32[4] y) { y = Pad<mode = "reflect">(x, i64[2]{1,2}) })", {"f32[1]{7}"}, {"f32[4]{7,7,7,7}"});
}

TEST(Pad, OfEveryType) {
    expect_values("(bool[2] x) => (bool[4] y) { y = Pad(x, i64[2]{1,1}, bool{1}) }", {"bool[2]{0,0}"}, {"bool[4]{1,0,0,1}"});
    expect_values("(f16[1] x) => (f16[3] y) { y = Pad(x, i64[2]{1,1}) }", {"f16[1]{0.5}"}, {"f16[3]{0,0.5,0}"});
    expect_values("(u8[0] x) => (u8[2] y) { y = Pad(x, i64[2]{1,1}, u8[1]{255}) }", {"u8[0]{}"}, {"u8[2]{255,255}"});
    expect_values("(f32[0,2] x) => (f32[0,3] y) { y = Pad(x, i64[4]{0,0,0,1}) }", {"f32[0,2]{}"}, {"f32[0,3]{}"});
    expect_values("(f32[2] x) => (f32[0] y) { y = Pad(x, i64[2]{-1,-1}) }", {"f32[2]{1,2}"}, {"f32[0]{}"});
}

TEST(Pad, KeepsSymbols) {
    typed_graph("(f32[N,3,H,W] x) => (f32[N,3,H + 2,W - 1] y) { y = Pad(x, i64[8]{0,0,1,-1,0,0,1,0}) }");
    typed_graph("(f32[N,3,H,W] x) => (f32[N,3,H,W + 3] y) { y = Pad(x, i64[2]{1,2}, _, i64[1]{-1}) }");
}

TEST(Pad, HadAttributesInstead) {
    const Graph g = upgraded("(f16[2] x) => (f16[4] y) { y = Pad<pads = [1, 1], value = 0.5>(x) }", 7);
    const Tensor x = parse_tensor("f16[2]{1,2}");
    expect_close(evaluate(g, {&x, 1})[0], parse_tensor("f16[4]{0.5,1,2,0.5}"), 0, "y");
    const Graph edge = upgraded(R"((f32[2] x) => (f32[3] y) { y = Pad<pads = [0, 1], mode = "edge">(x) })", 10);
    const Tensor e = parse_tensor("f32[2]{1,2}");
    expect_close(evaluate(edge, {&e, 1})[0], parse_tensor("f32[3]{1,2,2}"), 0, "y");
}

TEST(Pad, RefusesWhatMakesNoSense) {
    struct { const char *text, *part; } cases[] = {
        {"(f32[2,3] x) => (f32[1] y) { y = Pad(x, i64[2]{1,1}) }", "2 pads for 2 axes"},
        {"(f32[2] x) => (f32[1] y) { y = Pad(x, i64[2]{-1,-2}) }", "pads -1 and -2 leave nothing of axis 0 with 2 elements"},
        {R"((f32[0] x) => (f32[1] y) { y = Pad<mode = "edge">(x, i64[2]{1,1}) })", "leave nothing of axis 0"},
        {R"((f32[2] x) => (f32[1] y) { y = Pad<mode = "mirror">(x, i64[2]{1,1}) })", "unknown mode 'mirror'"},
        {"(f32[2] x) => (f32[1] y) { y = Pad(x, i64[2]{1,1}, i64{1}) }", "input 2 is i64, input 0 is f32"},
        {"(f32[2] x) => (f32[1] y) { y = Pad(x, i64[2]{1,1}, f32[2]{1,1}) }", "the value (input 2) has the shape [2]"},
        {"(f32[2,2] x) => (f32[1] y) { y = Pad(x, i64[4]{1,1,1,1}, _, i64[2]{1,-1}) }", "named twice"},
        {"(f32[2] x) => (f32[1] y) { y = Pad(x, i64[2]{9223372036854775807,1}) }", "a pad of 9223372036854775807"},
        {"(f32[2] x) => (f32[1] y) { y = Pad(x, f32[2]{1,1}) }", "input 1 is f32"},
    };
    for (const auto& c : cases) expect_infer_error(c.text, c.part);
}

TEST(Pad, RefusesExtentsThatTurnOutTooSmall) {
    const Graph g = typed_graph("(f32[N] x) => (f32[N - 3] y) { y = Pad(x, i64[2]{-1,-2}) }");
    const Tensor x = random_tensor(DType::f32, {2}, 1);
    EXPECT_THROW(evaluate(g, {&x, 1}), Error);
}

}  // namespace
}  // namespace tercet::testing
