// SPDX-License-Identifier: Apache-2.0
#include "graph/text.h"
#include "ops/testing.h"
#include "ops/upgrade_testing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(ScatterElements, WritesElementByElement) {
    expect_values("(f32[3,3] x, i64[2,3] i, f32[2,3] u) => (f32[3,3] y) { y = ScatterElements(x, i, u) }",
                  {"f32[3,3]{0,0,0,0,0,0,0,0,0}", "i64[2,3]{1,0,2,0,2,1}", "f32[2,3]{1,1.1,1.2,2,2.1,2.2}"}, {"f32[3,3]{2,1.1,0,1,0,2.2,0,2.1,1.2}"});
    expect_values("(bool[1,5] x, i32[1,2] i, bool[1,2] u) => (bool[1,5] y) { y = ScatterElements<axis = -1>(x, i, u) }",
                  {"bool[1,5]{0,0,0,0,1}", "i32[1,2]{-4,4}", "bool[1,2]{1,0}"}, {"bool[1,5]{0,1,0,0,0}"});
    expect_values("(f32[2] x, i64[0] i, f32[0] u) => (f32[2] y) { y = ScatterElements(x, i, u) }", {"f32[2]{1,2}", "i64[0]{}", "f32[0]{}"}, {"f32[2]{1,2}"});
    typed_graph("(f32[N,9] x, i64[N,2] i, f32[N,2] u) => (f32[N,9] y) { y = ScatterElements<axis = 1>(x, i, u) }");
}

TEST(ScatterElements, Reduces) {
    struct { const char *type, *reduction, *result; } cases[] = {
        {"f32", "none", "4,2,-7"}, {"f32", "add", "8,2,-4"}, {"f32", "mul", "12,2,-21"}, {"f32", "min", "1,2,-7"}, {"f32", "max", "4,2,3"},
        {"f16", "add", "8,2,-4"},  {"i64", "add", "8,2,-4"}, {"i64", "mul", "12,2,-21"}, {"i8", "min", "1,2,-7"},  {"i32", "max", "4,2,3"},
    };
    for (const auto& c : cases)  // 1, 2, 3 with 3 and 4 at 0, and -7 at 2
        expect_values(fmt::format(R"(({0}[3] x, i64[3] i, {0}[3] u) => ({0}[3] y) {{ y = ScatterElements<reduction = "{1}">(x, i, u) }})", c.type, c.reduction),
                      {fmt::format("{}[3]{{1,2,3}}", c.type), "i64[3]{0,-3,2}", fmt::format("{}[3]{{3,4,-7}}", c.type)}, {fmt::format("{}[3]{{{}}}", c.type, c.result)});
    expect_values(R"((u8[2] x, i64[2] i, u8[2] u) => (u8[2] y) { y = ScatterElements<reduction = "add">(x, i, u) })", {"u8[2]{200,1}", "i64[2]{0,1}", "u8[2]{100,1}"}, {"u8[2]{44,2}"});
    expect_values(R"((bool[2] x, i64[2] i, bool[2] u) => (bool[2] y) { y = ScatterElements<reduction = "add">(x, i, u) })", {"bool[2]{1,0}", "i64[2]{0,1}", "bool[2]{1,0}"}, {"bool[2]{1,0}"});
    expect_values(R"((u64[1] x, i64[1] i, u64[1] u) => (u64[1] y) { y = ScatterElements<reduction = "max">(x, i, u) })",
                  {"u64[1]{18446744073709551615}", "i64[1]{0}", "u64[1]{1}"}, {"u64[1]{18446744073709551615}"});
    expect_values(R"((f32[2] x, i64[2] i, f32[2] u) => (f32[2] y) { y = ScatterElements<reduction = "min">(x, i, u) })", {"f32[2]{nan,1}", "i64[2]{0,1}", "f32[2]{1,nan}"}, {"f32[2]{nan,nan}"});
}

TEST(ScatterElements, StaysInBounds) {
    const Graph g = parse_text("(f32[2] x, i64[2] i, f32[2] u) => (f32[2] y) { y = ScatterElements(x, i, u) }");
    const Tensor x = parse_tensor("f32[2]{1,2}"), i = parse_tensor("i64[2]{9223372036854775807,-9}"), u = parse_tensor("f32[2]{5,6}");
    Tensor y = parse_tensor("f32[2]{0,0}");
    const std::vector in{x.view(), i.view(), u.view()}, out{y.writable()};
    run_reference({g.node(g.order()[0]), in, out});
    EXPECT_EQ(y, parse_tensor("f32[2]{6,5}"));
}

TEST(ScatterElements, Refuses) {
    expect_infer_error("(f32[2] x, i64[1] i, f32[2] u) => (f32[2] y) { y = ScatterElements(x, i, u) }", "indices of shape [1], updates of shape [2] and data of shape [2] do not fit");
    expect_infer_error("(f32[2,1] x, i64[1,2] i, f32[1,2] u) => (f32[2] y) { y = ScatterElements(x, i, u) }", "do not fit");
    expect_infer_error("(f32[2] x, i64[1] i, f64[1] u) => (f32[2] y) { y = ScatterElements(x, i, u) }", "data is of type f32, updates are of type f64");
    expect_infer_error("(f32[2] x, f32[1] i, f32[1] u) => (f32[2] y) { y = ScatterElements(x, i, u) }", "the indices (input 1) are of type f32");
    expect_infer_error(R"((f32[2] x, i64[1] i, f32[1] u) => (f32[2] y) { y = ScatterElements<reduction = "sub">(x, i, u) })", "unknown reduction 'sub'");
    expect_infer_error("(f32[2] x, f32[1] u) => (f32[2] y) { y = ScatterElements(x, i64[1]{2}, u) }", "index 2 on an axis of 2 elements");
}

TEST(ScatterND, WritesBlocks) {
    expect_values("(f32[8] x, i64[4,1] i, f32[4] u) => (f32[8] y) { y = ScatterND(x, i, u) }", {"f32[8]{1,2,3,4,5,6,7,8}", "i64[4,1]{4,3,1,-1}", "f32[4]{9,10,11,12}"},
                  {"f32[8]{1,11,3,10,9,6,7,12}"});
    expect_values(R"((i32[3,2] x, i64[3,1] i, i32[3,2] u) => (i32[3,2] y) { y = ScatterND<reduction = "add">(x, i, u) })",
                  {"i32[3,2]{1,2,3,4,5,6}", "i64[3,1]{2,0,2}", "i32[3,2]{10,20,30,40,50,60}"}, {"i32[3,2]{31,42,3,4,65,86}"});
    expect_values("(f32[2,2] x, i64[1,2] i, f32[1] u) => (f32[2,2] y) { y = ScatterND(x, i, u) }", {"f32[2,2]{1,2,3,4}", "i64[1,2]{1,0}", "f32[1]{9}"}, {"f32[2,2]{1,2,9,4}"});
    expect_values("(f32[2] x, i64[1] i, f32[] u) => (f32[2] y) { y = ScatterND(x, i, u) }", {"f32[2]{1,2}", "i64[1]{1}", "f32{9}"}, {"f32[2]{1,9}"});
    typed_graph("(f32[N,4,H] x, i64[K,2] i, f32[K,H] u) => (f32[N,4,H] y) { y = ScatterND(x, i, u) }");
}

TEST(ScatterND, Refuses) {
    expect_infer_error("(f32[2,2] x, i64[1,1] i, f32[1,3] u) => (f32[2,2] y) { y = ScatterND(x, i, u) }", "updates have the shape [1,3], should have [1,2]");
    expect_infer_error("(f32[2] x, i64[1,2] i, f32[1] u) => (f32[2] y) { y = ScatterND(x, i, u) }", "indices of 2 numbers each, into data of rank 1");
    expect_infer_error("(f32[2] x, i64[] i, f32[1] u) => (f32[2] y) { y = ScatterND(x, i, u) }", "indices of 0 numbers each");
    expect_infer_error("(f32[2] x, i64[1,K] i, f32[1] u) => (f32[2] y) { y = ScatterND(x, i, u) }", "is not known while building");
}

TEST(Scatter, IsScatterElementsSinceOperatorSet11) {
    const Graph g = upgraded("(f32[2] x, i64[1] i, f32[1] u) => (f32[2] y) { y = Scatter(x, i, u) }", 10);
    EXPECT_EQ(g.node(g.order()[0]).op, "ScatterElements");
}

}  // namespace
}  // namespace tercet::testing
