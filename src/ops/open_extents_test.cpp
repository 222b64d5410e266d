// SPDX-License-Identifier: Apache-2.0
// Extents that follow from inputs whose elements only the run tells: known where they can be, unknown and measured where not.
#include "graph/text.h"
#include "ops/testing.h"
#include "tensor/testing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

// The last node of the graph as a program sees it: its inputs are computed, but for constants of the graph.
Inference inferred(const Graph& g) {
    std::vector<Inference::Known> in;
    const Node& node = g.node(g.order().back());
    for (ValueId v : node.inputs) {
        in.emplace_back();
        if (v != ValueId::none) in.back() = {g.value(v).type, g.constant(v), g.value(v).content ? &*g.value(v).content : nullptr};
    }
    return infer(node, in);
}

std::string type_of(std::string_view text) {
    const Graph g = typed_graph(text);
    return text_of(g.value(g.outputs().back().value).type);
}

// A graph of one node decides extents of its outputs, which are measured to be those of the results, and within their bounds.
void expect_decided(const std::string& node, const std::string& inputs, const std::vector<std::string>& values, const std::vector<std::string>& results) {
    const std::string outputs = results.size() == 1 ? "f32[?] y" : "f32[?] y, f32[?] z";
    const std::string graph = fmt::format("({}) => ({}) {{ {} = {} }}", inputs, outputs, results.size() == 1 ? "y" : "y, z", node);
    SCOPED_TRACE(graph);
    expect_values(graph, values, results);

    const Graph g = typed_graph(graph);
    const Inference types = inferred(g);
    ASSERT_FALSE(types.unknowns.empty());
    std::vector<Tensor> data;
    for (const std::string& v : values) data.push_back(parse_tensor(v));
    std::vector<Inference::Known> in;
    std::vector<View> views;
    Symbols sizes;
    for (ValueId v : types.node.inputs) {
        in.emplace_back();
        views.emplace_back();
        if (v == ValueId::none) continue;
        const auto place = std::ranges::find(g.inputs(), v) - g.inputs().begin();
        const Tensor& t = g.constant(v) ? *g.constant(v) : data[static_cast<std::size_t>(place)];
        in.back() = {{t.dtype(), Shape(t.shape().begin(), t.shape().end())}, &t, nullptr};
        views.back() = t.view();
        for (std::size_t d = 0; d < g.value(v).type.shape.size(); ++d)
            if (const Dim& extent = g.value(v).type.shape[d]; extent.is_symbol()) sizes[extent.text()] = t.shape()[static_cast<int>(d)];
    }
    const Call call{types.node, views, {}, {}};
    const auto extents = measure(types.node, in, types.out, types.unknowns, call);
    ASSERT_EQ(extents.size(), types.unknowns.size());
    for (std::size_t u = 0; u < extents.size(); ++u) {
        const bool has_elements = std::ranges::all_of(data, [](const Tensor& t) { return t.count() > 0; });
        if (const auto& bound = types.unknowns[u].bound; bound && has_elements) {
            EXPECT_LE(extents[u], bound->evaluate(sizes)) << types.unknowns[u].symbol << " <= " << bound->text();
        }
        sizes[types.unknowns[u].symbol] = extents[u];
    }
    for (std::size_t i = 0; i < results.size(); ++i) {
        Dims shape;
        for (const Dim& d : types.out[i].shape) shape.push_back(d.evaluate(sizes));
        EXPECT_EQ(shape, parse_tensor(results[i]).shape()) << "output " << i << ": " << text_of(types.out[i]);
    }
}

TEST(OpenExtents, OfReshape) {
    expect_decided("Reshape(x, s)", "f32[2,3] x, i64[2] s", {"f32[2,3]{1,2,3,4,5,6}", "i64[2]{3,-1}"}, {"f32[3,2]{1,2,3,4,5,6}"});
    expect_decided("Reshape(x, s)", "f32[N,3] x, i64[3] s", {"f32[2,3]{1,2,3,4,5,6}", "i64[3]{0,1,3}"}, {"f32[2,1,3]{1,2,3,4,5,6}"});
    expect_decided("Reshape<allowzero = 1>(x, s)", "f32[0,3] x, i64[2] s", {"f32[0,3]{}", "i64[2]{0,3}"}, {"f32[0,3]{}"});
    // A single one follows from the others, whatever it turns out to be.
    EXPECT_EQ(type_of("(f32[2,N] x, i64[1] s) => (f32[2*N] y) { y = Reshape(x, s) }"), "f32[2*N]");
    EXPECT_EQ(type_of("(f32[N,12] x, i64[1] a) => (f32[N,12,1] y) { s = Concat<axis = 0>(i64[2]{0,12}, a)  y = Reshape(x, s) }"), "f32[N,12,1]");
    EXPECT_EQ(type_of("(f32[N,12] x, i64[1] a) => (f32[2*N,6] y) { s = Concat<axis = 0>(a, i64[1]{6})  y = Reshape(x, s) }"), "f32[2*N,6]");
    expect_values("(f32[N,12] x, i64[1] a) => (f32[N,3,4] y) { s = Concat<axis = 0>(i64[1]{0}, a, i64[1]{4})  y = Reshape(x, s) }",
                  {"f32[1,12]{1,2,3,4,5,6,7,8,9,10,11,12}", "i64[1]{3}"}, {"f32[1,3,4]{1,2,3,4,5,6,7,8,9,10,11,12}"});
    expect_values("(f32[N,12] x, i64[1] a) => (f32[N,12] y) { n = Shape<end = 1>(x)  s = Concat<axis = 0>(n, a)  y = Reshape(x, s) }",
                  {"f32[0,12]{}", "i64[1]{12}"}, {"f32[0,12]{}"});
    expect_infer_error("(f32[5] x, i64[1] a) => (f32[?] y) { s = Concat<axis = 0>(a, i64[1]{2})  y = Reshape(x, s) }", "[5] cannot be reshaped to");
    expect_infer_error("(f32[5] x, i64[n] s) => (f32[?] y) { y = Reshape(x, s) }", "the target shape (input 1) is computed while the model runs");
}

TEST(OpenExtents, OfReshapeAreBoundedByTheNumberOfElements) {
    const Graph g = typed_graph("(f32[N,12] x, i64[3] s) => (f32[?] y) { y = Reshape(x, s) }");
    const Inference types = inferred(g);
    ASSERT_EQ(types.unknowns.size(), 3u);
    Symbols sizes{{"N", 5}};
    for (const auto& [u, bound] : {std::pair{0, 60}, {1, 1}, {2, 1}}) {  // so that all together are no more than x has
        const Unknown& unknown = types.unknowns[static_cast<std::size_t>(u)];
        EXPECT_EQ(unknown.bound->evaluate(sizes), bound);
        sizes[unknown.symbol] = bound;
    }
}

TEST(OpenExtents, OfSqueezeAndUnsqueeze) {
    expect_decided("Squeeze(x, a)", "f32[2,1,3] x, i64[1] a", {"f32[2,1,3]{1,2,3,4,5,6}", "i64[1]{-2}"}, {"f32[2,3]{1,2,3,4,5,6}"});
    expect_decided("Unsqueeze(x, a)", "f32[2] x, i64[2] a", {"f32[2]{1,2}", "i64[2]{0,-1}"}, {"f32[1,2,1]{1,2}"});
    expect_infer_error("(f32[2] x, i64[n] a) => (f32[?] y) { y = Unsqueeze(x, a) }", "the axes (input 1) is computed while the model runs");
    expect_infer_error("(f32[2] x, i64[3] a) => (f32[?] y) { y = Squeeze(x, a) }", "as many axes as i64[3] for a value of rank 1");
    const Graph g = typed_graph("(f32[2,3] x, i64[1] a) => (f32[?] y) { y = Squeeze(x, a) }");
    EXPECT_NE(error_of([&] { evaluate(g, std::array{Tensor::zeros(DType::f32, {2, 3}), parse_tensor("i64[1]{1}")}); }).find("is not 1 and cannot be squeezed"), std::string::npos);
}

TEST(OpenExtents, OfExpandTileAndConstantOfShape) {
    expect_decided("Expand(x, s)", "f32[1,2] x, i64[3] s", {"f32[1,2]{1,2}", "i64[3]{2,2,1}"}, {"f32[2,2,2]{1,2,1,2,1,2,1,2}"});
    expect_decided("Tile(x, r)", "f32[1,2] x, i64[2] r", {"f32[1,2]{1,2}", "i64[2]{1,2}"}, {"f32[1,4]{1,2,1,2}"});
    expect_decided("Tile(x, r)", "f32[2] x, i64[n] r", {"f32[2]{1,2}", "i64[1]{2}"}, {"f32[4]{1,2,1,2}"});
    expect_decided("ConstantOfShape(s)", "i64[2] s", {"i64[2]{1,3}"}, {"f32[1,3]{0,0,0}"});
    EXPECT_EQ(type_of("(f32[N,4] x, i64[2] s) => (f32[?] y) { y = Expand(x, s) }").substr(0, 10), "f32[axis0?");
    EXPECT_TRUE(type_of("(f32[N,4] x, i64[2] s) => (f32[?] y) { y = Expand(x, s) }").ends_with(",4]"));  // 4 or not at all
    expect_infer_error("(i64[n] s) => (f32[?] y) { y = ConstantOfShape(s) }", "computed while the model runs");
    const Graph g = typed_graph("(i64[2] s) => (f32[?] y) { y = ConstantOfShape(s) }");
    EXPECT_NE(error_of([&] { evaluate(g, std::array{parse_tensor("i64[2]{1,-3}")}); }).find("[1,-3]"), std::string::npos);
}

TEST(OpenExtents, OfSlice) {
    const std::string x = "f32[2,3]{1,2,3,4,5,6}";
    expect_decided("Slice(x, b, e)", "f32[2,3] x, i64[2] b, i64[2] e", {x, "i64[2]{1,0}", "i64[2]{9,-1}"}, {"f32[1,2]{4,5}"});
    expect_decided("Slice(x, i64[1]{0}, e, i64[1]{1})", "f32[N,3] x, i64[1] e", {x, "i64[1]{-2}"}, {"f32[2,1]{1,4}"});
    expect_decided("Slice(x, i64[1]{0}, i64[1]{1}, a)", "f32[N,3] x, i64[1] a", {x, "i64[1]{-1}"}, {"f32[2,1]{1,4}"});
    expect_decided("Slice(x, i64[1]{-1}, i64[1]{-9}, i64[1]{1}, s)", "f32[N,3] x, i64[1] s", {x, "i64[1]{-2}"}, {"f32[2,2]{3,1,6,4}"});
    expect_decided("Slice(x, b, e)", "f32[2,3] x, i64[n] b, i64[n] e", {x, "i64[1]{1}", "i64[1]{2}"}, {"f32[1,3]{4,5,6}"});
    const Graph g = typed_graph("(f32[N,3] x, i64[1] e) => (f32[?] y) { y = Slice(x, i64[1]{0}, e) }");
    EXPECT_EQ(inferred(g).unknowns[0].bound, Dim::symbol("N"));
    EXPECT_EQ(inferred(g).out[0].shape[1], Dim(3));
}

TEST(OpenExtents, OfSplit) {
    const std::string x = "f32[5]{1,2,3,4,5}";
    expect_decided("Split(x, s)", "f32[5] x, i64[2] s", {x, "i64[2]{2,3}"}, {"f32[2]{1,2}", "f32[3]{3,4,5}"});
    EXPECT_EQ(type_of("(f32[5] x, i64[1] a) => (f32[3] y, f32[2] z) { s = Concat<axis = 0>(a, i64[1]{2})  y, z = Split(x, s) }"), "f32[2]");
    const Graph g = typed_graph("(f32[5] x, i64[2] s) => (f32[?] y, f32[?] z) { y, z = Split(x, s) }");
    EXPECT_NE(error_of([&] { evaluate(g, std::array{parse_tensor(x), parse_tensor("i64[2]{2,2}")}); }).find("have 4 elements together, the axis has 5"), std::string::npos);
}

TEST(OpenExtents, OfPadCropAndResize) {
    expect_decided("Pad(x, p)", "f32[2] x, i64[2] p", {"f32[2]{1,2}", "i64[2]{1,-1}"}, {"f32[2]{0,1}"});
    expect_decided("Pad(x, i64[2]{1,0}, f32{7}, a)", "f32[1,1] x, i64[1] a", {"f32[1,1]{1}", "i64[1]{-1}"}, {"f32[1,2]{7,1}"});
    expect_decided("CenterCropPad(x, s)", "f32[3] x, i64[1] s", {"f32[3]{1,2,3}", "i64[1]{1}"}, {"f32[1]{2}"});
    expect_decided("Resize(x, _, _, s)", "f32[1,2] x, i64[2] s", {"f32[1,2]{1,2}", "i64[2]{1,4}"}, {"f32[1,4]{1,1,2,2}"});
    expect_decided("Resize(x, _, s)", "f32[1,2] x, f32[2] s", {"f32[1,2]{1,2}", "f32[2]{1,2}"}, {"f32[1,4]{1,1,2,2}"});
    expect_decided("Resize<keep_aspect_ratio_policy = \"not_larger\">(x, _, _, s)", "f32[1,2] x, i64[2] s", {"f32[1,2]{1,2}", "i64[2]{7,4}"},
                   {"f32[2,4]{1,1,2,2,1,1,2,2}"});
    const Graph g = typed_graph("(f32[1,2] x, f32[2] s) => (f32[?] y) { y = Resize(x, _, s) }");
    EXPECT_NE(error_of([&] { evaluate(g, std::array{parse_tensor("f32[1,2]{1,2}"), parse_tensor("f32[2]{1,0}")}); }).find("a scale of 0"), std::string::npos);
}

TEST(OpenExtents, OfReductions) {
    const std::string x = "f32[2,3]{1,2,3,4,5,6}";
    expect_decided("ReduceSum(x, a)", "f32[2,3] x, i64[1] a", {x, "i64[1]{1}"}, {"f32[2,1]{6,15}"});
    expect_decided("ReduceSum(x, a)", "f32[2,3] x, i64[n] a", {x, "i64[0]{}"}, {"f32[1,1]{21}"});
    expect_decided("ReduceSum<keepdims = 0>(x, a)", "f32[2,3] x, i64[1] a", {x, "i64[1]{0}"}, {"f32[3]{5,7,9}"});
    EXPECT_EQ(type_of("(f32[2,3] x, i64[2] a) => (f32[] y) { y = ReduceSum<keepdims = 0>(x, a) }"), "f32[]");
    expect_infer_error("(f32[2,3] x, i64[n] a) => (f32[] y) { y = ReduceSum<keepdims = 0>(x, a) }", "the axes (input 1) is computed while the model runs");
}

TEST(OpenExtents, OfOneHotAndWindows) {
    expect_decided("OneHot(x, d, f32[2]{0,1})", "i64[2] x, i64[] d", {"i64[2]{1,0}", "i64{2}"}, {"f32[2,2]{0,1,1,0}"});
    expect_decided("OneHot(x, d, f32[2]{0,1})", "i64[2] x, f32[] d", {"i64[2]{1,0}", "f32{2}"}, {"f32[2,2]{0,1,1,0}"});
    expect_decided("HannWindow(n)", "i64[] n", {"i64{2}"}, {"f32[2]{0,1}"});
    expect_decided("Col2Im(x, i, b)", "f32[1,1,2] x, i64[2] i, i64[2] b", {"f32[1,1,2]{3,4}", "i64[2]{1,2}", "i64[2]{1,1}"}, {"f32[1,1,1,2]{3,4}"});
}

TEST(OpenExtents, AreEqualWhereWhatTheyDependOnIs) {
    const Graph g = typed_graph("(f32[N] x, i64[1] k) => (f32[?] v, i64[?] i) { v, i = TopK(x, k) }");
    EXPECT_EQ(g.value(g.outputs()[0].value).type.shape, g.value(g.outputs()[1].value).type.shape);
    const Graph h = typed_graph("(i64[1] n) => (f32[?] y) { s = Concat<axis = 0>(n, n)  y = ConstantOfShape(s) }");
    const Shape& y = h.value(h.outputs()[0].value).type.shape;
    EXPECT_EQ(y[0], y[1]);
    EXPECT_EQ(inferred(h).unknowns.size(), 1u);
}

TEST(OpenExtents, LeaveKnownOnesKnown) {
    EXPECT_TRUE(type_of("(f32[N,3] x, i64[1] n) => (f32[?] y) { s = Shape(x)  t = Concat<axis = 0>(s, n)  y = ConstantOfShape(t) }").starts_with("f32[N,3,axis2?"));
    // x[:, s : s + 4] has at most 4, but who knows; s .. s + 4 as a range has 4.
    EXPECT_EQ(type_of("(i64[] s) => (i64[4] y) { e = Add(s, i64{4})  y = Range(s, e, i64{1}) }"), "i64[4]");
}

// What changes no extent may make no sense yet.
TEST(OpenExtents, ThatFollowAreExaminedWhenTheNodeRuns) {
    struct { const char *graph, *given, *error; } cases[] = {
        {"(i64[1] a) => (f32[6] y) { y = Reshape(random[2,3], a) }", "i64[1]{5}", "[2,3] cannot be reshaped to [5]"},
        {"(i64[1] a) => (f32[5] y) { y = Expand(random[5], a) }", "i64[1]{6}", "[5] and [6] cannot be broadcast"},
        {"(i64[1] a) => (f32[3] y, f32[2] z) { s = Concat<axis = 0>(a, i64[1]{2}) y, z = Split(random[5], s) }", "i64[1]{4}", "6 elements together"},
        {"(i64[1] a) => (f32[] y) { y = Squeeze(random[1], a) }", "i64[1]{1}", "axis 1 of a value of rank 1"},
    };
    for (const auto& c : cases) {
        const Graph g = typed_graph(c.graph);
        EXPECT_TRUE(decides(g, g.order().back())) << c.graph;
        EXPECT_NE(error_of([&] { evaluate(g, std::array{parse_tensor(c.given)}); }).find(c.error), std::string::npos) << c.graph;
    }
    const Graph g = typed_graph("(f32[2,3] x) => (f32[6] y) { y = Reshape(x, i64[1]{6}) }");
    EXPECT_FALSE(decides(g, g.order().back()));
}

// A number that only the run tells may be negative, which a size never is: nothing may be concluded from that.
TEST(OpenExtents, AreNoSizes) {
    const std::string equal = "(i64[1] n) => (bool[1] y) { y = Equal(n, i64[1]{-1}) }";
    expect_values(equal, {"i64[1]{-1}"}, {"bool[1]{1}"});
    for (const char* op : {"Equal(n, i64[1]{-1})", "Max(n, i64[1]{0})", "Min(n, i64[1]{0})", "Div(n, i64[1]{2})", "Mod(n, i64[1]{2})", "Mod(i64[1]{5}, n)"}) {
        const Graph g = typed_graph(fmt::format("(i64[1] n) => (i64[?] y) {{ y = {} }}", op));
        const auto& content = g.value(g.outputs()[0].value).content;
        EXPECT_TRUE(!content || is_open(content->front())) << op << " is " << content->front().text();
    }
    expect_values("(i64[1] n) => (f32[?] y) { m = Max(n, i64[1]{0})  y = ConstantOfShape(m) }", {"i64[1]{-3}"}, {"f32[0]{}"});
    expect_values("(i64[1] n, f32[2,3] x) => (f32[?] y) { e = Equal(n, i64[1]{-1})  t = Where(e, i64[1]{1}, n)  y = Expand(x, t) }",
                  {"i64[1]{-1}", "f32[2,3]{1,2,3,4,5,6}"}, {"f32[2,3]{1,2,3,4,5,6}"});
}

// Found by fuzzing: floats in the place of axes left extents open for ever.
TEST(OpenExtents, AreNotDecidedByFloats) {
    for (const char* node : {"ReduceSum(x, f)", "ReduceMax(x, f)", "Squeeze(x, f)", "Unsqueeze(x, f)", "Reshape(x, f)", "Expand(x, f)", "Tile(x, f)", "ConstantOfShape(f)", "Slice(x, f, f)", "Slice(x, i, i, f)",
                             "Slice(x, i, i, i, f)", "Split(x, f)", "Pad(x, f)", "Pad(x, i, _, f)", "Resize(x, _, _, f)", "TopK(x, f)", "CenterCropPad(x, f)", "Col2Im(x, f, f)"}) {
        const std::string outputs = std::string_view(node).starts_with("Split") || std::string_view(node).starts_with("TopK") ? "y, z" : "y";
        const Graph g = parse_text(fmt::format("(f32[2] x, f32[1] f, i64[1] i) => (f32[?] y) {{ {} = {} }}", outputs, node));
        std::string message;
        try {
            inferred(g);
        } catch (const Error& e) {
            message = e.what();
        }
        EXPECT_FALSE(message.empty()) << node;
    }
}

}  // namespace
}  // namespace tercet::testing
