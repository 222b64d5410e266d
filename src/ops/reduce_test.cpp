// SPDX-License-Identifier: Apache-2.0
#include "graph/text.h"
#include "ops/testing.h"
#include "ops/upgrade_testing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(Reduce, GivesTheValuesWorkedByHand) {
    struct Case { const char *op, *rows, *all, *empty; };
    const Case cases[] = {  // of {{1, 2, 3}, {-4, 0, 0.5}}; empty: over an axis of extent 0
        {"ReduceSum", "6, -3.5", "2.5", "0"},
        {"ReduceMean", "2, -1.16666667", "0.41666667", "nan"},
        {"ReduceMax", "3, 0.5", "3", "-inf"},
        {"ReduceMin", "1, -4", "-4", "inf"},
        {"ReduceProd", "6, 0", "0", "1"},
        {"ReduceL1", "6, 4.5", "10.5", "0"},
        {"ReduceL2", "3.74165739, 4.03112887", "5.5", "0"},
        {"ReduceLogSum", "1.79175947, nan", "0.91629073", "-inf"},
        {"ReduceLogSumExp", "3.40760596, 0.98096806", "3.49225354", "-inf"},
        {"ReduceSumSquare", "14, 16.25", "30.25", "0"},
    };
    for (const Case& c : cases) {
        const std::vector<std::string> x{"f32[2,3]{1, 2, 3, -4, 0, 0.5}"};
        expect_values(fmt::format("(f32[2,3] x) => (f32[2,1] y) {{ y = {}(x, i64[1]{{1}}) }}", c.op), x, {fmt::format("f32[2,1]{{{}}}", c.rows)});
        expect_values(fmt::format("(f32[2,3] x) => (f32[2] y) {{ y = {}<keepdims = 0>(x, i64[1]{{-1}}) }}", c.op), x, {fmt::format("f32[2]{{{}}}", c.rows)});
        expect_values(fmt::format("(f32[2,3] x) => (f32[1,1] y) {{ y = {}(x) }}", c.op), x, {fmt::format("f32[1,1]{{{}}}", c.all)});
        expect_values(fmt::format("(f32[2,3] x) => (f32[] y) {{ y = {}<keepdims = 0>(x, i64[2]{{1, 0}}) }}", c.op), x, {fmt::format("f32{{{}}}", c.all)});
        expect_values(fmt::format("(f32[2,0] x) => (f32[2,1] y) {{ y = {}(x, i64[1]{{1}}) }}", c.op), {"f32[2,0]{}"}, {fmt::format("f32[2,1]{{{0}, {0}}}", c.empty)});
    }
}

TEST(Reduce, GoesOverAnyAxes) {
    const std::vector<std::string> x{"f32[2,1,3,2]{1,2,3,4,5,6,7,8,9,10,11,12}"};
    expect_values("(f32[2,1,3,2] x) => (f32[1,1,3,1] y) { y = ReduceSum(x, i64[2]{0, 3}) }", x, {"f32[1,1,3,1]{18, 26, 34}"});
    expect_values("(f32[2,1,3,2] x) => (f32[2,2] y) { y = ReduceSum<keepdims = 0>(x, i64[2]{2, 1}) }", x, {"f32[2,2]{9, 12, 27, 30}"});
    expect_values("(f32 x) => (f32[] y) { y = ReduceMean(x) }", {"f32{7}"}, {"f32{7}"});
    expect_values("(f32[0,2] x) => (f32[0,1] y) { y = ReduceSum(x, i64[1]{1}) }", {"f32[0,2]{}"}, {"f32[0,1]{}"});
}

TEST(Reduce, OverNoAxesTakesSingleElements) {
    for (const char* axes : {"", ", i64[0]{}"}) {
        expect_values(fmt::format("(f32[2] x) => (f32[2] y) {{ y = ReduceSum<noop_with_empty_axes = 1>(x{}) }}", axes), {"f32[2]{3, -4}"}, {"f32[2]{3, -4}"});
        expect_values(fmt::format("(f32[2] x) => (f32[2] y) {{ y = ReduceSumSquare<noop_with_empty_axes = 1, keepdims = 0>(x{}) }}", axes), {"f32[2]{3, -4}"}, {"f32[2]{9, 16}"});
        expect_values(fmt::format("(f32[2] x) => (f32[1] y) {{ y = ReduceSum(x{}) }}", axes), {"f32[2]{3, -4}"}, {"f32[1]{-1}"});
    }
}

TEST(Reduce, KeepsIntegersExact) {
    struct Case { const char *op, *type, *x, *y; };
    const Case cases[] = {
        {"ReduceSum", "i64", "9007199254740993, 2, -1", "9007199254740994"},
        {"ReduceSum", "i32", "2147483647, 1, 0", "-2147483648"},
        {"ReduceMean", "i32", "-4, -3, -1", "-2"},
        {"ReduceMax", "u64", "18446744073709551615, 1, 2", "18446744073709551615"},
        {"ReduceMin", "i64", "9007199254740993, 9007199254740995, 9007199254740994", "9007199254740993"},
        {"ReduceProd", "i64", "3, 9007199254740993, -1", "-27021597764222979"},
        {"ReduceL1", "i32", "-5, 3, -1", "9"},
        {"ReduceL2", "i32", "-3, 4, 1", "5"},
        {"ReduceSumSquare", "i64", "3037000500, 1, 0", "-9223372036709301615"},
        {"ReduceMax", "bool", "0, 1, 0", "1"},
        {"ReduceMin", "bool", "1, 1, 0", "0"},
    };
    for (const Case& c : cases)
        expect_values(fmt::format("({0}[3] x) => ({0}[1] y) {{ y = {1}(x) }}", c.type, c.op), {fmt::format("{}[3]{{{}}}", c.type, c.x)},
                      {fmt::format("{}[1]{{{}}}", c.type, c.y)});
    struct Empty { const char *op, *type, *y; };
    for (const Empty& c : {Empty{"ReduceMax", "i8", "-128"}, Empty{"ReduceMin", "u64", "18446744073709551615"}, Empty{"ReduceMean", "i32", "0"},
                           Empty{"ReduceMin", "bool", "1"}, Empty{"ReduceMax", "bool", "0"}})
        expect_values(fmt::format("({0}[0] x) => ({0}[] y) {{ y = {1}<keepdims = 0>(x) }}", c.type, c.op), {fmt::format("{}[0]{{}}", c.type)},
                      {fmt::format("{}{{{}}}", c.type, c.y)});
}

TEST(Reduce, CarriesNaNAndInfinities) {
    expect_values("(f32[3] x) => (f32[1] y, f32[1] z) { y = ReduceMax(x) z = ReduceMin(x) }", {"f32[3]{1, nan, 3}"}, {"f32[1]{nan}", "f32[1]{nan}"});
    expect_values("(f32[2] x) => (f32[1] y) { y = ReduceLogSumExp(x) }", {"f32[2]{1000, 1000}"}, {"f32[1]{1000.69315}"});
    expect_values("(f32[2] x) => (f32[1] y) { y = ReduceLogSumExp(x) }", {"f32[2]{-inf, -inf}"}, {"f32[1]{-inf}"});
    expect_values("(f32[2] x) => (f32[1] y) { y = ReduceLogSumExp(x) }", {"f32[2]{inf, 1}"}, {"f32[1]{inf}"});
    expect_values("(f32[2] x) => (f32[1] y) { y = ReduceLogSumExp(x) }", {"f32[2]{nan, 1}"}, {"f32[1]{nan}"});
    expect_values("(f16[3] x) => (f16[1] y) { y = ReduceSum(x) }", {"f16[3]{2048, 1, 1}"}, {"f16[1]{2050}"}, 0);
}

TEST(Reduce, KeepsSymbolsAndFollowsContents) {
    typed_graph("(f32[N,H,W,C] x) => (f32[N,1,1,C] y) { y = ReduceMean(x, i64[2]{1, 2}) }");
    typed_graph("(f32[N,H,W] x) => (f32[N] y) { y = ReduceMean<keepdims = 0>(x, i64[2]{-1, -2}) }");
    const Graph g = typed_graph("(f32[N,3,H] x) => (i64[] y) { s = Shape(x) y = ReduceProd<keepdims = 0>(s) }");
    EXPECT_EQ(text_of(g.value(g.outputs()[0].value).content.value()), "3*H*N");
}

TEST(Reduce, RefusesWhatItCannotDo) {
    expect_infer_error("(f32[2] x) => (f32[1] y) { y = ReduceSum(x, i64[1]{1}) }", "axis 1 of a value of rank 1");
    expect_infer_error("(f32[2] x) => (f32[1] y) { y = ReduceSum<axes = [0]>(x) }", "attribute 'axes' is an input");
    expect_infer_error("(bool[2] x) => (bool[1] y) { y = ReduceSum(x) }", "unsupported: ReduceSum of bool");
}

TEST(Reduce, OfOldOperatorSetsGetsItsAxesAsAnInput) {
    for (const char* op : {"ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare"}) {
        const Graph g = upgraded(fmt::format("(f32[2,3,4] x) => (f32[2] y) {{ y = {}<axes = [1, -1], keepdims = 0>(x) }}", op), 12);
        const NodeId id = g.order()[0];
        ASSERT_NE(g.constant(id, 1), nullptr) << op;
        EXPECT_EQ(*g.constant(id, 1), parse_tensor("i64[2]{1, -1}")) << op;
        EXPECT_EQ(text_of(g.value(g.outputs()[0].value).type), "f32[2]") << op;
        EXPECT_FALSE(g.node(id).attributes.has("axes")) << op;
    }
}

}  // namespace
}  // namespace tercet::testing
