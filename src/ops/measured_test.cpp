// SPDX-License-Identifier: Apache-2.0
#include "ops/testing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(NonZero, GivesPlacesInRowMajorOrder) {
    expect_values("(f32[2,3] x) => (i64[2,?n] y) { y = NonZero(x) }", {"f32[2,3]{0,1,0,nan,-2,-0.0}"}, {"i64[2,3]{0,1,1,1,0,1}"});
    expect_values("(bool[4] x) => (i64[1,?n] y) { y = NonZero(x) }", {"bool[4]{0,0,0,0}"}, {"i64[1,0]{}"});
    expect_values("(i32[] x) => (i64[0,?n] y) { y = NonZero(x) }", {"i32[]{3}"}, {"i64[0,1]{}"});
    expect_values("(f32[0,5] x) => (i64[2,?n] y) { y = NonZero(x) }", {"f32[0,5]{}"}, {"i64[2,0]{}"});
}

TEST(NonZero, OfAConstantHasAKnownExtent) {
    const Graph g = typed_graph("() => (i64[1,2] y) { y = NonZero(f32[3]{4,0,5}) }");
    EXPECT_EQ(text_of(g.value(g.outputs()[0].value).type), "i64[1,2]");
}

// Exporters' forms of a range.
TEST(NonZero, OfElementsThatAreAllTheSameFollowsFromTheShape) {
    const auto type_of = [](std::string_view body) {
        const Graph g = typed_graph(fmt::format("(f32[N,3] x) => (i64[?] y) {{ s = Shape(x) {} }}", body));
        return text_of(g.value(g.outputs()[0].value).type);
    };
    EXPECT_EQ(type_of("o = ConstantOfShape<value = f32[1]{1}>(s) y = NonZero(o)"), "i64[2,3*N]");
    EXPECT_EQ(type_of("n = Slice(s, i64[1]{0}, i64[1]{1}) o = ConstantOfShape<value = i64[1]{1}>(n) y = NonZero(o)"), "i64[1,N]");
    EXPECT_EQ(type_of("o = ConstantOfShape<value = bool[1]{1}>(s) c = Cast<to = 7>(o) y = NonZero(c)"), "i64[2,3*N]");
    EXPECT_EQ(type_of("o = Expand(i64{2}, s) p = Unsqueeze(o, i64[1]{0}) y = NonZero(p)"), "i64[3,3*N]");
    EXPECT_EQ(type_of("o = ConstantOfShape(s) y = NonZero(o)"), "i64[2,0]");
    EXPECT_EQ(type_of("o = ConstantOfShape<value = i64[1]{0}>(s) p = Add(o, i64{1}) y = NonZero(p)").substr(0, 14), "i64[2,nonzero?");  // not followed: rank 2
    EXPECT_EQ(type_of("n = Slice(s, i64[1]{0}, i64[1]{1}) o = ConstantOfShape<value = i64[1]{0}>(n) p = Add(o, i64{1}) y = NonZero(p)"), "i64[1,N]");
    EXPECT_EQ(type_of("n = Slice(s, i64[1]{0}, i64[1]{1}) o = ConstantOfShape<value = f32[1]{0.5}>(n) y = NonZero(o)").substr(0, 14), "i64[1,nonzero?");
    expect_values(R"((f32[N,3] x) => (i64[N] y) {
                         n = Shape<end = 1>(x)
                         ones = ConstantOfShape<value = f32[1]{1}>(n)
                         places = NonZero(ones)
                         column = Transpose(places)
                         y = Squeeze(column, i64[1]{1}) })",
                  {"f32[4,3]{0,0,0,0,0,0,0,0,0,0,0,0}"}, {"i64[4]{0,1,2,3}"});
}

TEST(NonZero, NamesItsExtentAndBoundsIt) {
    const Graph g = typed_graph("(f32[N,3] x) => (i64[2,?n] y) { y = NonZero(x) }");
    const Node& node = g.node(g.order()[0]);
    const Inference::Known x{g.value(g.inputs()[0]).type, nullptr, nullptr};
    const Inference types = infer(node, {&x, 1});
    ASSERT_EQ(types.unknowns.size(), 1u);
    EXPECT_EQ(types.unknowns[0].bound, Dim(3) * Dim::symbol("N"));
    EXPECT_EQ(types.out[0].shape[1], Dim::symbol(types.unknowns[0].symbol));
}

TEST(Compress, TakesWhatTheConditionNames) {
    const char* x = "f32[3,2]{1,2,3,4,5,6}";
    expect_values("(f32[3,2] x, bool[3] c) => (f32[?n,2] y) { y = Compress<axis = 0>(x, c) }", {x, "bool[3]{0,1,1}"}, {"f32[2,2]{3,4,5,6}"});
    expect_values("(f32[3,2] x, bool[2] c) => (f32[3,?n] y) { y = Compress<axis = -1>(x, c) }", {x, "bool[2]{0,1}"}, {"f32[3,1]{2,4,6}"});
    expect_values("(f32[3,2] x, bool[5] c) => (f32[?n] y) { y = Compress(x, c) }", {x, "bool[5]{0,1,0,0,1}"}, {"f32[2]{2,5}"});
    expect_values("(f32[3,2] x, bool[0] c) => (f32[?n] y) { y = Compress(x, c) }", {x, "bool[0]{}"}, {"f32[0]{}"});
    expect_values("(f32[2] x, bool[4] c) => (f32[?n] y) { y = Compress(x, c) }", {"f32[2]{1,2}", "bool[4]{0,1,1,1}"}, {"f32[1]{2}"});
    expect_values("(f32[2] x) => (f32[1] y) { y = Compress(x, bool[2]{0,1}) }", {"f32[2]{1,2}"}, {"f32[1]{2}"});
    const Graph g = typed_graph("(f32[N] x) => (f32[?] y) { y = Compress(x, bool[4]{0,1,0,1}) }");
    for (const auto& [n, taken] : {std::pair{0, 0}, {1, 0}, {2, 1}, {3, 1}, {4, 2}, {9, 2}})
        EXPECT_EQ(g.value(g.outputs()[0].value).type.shape[0].evaluate({{"N", n}}), taken) << n;
    expect_infer_error("(f32[2] x, i64[2] c) => (f32[?n] y) { y = Compress(x, c) }", "the condition (input 1) is i64[2]");
}

TEST(Unique, OfElements) {
    const char* graph = "(f32[6] x) => (f32[?n] y, i64[?n] first, i64[6] inverse, i64[?n] times) { y, first, inverse, times = Unique(x) }";
    expect_values(graph, {"f32[6]{2,1,1,3,4,3}"}, {"f32[4]{1,2,3,4}", "i64[4]{1,0,3,4}", "i64[6]{1,0,0,2,3,2}", "i64[4]{2,1,2,1}"});
    const char* unsorted = "(f32[6] x) => (f32[?n] y, i64[?n] first, i64[6] inverse, i64[?n] times) { y, first, inverse, times = Unique<sorted = 0>(x) }";
    expect_values(unsorted, {"f32[6]{2,1,1,3,4,3}"}, {"f32[4]{2,1,3,4}", "i64[4]{0,1,3,4}", "i64[6]{0,1,1,2,3,2}", "i64[4]{1,2,2,1}"});
    expect_values("(f32[4] x) => (f32[?n] y) { y = Unique(x) }", {"f32[4]{nan,1,nan,-inf}"}, {"f32[3]{-inf,1,nan}"});
    expect_values("(i64[0] x) => (i64[0] y) { y = Unique(x) }", {"i64[0]{}"}, {"i64[0]{}"});
}

TEST(Unique, OfSlices) {
    expect_values("(i32[3,3] x) => (i32[?n,3] y) { y = Unique<axis = 0>(x) }", {"i32[3,3]{1,0,0,1,0,0,2,3,4}"}, {"i32[2,3]{1,0,0,2,3,4}"});
    expect_values("(i32[2,3] x) => (i32[2,?n] y) { y = Unique<axis = -1>(x) }", {"i32[2,3]{2,1,2,0,5,0}"}, {"i32[2,2]{1,2,5,0}"});
}

TEST(NonMaxSuppression, KeepsTheBestOfOverlappingBoxes) {
    const char* boxes = "f32[1,6,4]{0,0,1,1, 0,0.1,1,1.1, 0,-0.1,1,0.9, 0,10,1,11, 0,10.1,1,11.1, 0,100,1,101}";
    const char* scores = "f32[1,1,6]{0.9,0.75,0.6,0.95,0.5,0.3}";
    const char* graph = "(f32[1,6,4] b, f32[1,1,6] s) => (i64[?n,3] y) { y = NonMaxSuppression(b, s, i64[1]{3}, f32[1]{0.5}, f32[1]{0}) }";
    expect_values(graph, {boxes, scores}, {"i64[3,3]{0,0,3, 0,0,0, 0,0,5}"});
    const char* two = "(f32[1,6,4] b, f32[1,1,6] s) => (i64[?n,3] y) { y = NonMaxSuppression(b, s, i64{2}, f32{0.5}) }";
    expect_values(two, {boxes, scores}, {"i64[2,3]{0,0,3, 0,0,0}"});
    const char* above = "(f32[1,6,4] b, f32[1,1,6] s) => (i64[?n,3] y) { y = NonMaxSuppression(b, s, i64{9}, f32{0.5}, f32{0.4}) }";
    expect_values(above, {boxes, scores}, {"i64[2,3]{0,0,3, 0,0,0}"});
    const char* none = "(f32[1,6,4] b, f32[1,1,6] s) => (i64[?n,3] y) { y = NonMaxSuppression(b, s) }";
    expect_values(none, {boxes, scores}, {"i64[0,3]{}"});
}

TEST(NonMaxSuppression, TakesCentersCornersInAnyOrderAndTies) {
    const char* centers = "f32[1,3,4]{0.5,0.5,1,1, 0.5,0.6,1,1, 0.5,10.5,1,1}";
    expect_values("(f32[1,3,4] b, f32[1,2,3] s) => (i64[?n,3] y) { y = NonMaxSuppression<center_point_box = 1>(b, s, i64{3}, f32{0.5}) }", {centers, "f32[1,2,3]{0.5,0.5,0.5,0.1,0.9,0.2}"},
                  {"i64[4,3]{0,0,0, 0,0,2, 0,1,1, 0,1,2}"});
    const char* flipped = "f32[1,2,4]{1,1,0,0, 0,0.1,1,1.1}";
    expect_values("(f32[1,2,4] b, f32[1,1,2] s) => (i64[?n,3] y) { y = NonMaxSuppression(b, s, i64{3}, f32{0.5}) }", {flipped, "f32[1,1,2]{0.5,0.9}"}, {"i64[1,3]{0,0,1}"});
}

TEST(NonMaxSuppression, Refuses) {
    expect_infer_error("(f32[1,6,3] b, f32[1,1,6] s) => (i64[?n,3] y) { y = NonMaxSuppression(b, s) }", "input 0 is f32[1,6,3]");
    expect_infer_error("(f32[1,6,4] b, f32[1,1,5] s) => (i64[?n,3] y) { y = NonMaxSuppression(b, s) }", "the numbers of boxes and scores");
}

}  // namespace
}  // namespace tercet::testing
