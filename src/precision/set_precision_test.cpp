// SPDX-License-Identifier: Apache-2.0
#include "precision/set_precision.h"

#include "ops/testing.h"
#include "passes/passes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace tercet {
namespace {

using ::testing::HasSubstr;
using testing::typed_graph;

AskedPrecision all(Precision p) {
    return [p](const std::string&) { return p; };
}

std::vector<std::string> ops(const Graph& g) {
    std::vector<std::string> found;
    for (NodeId id : g.order()) found.push_back(g.node(id).op);
    return found;
}

Graph two_convolutions() {
    return typed_graph("(f32[1,2,5] x) => (f32[1,4,3] y) { a = Conv<tail = \"relu(x0)\">(x, f32[3,2,2]{1, 2, 3, -4, 0, 0, 0, 0, 0.5, 127, 0, -1}) y = Conv(a, random[4,3,2]) }");
}

TEST(SetInt8, ActivationsThatProductsReadAndTheirWeightsAreInBytes) {
    Graph g = two_convolutions();
    Refusals refusals;
    EXPECT_EQ(set_int8(g, all(Precision::int8), {{"x", 0.1f}, {"a", 0.2f}, {"y", 0.3f}}, refusals), 4);
    EXPECT_TRUE(refusals.empty());
    EXPECT_NO_THROW(verify(g));
    EXPECT_EQ(std::ranges::count(ops(g), "QuantizeLinear"), 2);  // nothing in bytes reads y
    fuse_quantized(g);
    g.remove_dead();
    EXPECT_THAT(ops(g), ::testing::ElementsAre("Pointwise", "QuantizedConv", "QuantizedConv"));
}

TEST(SetInt8, WeightsHaveAScalePerChannelAndStayWithin127) {
    Graph g = two_convolutions();
    Refusals refusals;
    set_int8(g, all(Precision::int8), {{"x", 0.1f}, {"a", 0.2f}}, refusals);
    for (NodeId id : g.order()) {
        if (!g.is(id, "DequantizeLinear") || !g.constant(id, 0) || g.constant(id, 0)->shape()[0] != 3) continue;
        const Tensor &q = *g.constant(id, 0), &s = *g.constant(id, 1);
        EXPECT_THAT(q.to_ints(), ::testing::ElementsAre(32, 64, 95, -127, 0, 0, 0, 0, 0, 127, 0, -1));  // 0.5 is half a step: to even
        EXPECT_EQ(s.get(0), 4.0f / 127);
        EXPECT_EQ(s.get(1), 1);  // a channel of zeros
        EXPECT_EQ(s.get(2), 1);
    }
}

TEST(SetInt8, SaysWhyALayerStaysInFp32) {
    Graph g = typed_graph("(f32[1,2,5] x) => (f32[?] y) { a = Conv(x, f32[1,2,1]{1, nan}) b = Conv(a, random[1,1,1]) c = Reshape(b, i64[2]{1, 5}) y = Gemm<alpha = 2.0>(c, random[5,2]) }");
    Refusals refusals;
    set_int8(g, all(Precision::int8), {{"x", 0.1f}}, refusals);
    EXPECT_THAT(refusals["a"], HasSubstr("NaN"));
    EXPECT_THAT(refusals["b"], HasSubstr("no scale for tensor 'a'"));
    EXPECT_THAT(refusals["y"], HasSubstr("alpha"));
}

TEST(SetInt8, LayersThatAreNotAskedForStayAsTheyAre) {
    Graph g = two_convolutions();
    Refusals refusals;
    set_int8(g, [](const std::string& layer) { return layer == "a" ? Precision::fp32 : Precision::int8; }, {{"x", 0.1f}, {"a", 0.2f}}, refusals);
    fuse_quantized(g);
    g.remove_dead();
    EXPECT_THAT(ops(g), ::testing::ElementsAre("Conv", "Pointwise", "QuantizedConv"));
}

TEST(SetInt8, WhatMovesElementsKeepsTheirScale) {
    Graph g = typed_graph("(f32[1,4,2] x) => (f32[1,2,3] y) { a = Conv<layout = \"NHWC\">(x, random[3,2,1]) m = MaxPool<layout = \"NHWC\", kernel_shape = [2], strides = [2]>(a) y = Conv<layout = \"NHWC\">(m, random[3,3,1]) }");
    Refusals refusals;
    set_int8(g, all(Precision::int8), {{"x", 0.1f}, {"a", 0.2f}, {"m", 0.7f}}, refusals);
    hoist_quantization(g);
    hoist_quantization(g);
    fuse_quantized(g);
    g.remove_dead();
    EXPECT_THAT(ops(g), ::testing::ElementsAre("Pointwise", "QuantizedConv", "MaxPool", "QuantizedConv"));
}

TEST(SetInt8, ResidualsOfProductsAreInBytesToo) {
    Graph g = typed_graph("(f32[1,4,2] x) => (f32[1,4,2] y) { a = Conv<layout = \"NHWC\">(x, random[2,2,1]) b = Conv<layout = \"NHWC\", tail = \"add(x0, x1)\">(a, random[2,2,1], _, a) y = Conv<layout = \"NHWC\">(b, random[2,2,1]) }");
    Refusals refusals;
    set_int8(g, all(Precision::int8), {{"x", 0.1f}, {"a", 0.2f}, {"b", 0.3f}}, refusals);
    fuse_quantized(g);
    g.remove_dead();
    EXPECT_THAT(ops(g), ::testing::ElementsAre("Pointwise", "QuantizedConv", "QuantizedConv", "QuantizedConv"));
}

TEST(ScaleOf, FindsTheTensorThatAValueHoldsInAnotherOrder) {
    const Scales scales{{"a", 0.5f}, {"b_nhwc", 0.25f}, {"zero", 0.0f}, {"nan", NAN}};
    EXPECT_EQ(scale_of(scales, "a"), 0.5f);
    EXPECT_EQ(scale_of(scales, "a_nhwc"), 0.5f);
    EXPECT_EQ(scale_of(scales, "a_nhwc_2"), 0.5f);
    EXPECT_EQ(scale_of(scales, "a_to_nhwc"), 0.5f);
    EXPECT_EQ(scale_of(scales, "b_nhwc"), 0.25f);
    for (std::string_view none : {"b", "a_shifted", "aa", "", "_", "zero", "nan"}) EXPECT_EQ(scale_of(scales, none), 0) << none;
}

TEST(SetHalf, ConstantWeightsAreInSixteenBits) {
    Graph g = typed_graph("(i64[2] i, f32[1,2] x) => (f32[?] y, f32[?] t) { y = Gemm(x, random[2,3], random[3]) t = Gather(random[7,5], i) }");
    Refusals refusals;
    std::vector<NarrowWeights> found;
    EXPECT_EQ(set_half(g, all(Precision::fp16), {}, refusals, found), 2);
    EXPECT_NO_THROW(infer_types(g));
    EXPECT_EQ(g.value(g.input(g.nodes("Gemm")[0], 1)).type.dtype, DType::f16);
    EXPECT_EQ(g.value(g.input(g.nodes("Gather")[0], 0)).type.dtype, DType::f16);
    for (const GraphOutput& o : g.outputs()) EXPECT_EQ(g.value(o.value).type.dtype, DType::f32);
}

TEST(SetHalf, WhatOverflowsStaysAndIsCounted) {
    Graph g = typed_graph("(f32[1,2] x) => (f32[?] y, f32[?] z) { y = MatMul(x, f32[2,2]{1, 70000, -1e6, 1e-6}) z = MatMul(x, f32[2,1]{1e-6, 0}) }");
    Refusals refusals;
    std::vector<NarrowWeights> found;
    EXPECT_EQ(set_half(g, all(Precision::fp16), {}, refusals, found), 1);
    EXPECT_THAT(refusals["y"], HasSubstr("2 of the weights"));
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[0].overflowing, 2);
    EXPECT_EQ(found[0].subnormal, 1);
    EXPECT_EQ(found[1].overflowing, 0);
    EXPECT_EQ(found[1].subnormal, 1);
}

TEST(SetHalf, WhatTheModelHasInSixteenBitsStaysSo) {
    const Graph read = typed_graph("(f16[1,2] x) => (f16[?] y, bf16[?] z) { y = MatMul(x, random f16[2,3]) c = Cast<to = 16>(y) z = MatMul(c, random bf16[3,2]) }");
    const HalfLayers own = half_layers(read);
    EXPECT_EQ(own.at("y"), DType::f16);
    EXPECT_EQ(own.at("z"), DType::bf16);
    Graph g = typed_graph("(f32[1,2] x) => (f32[?] y, f32[?] z, f32[?] other) { y = MatMul(x, f32[2,2]{1, 6e-8, 0.333251953125, -65504}) z = MatMul(x, f32[2,1]{1, 0.1}) other = MatMul(x, f32[2,1]{1, 2}) }");
    Refusals refusals;
    std::vector<NarrowWeights> found;
    EXPECT_EQ(set_half(g, all(Precision::fp32), own, refusals, found), 0);  // 6e-8 is no number of f16, 0.1 none of bf16
    g = typed_graph("(f32[1,2] x) => (f32[?] y, f32[?] z, f32[?] other) { y = MatMul(x, f32[2,2]{1, 5.9604644775390625e-8, 0.333251953125, -65504}) z = MatMul(x, f32[2,1]{1, 0.1}) other = MatMul(x, f32[2,1]{1, 2}) }");
    EXPECT_EQ(set_half(g, all(Precision::fp32), own, refusals, found), 1);
    EXPECT_EQ(g.value(g.input(g.nodes("MatMul")[0], 1)).type.dtype, DType::f16);
    EXPECT_EQ(g.value(g.input(g.nodes("MatMul")[2], 1)).type.dtype, DType::f32);  // no layer of the model's in 16 bits
    EXPECT_TRUE(refusals.empty());
    EXPECT_TRUE(found.empty()) << "nothing is lost";
    const auto layers = layers_of_precisions(read, g, all(Precision::fp32), {});
    ASSERT_EQ(layers.size(), 3u);
    EXPECT_EQ(layers[0].asked, Precision::fp32);
    EXPECT_EQ(layers[0].chosen, Precision::fp16);
    EXPECT_THAT(layers[0].reason, HasSubstr("the model has"));
    EXPECT_EQ(layers[2].chosen, Precision::bf16);
}

TEST(LayersOfPrecisions, EveryLayerOfTheModelIsAccountedFor) {
    const Graph read = typed_graph("(f32[1,2,5] x) => (f32[?] y) { a = Conv(x, random[3,2,2]) b = Relu(a) y = Softmax(b) }");
    Graph made = typed_graph("(f32[1,2,5] x) => (f32[?] y) { a = Conv<tail = \"relu(x0)\">(x, random[3,2,2]) y = Softmax(a) }");
    Refusals refusals;
    set_int8(made, all(Precision::int8), {{"x", 0.1f}}, refusals);
    fuse_quantized(made);
    const auto layers = layers_of_precisions(read, made, all(Precision::int8), {{"y", "because"}});
    ASSERT_EQ(layers.size(), 3u);
    EXPECT_EQ(layers[0].chosen, Precision::int8);
    EXPECT_THAT(layers[1].reason, HasSubstr("folded"));  // its label is in no node here
    EXPECT_EQ(layers[2].chosen, Precision::fp32);
    EXPECT_EQ(layers[2].reason, "because");
}

TEST(LayersOfPrecisions, WhatReadsBytesThoughItWasNotAskedToSaysSo) {
    const Graph read = typed_graph("(f32[1,2,5] x) => (f32[?] y, f32[?] z) { a = Relu(x) y = Conv(a, random[3,2,2]) z = Sigmoid(a) }");
    Graph made = typed_graph("(f32[1,2,5] x) => (f32[?] y, f32[?] z) { a = \"tercet\":Pointwise<expr = \"relu(x0)\">(x) y = Conv(a, random[3,2,2]) z = \"tercet\":Pointwise<expr = \"sigmoid(x0)\">(a) }");
    const auto asked = [](const std::string& layer) { return layer == "z" ? Precision::fp32 : Precision::int8; };
    Refusals refusals;
    set_int8(made, asked, {{"a", 0.1f}}, refusals);
    fuse_quantized(made);
    const auto layers = layers_of_precisions(read, made, asked, refusals);
    ASSERT_EQ(layers.size(), 3u);
    EXPECT_EQ(layers[2].asked, Precision::fp32);
    EXPECT_EQ(layers[2].chosen, Precision::int8);
    EXPECT_THAT(layers[2].reason, HasSubstr("stored in bytes"));
}

}  // namespace
}  // namespace tercet
