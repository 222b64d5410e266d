// SPDX-License-Identifier: Apache-2.0
#include "graph/text.h"
#include "ops/testing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

std::string content_of(std::string_view text) {
    Graph g = parse_text(text);
    infer_types(g);
    const Value& v = g.value(g.outputs()[0].value);
    return v.content ? text_of(*v.content) : "unknown";
}

TEST(Shape, GivesExtents) {
    struct { const char *attributes, *dims; } cases[] = {
        {"", "[3]{3,4,5}"},           {"<start = 1>", "[2]{4,5}"},     {"<start = -1>", "[1]{5}"},  {"<end = 1>", "[1]{3}"},
        {"<end = -1>", "[2]{3,4}"},   {"<start = 1, end = 2>", "[1]{4}"}, {"<end = 10>", "[3]{3,4,5}"}, {"<start = -10>", "[3]{3,4,5}"},
        {"<start = 2, end = 1>", "[0]{}"}, {"<start = 9223372036854775807>", "[0]{}"}, {"<start = -9223372036854775808>", "[3]{3,4,5}"},
    };
    for (const auto& c : cases) {
        const std::string dims = c.dims;
        expect_values(fmt::format("() => (i64{} y) {{ y = Shape{}(random[3,4,5]) }}", dims.substr(0, 3), c.attributes), {}, {"i64" + dims});
    }
    expect_values("() => (i64[0] y) { y = Shape(f32{7}) }", {}, {"i64[0]{}"});
    expect_values("(bool[0,2] x) => (i64[2] y) { y = Shape(x) }", {"bool[0,2]{}"}, {"i64[2]{0,2}"});
}

TEST(Shape, IsKnownWhileBuilding) {
    EXPECT_EQ(content_of("(f32[N,3,H] x) => (i64[3] y) { y = Shape(x) }"), "N,3,H");
    EXPECT_EQ(content_of("(f32[N,3,H] x) => (i64[1] y) { y = Shape<start = -1>(x) }"), "H");
}

TEST(Size, CountsElements) {
    expect_values("() => (i64[] y) { y = Size(random[3,4,5]) }", {}, {"i64{60}"});
    expect_values("() => (i64[] y) { y = Size(f32{7}) }", {}, {"i64{1}"});
    EXPECT_EQ(content_of("(f32[N,3,H] x) => (i64[] y) { y = Size(x) }"), "3*H*N");
}

TEST(Contents, AreFollowedThroughMoves) {
    struct { const char *nodes, *content; } cases[] = {
        {"y = Gather(s, i64{1})", "3"},
        {"y = Gather(s, i64{-1})", "W"},
        {"y = Gather(s, i64[2]{3, 0})", "W,N"},
        {"y = Slice(s, i64[1]{2}, i64[1]{9223372036854775807})", "H,W"},
        {"y = Slice(s, i64[1]{-1}, i64[1]{-9223372036854775808}, i64[1]{0}, i64[1]{-2})", "W,3"},
        {"y = Slice(s, i64[1]{-100}, i64[1]{1})", "N"},
        {"y = Slice(s, i64[1]{3}, i64[1]{-100}, _, i64[1]{-1})", "W,H,3,N"},
        {"y = Concat<axis = 0>(s, i64[1]{-1}, s)", "N,3,H,W,-1,N,3,H,W"},
        {"_, y = Split<num_outputs = 2>(s)", "H,W"},
        {"_, y = Split(s, i64[2]{1, 3})", "3,H,W"},
        {"a = Gather(s, i64{2})  y = Unsqueeze(a, i64[1]{0})", "H"},
        {"a = Slice(s, i64[1]{2}, i64[1]{3})  y = Squeeze(a)", "H"},
        {"a = Slice(s, i64[1]{2}, i64[1]{3})  y = Reshape(a, i64[0]{})", "H"},
        {"y = Tile(s, i64[1]{2})", "N,3,H,W,N,3,H,W"},
        {"y = Tile(s, i64[1]{0})", ""},
        {"a = Gather(s, i64{2})  y = Expand(a, i64[1]{3})", "H,H,H"},
        {"y = CumSum(s, i64{0})", "N,N + 3,H + N + 3,H + N + W + 3"},
        {"y = ConstantOfShape<value = i64[1]{2}>(i64[1]{3})", "2,2,2"},
        {"y = Constant<value_ints = [4, 5]>()", "4,5"},
        {"y = Constant<value_int = 4>()", "4"},
        {"y = Constant<value = i32[2]{1, 2}>()", "1,2"},
        {"y = Range(i64{1}, i64{4}, i64{1})", "1,2,3"},
        {"a = Gather(s, i64{2})  b = Size(s)  y = Range(a, a, b)", ""},
        {"y = Unsqueeze(s, i64[1]{0})", "unknown"},      // rank 2
        {"y = Tile(s, i64[1]{17})", "unknown"},          // 68 elements
        {"y = Constant<value_float = 1.0>()", "unknown"},
    };
    for (const auto& c : cases)
        EXPECT_EQ(content_of(fmt::format("(f32[N,3,H,W] x) => (i64[?] y) {{ s = Shape(x) {} }}", c.nodes)), c.content) << c.nodes;
}

// What exporters write around a reshape.
TEST(Contents, GiveTheTargetsOfReshapes) {
    typed_graph(R"((f32[N,64,7,7] x) => (f32[N,3136] y) {
                       s = Shape(x)
                       n = Gather(s, i64{0})
                       u = Unsqueeze(n, i64[1]{0})
                       t = Concat<axis = 0>(u, i64[1]{-1})
                       y = Reshape(x, t) })");
    typed_graph(R"((f32[N,49,768] x) => (f32[N,49,12,64] y) {
                       s = Shape(x)
                       head = Slice(s, i64[1]{0}, i64[1]{2})
                       t = Concat<axis = 0>(head, i64[2]{12, 64})
                       y = Reshape(x, t) })");
    typed_graph(R"((f32[N,C,H,W] x) => (f32[N,C,H*W] y) {
                       s = Shape(x)
                       head = Slice(s, i64[1]{0}, i64[1]{2}, i64[1]{0})
                       t = Concat<axis = 0>(head, i64[1]{-1})
                       y = Reshape(x, t) })");
    typed_graph(R"((f32[N,49,96] x) => (f32[N,7,7,96] y) {
                       n = Shape<end = 1>(x)
                       t = Concat<axis = 0>(n, i64[3]{7, 7, -1})
                       y = Reshape(x, t) })");
    typed_graph(R"((f32[B,L,768] x, f32[1,1,768] token) => (f32[B,L + 1,768] y) {
                       b = Shape<end = 1>(x)
                       one = Concat<axis = 0>(b, i64[2]{1, 1})
                       e = Expand(token, one)
                       y = Concat<axis = 1>(e, x) })");
    typed_graph(R"((i64[B,L] x) => (i64[1,L] y) {
                       s = Shape(x)
                       l = Gather(s, i64{1})
                       r = Range(i64{0}, l, i64{1})
                       y = Unsqueeze(r, i64[1]{0}) })");
    typed_graph(R"((f32[B,L] x) => (i64[B,1,L] y) {
                       s = Shape(x)
                       zeros = ConstantOfShape<value = i64[1]{0}>(s)
                       y = Unsqueeze(zeros, i64[1]{1}) })");
}

TEST(Contents, GiveTheSameWhenTheModelRuns) {
    expect_values(R"((f32[N,2,3] x) => (f32[N,6] y) {
                         s = Shape(x)
                         n = Gather(s, i64{0})
                         u = Unsqueeze(n, i64[1]{0})
                         t = Concat<axis = 0>(u, i64[1]{-1})
                         y = Reshape(x, t) })",
                  {"f32[2,2,3]{1,2,3,4,5,6,7,8,9,10,11,12}"}, {"f32[2,6]{1,2,3,4,5,6,7,8,9,10,11,12}"});
}

}  // namespace
}  // namespace tercet::testing
