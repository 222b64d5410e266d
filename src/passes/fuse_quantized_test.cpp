// SPDX-License-Identifier: Apache-2.0
// What fuse_quantized makes of operators between DequantizeLinear and QuantizeLinear: which operators are left, and that they
// give the unfused graph's results, within one step where formulas round differently.
#include "ops/expr.h"
#include "ops/testing.h"
#include "passes/testing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace tercet::testing {
namespace {

using ::testing::ElementsAre;

// The operators of the fused graph, in order. Results may differ by `steps` of an integer, or by `tolerance`.
std::vector<std::string> fused(const std::string& text, std::int64_t steps = 1, double tolerance = 1e-5) {
    SCOPED_TRACE(text);
    const Graph original = typed_graph(text);
    Graph g = original;
    EXPECT_GT(fuse_quantized(g), 0);
    g.remove_dead();
    expect_sound(g);
    std::vector<Tensor> inputs;
    for (ValueId v : g.inputs()) {
        const Type& t = g.value(v).type;
        inputs.push_back(random_tensor(t.dtype, *constant_shape(t.shape), static_cast<unsigned>(inputs.size() + 5)));
        if (t.dtype == DType::i8 || t.dtype == DType::u8)
            for (std::int64_t i = 0; i < inputs.back().count(); ++i) inputs.back().writable().set_int_at(i, i * 89 + i / 3);
    }
    const auto a = evaluate(g, inputs), e = evaluate(original, inputs);
    for (std::size_t i = 0; i < e.size(); ++i) {
        if (is_float(e[i].dtype())) {
            expect_close(a[i], e[i], tolerance, text);
            continue;
        }
        for (std::int64_t k = 0; k < e[i].count(); ++k) EXPECT_LE(std::abs(a[i].get_int(k) - e[i].get_int(k)), steps) << "element " << k;
    }
    std::vector<std::string> ops;
    for (NodeId id : g.order()) ops.push_back(g.node(id).op);
    return ops;
}

constexpr const char* weights = "w = DequantizeLinear<axis = 0>(random i8[6,4,3], f32[6]{0.01, 0.02, 0.03, 0.04, 0.05, 0.06})\n";

std::string conv(const std::string& inside, const std::string& inputs = "i8[2,4,9] x", const std::string& y = "i8[2,6,7] y", const std::string& scale = "f32{0.05}, i8{0}") {
    return "(" + inputs + ") => (" + y + ") { d = DequantizeLinear(x, " + scale + ")\n" + weights + inside + " }";
}

TEST(FuseQuantized, AConvolutionBecomesOneStepOnBytes) {
    EXPECT_THAT(fused(conv("c = Conv(d, w, random[6]) y = QuantizeLinear(c, f32{0.1}, i8{0})")), ElementsAre("QuantizedConv"));
    EXPECT_THAT(fused(conv("c = Conv<tail = \"relu(x0)\">(d, w) y = QuantizeLinear(c, f32{0.1}, i8{0})")), ElementsAre("QuantizedConv"));
    EXPECT_THAT(fused(conv("c = Conv(d, w, random[6]) y = Relu(c)", "i8[2,4,9] x", "f32[2,6,7] y"), 0, 1e-3), ElementsAre("QuantizedConv", "Relu"));
}

TEST(FuseQuantized, ALinearTailIsScaledOnce) {
    Graph g = typed_graph(conv("c = Conv<tail = \"relu(x0)\">(d, w) y = QuantizeLinear(c, f32{0.1}, i8{0})"));
    fuse_quantized(g);
    g.remove_dead();
    const Attributes& a = g.node(g.order().at(0)).attributes;
    EXPECT_EQ(a.text("tail", ""), "relu(mul(x0, x1))");
    EXPECT_EQ(a.text("stored", ""), "i8");
    const Tensor* factors = g.constant(g.order().at(0), 3);
    ASSERT_TRUE(factors);
    EXPECT_EQ(factors->get(1), static_cast<float>(0.05f * static_cast<double>(0.02f) / 0.1f));
}

TEST(FuseQuantized, ATailThatIsNotLinearIsDividedBehind) {
    EXPECT_THAT(fused(conv("c = Conv<tail = \"mul(x0, sigmoid(x0))\">(d, w) y = QuantizeLinear(c, f32{0.1}, i8{0})")), ElementsAre("QuantizedConv"));
}

TEST(FuseQuantized, ResidualsAreReadAsBytes) {
    EXPECT_THAT(fused(conv("r = DequantizeLinear(z, f32{0.2}, u8{9}) c = Conv<tail = \"relu(add(x0, x1))\">(d, w, _, r) y = QuantizeLinear(c, f32{0.3}, i8{4})", "i8[2,4,9] x, u8[2,6,7] z")),
                ElementsAre("QuantizedConv"));
}

TEST(FuseQuantized, ZeroPointsOfImportedModels) {
    EXPECT_THAT(fused(conv("c = Conv<pads = [2, 1]>(d, w, random[6]) y = QuantizeLinear(c, f32{0.1}, u8{100})", "u8[2,4,9] x", "u8[2,6,10] y", "f32{0.05}, u8{131}")), ElementsAre("QuantizedConv"));
    // Weights around 128 are signed bytes; a bias behind DequantizeLinear is in units of the sums, as onnxruntime writes it.
    EXPECT_THAT(fused("(u8[2,3] x) => (u8[2,2] y) { d = DequantizeLinear(x, f32{0.05}, u8{3}) w = DequantizeLinear(u8[3,2]{0, 255, 128, 1, 2, 200}, f32{0.01}, u8{128})\n"
                      "b = DequantizeLinear(i32[2]{1000, -70}, f32{0.0005}) c = Gemm(d, w, b) y = QuantizeLinear(c, f32{0.1}, u8{7}) }"), ElementsAre("QuantizedMatMul"));
}

TEST(FuseQuantized, AMatMulKeepsTheBiasInItsTail) {
    EXPECT_THAT(fused("(i8[2,5,3] x, f32[2,5,2] r) => (f32[2,5,2] y) { d = DequantizeLinear(x, f32{0.05}, i8{0}) w = DequantizeLinear<axis = 1>(random i8[3,2], f32[2]{0.01, 0.02})\n"
                      "y = MatMul<tail = \"add(add(x0, x1), x2)\">(d, w, random[2], r) }"), ElementsAre("QuantizedMatMul"));
}

TEST(FuseQuantized, PoolsAndChainsWorkOnBytes) {
    EXPECT_THAT(fused("(i8[2,3,8] x) => (i8[2,3,4] y) { d = DequantizeLinear(x, f32{0.05}, i8{0}) m = AveragePool<kernel_shape = [2], strides = [2]>(d) y = QuantizeLinear(m, f32{0.04}, i8{0}) }"),
                ElementsAre("AveragePool"));
    EXPECT_THAT(fused("(u8[2,3,8] x) => (f32[2,3,1] y) { d = DequantizeLinear(x, f32{0.05}, u8{3}) y = GlobalAveragePool(d) }"), ElementsAre("GlobalAveragePool"));
    EXPECT_THAT(fused("(i8[2,3] x, i8[2,3] z) => (i8[2,3] y) { a = DequantizeLinear(x, f32{0.05}, i8{0}) b = DequantizeLinear(z, f32{0.02}, i8{1})\n"
                      "s = \"tercet\":Pointwise<expr = \"relu(add(x0, x1))\">(a, b) y = QuantizeLinear(s, f32{0.1}, i8{0}) }"), ElementsAre("Pointwise"));
    EXPECT_THAT(fused("(f32[2,3] x) => (i8[2,3] y) { y = QuantizeLinear(x, f32{0.1}, i8{2}) }", 0), ElementsAre("Pointwise"));
    EXPECT_THAT(fused("(u8[2,3] x) => (f32[2,3] y) { y = DequantizeLinear(x, f32{0.1}, u8{2}) }"), ElementsAre("Pointwise"));
}

TEST(FuseQuantized, AFloatReaderKeepsTheFloats) {
    EXPECT_THAT(fused(conv("c = Conv(d, w) y = QuantizeLinear(c, f32{0.1}, i8{0}) z = Neg(c)", "i8[2,4,9] x", "i8[2,6,7] y, f32[2,6,7] z"), 1, 1e-3), ElementsAre("QuantizedConv", "Pointwise", "Neg"));
}

TEST(FuseQuantized, WeightsOfFloatProductsAreDequantizedForGood) {
    EXPECT_THAT(fused("(f32[2,3] x) => (f32[2,2] y) { w = DequantizeLinear<axis = 1>(random i8[3,2], f32[2]{0.01, 0.02}) y = MatMul(x, w) }"), ElementsAre("MatMul"));
}

TEST(FuseQuantized, WeightsOfOneScaleAndOfMinus128) {
    EXPECT_THAT(fused("(i8[2,2,5] x) => (i8[2,2,4] y) { d = DequantizeLinear(x, f32{0.05}, i8{0}) w = DequantizeLinear(i8[2,2,2]{-128, -128, 127, -128, 5, -128, 0, 1}, f32{0.01}, i8{0})\n"
                      "c = Conv(d, w) y = QuantizeLinear(c, f32{0.3}, i8{0}) }"), ElementsAre("QuantizedConv"));
    // 0 - 3 and 255 - 3 are no two signed bytes: the product stays in f32.
    EXPECT_THAT(fused("(u8[2,2] x) => (f32[2,2] y) { d = DequantizeLinear(x, f32{0.05}, u8{1}) w = DequantizeLinear(u8[2,2]{0, 255, 3, 1}, f32{0.01}, u8{3}) y = MatMul(d, w) }"),
                ElementsAre("Pointwise", "MatMul"));
}

TEST(FuseQuantized, BoundsOfAnActivationAreScaledWithItsFactor) {
    Graph g = typed_graph(conv("c = Conv<tail = \"clip(x0, 0, 6)\">(d, w) y = QuantizeLinear(c, f32{0.5}, i8{0})"));
    fuse_quantized(g);
    g.remove_dead();
    EXPECT_EQ(g.node(g.order().at(0)).attributes.text("tail", ""), "clip(mul(x0, x1), 0, 12)");
    EXPECT_THAT(fused(conv("c = Conv<tail = \"sub(leaky_relu(mul(x0, 3), 0.1), 2)\">(d, w) y = QuantizeLinear(c, f32{0.5}, u8{40})", "i8[2,4,9] x", "u8[2,6,7] y")), ElementsAre("QuantizedConv"));
}

TEST(FuseQuantized, AGemmsBiasPerRowIsNoBiasPerColumn) {
    // Three rows and three columns: only the shape tells them apart.
    EXPECT_THAT(fused("(i8[3,4] x) => (f32[3,3] y) { d = DequantizeLinear(x, f32{0.05}, i8{0}) w = DequantizeLinear<axis = 0>(random i8[3,4], f32[3]{0.01, 0.02, 0.03})\n"
                      "y = Gemm<transB = 1>(d, w, f32[3,1]{1, 20, 300}) }"), ElementsAre("Pointwise", "Gemm"));
    EXPECT_THAT(fused("(i8[3,4] x) => (f32[3,3] y) { d = DequantizeLinear(x, f32{0.05}, i8{0}) w = DequantizeLinear<axis = 0>(random i8[3,4], f32[3]{0.01, 0.02, 0.03})\n"
                      "y = Gemm<transB = 1>(d, w, f32[1,3]{1, 20, 300}) }", 1, 1e-3), ElementsAre("QuantizedMatMul"));
}

TEST(FuseQuantized, AnOutputInFloatsIsNotRoundedOnTheWay) {
    EXPECT_THAT(fused(conv("c = Conv(d, w) y = QuantizeLinear(c, f32{0.1}, i8{0})", "i8[2,4,9] x", "f32[2,6,7] c, i8[2,6,7] y"), 1, 1e-3), ElementsAre("QuantizedConv", "Pointwise"));
}

TEST(FuseQuantized, PartsOfAConcatHaveTheirOwnScales) {
    EXPECT_THAT(fused("(i8[2,3] a, u8[2,4] b) => (i8[2,7] y) { p = DequantizeLinear(a, f32{0.05}, i8{0}) q = DequantizeLinear(b, f32{0.02}, u8{9})\n"
                      "c = Concat<axis = 1>(p, q) y = QuantizeLinear(c, f32{0.07}, i8{-3}) }"), ElementsAre("Pointwise", "Pointwise", "Concat", "Pointwise"));
}

TEST(FuseQuantized, AMeanThatCountsThePaddingKeepsItsZero) {
    EXPECT_THAT(fused("(u8[2,3,8] x) => (i8[2,3,9] y) { d = DequantizeLinear(x, f32{0.05}, u8{100}) m = AveragePool<kernel_shape = [2], pads = [1, 1], count_include_pad = 1>(d) y = QuantizeLinear(m, f32{0.1}, i8{0}) }"),
                ElementsAre("Pointwise", "AveragePool", "Pointwise"));
    EXPECT_THAT(fused("(u8[2,3,8] x) => (i8[2,3,9] y) { d = DequantizeLinear(x, f32{0.05}, u8{100}) m = AveragePool<kernel_shape = [2], pads = [1, 1]>(d) y = QuantizeLinear(m, f32{0.1}, i8{0}) }"),
                ElementsAre("AveragePool"));
}

TEST(FuseQuantized, NothingIsSaidOfActivationsThatMayBeNegative) {
    const auto least = [](const std::string& before) {
        Graph g = typed_graph("(f32[2,4,9] x) => (f32[?] y) { " + before + "\n" + weights + "y = Conv(d, w) }");
        fuse_quantized(g);
        for (NodeId id : g.order())
            if (g.node(id).op == "QuantizedConv") return g.node(id).attributes.integer("x_least", -128);
        return std::int64_t{-1};
    };
    const std::string relu = "p = \"tercet\":Pointwise<expr = \"relu(x0)\">(x) ";
    EXPECT_EQ(least(relu + "q = QuantizeLinear(p, f32{0.05}, i8{0}) d = DequantizeLinear(q, f32{0.05}, i8{0})"), 0);
    EXPECT_EQ(least("q = QuantizeLinear(x, f32{0.05}, i8{0}) d = DequantizeLinear(q, f32{0.05}, i8{0})"), -128);
    EXPECT_EQ(least(relu + "q = QuantizeLinear(p, f32{0.05}, i8{-100}) d = DequantizeLinear(q, f32{0.05}, i8{0})"), -128);
    EXPECT_EQ(least(relu + "q = QuantizeLinear(p, f32{0.05}, i8{0}) m = MaxPool<kernel_shape = [1], tail = \"neg(x0)\">(q) d = DequantizeLinear(m, f32{0.05}, i8{0})"), -128);
    EXPECT_EQ(least("p = \"tercet\":Pointwise<expr = \"leaky_relu(x0, 0.1)\">(x) q = QuantizeLinear(p, f32{0.05}, i8{0}) d = DequantizeLinear(q, f32{0.05}, i8{0})"), -128);
}

TEST(FuseQuantized, ActivationsThatAreNeverNegativeAreSaidToBe) {
    Graph g = typed_graph("(f32[2,4,9] x) => (f32[?] y) { p = \"tercet\":Pointwise<expr = \"relu(x0)\">(x) q = QuantizeLinear(p, f32{0.05}, i8{0}) m = MaxPool<kernel_shape = [1]>(q) d = DequantizeLinear(m, f32{0.05}, i8{0})\n" +
                          std::string(weights) + "y = Conv(d, w) }");
    fuse_quantized(g);
    for (NodeId id : g.order())
        if (g.node(id).op == "QuantizedConv") {
            EXPECT_EQ(g.node(id).attributes.integer("x_least", -128), 0);
        }
}

}  // namespace
}  // namespace tercet::testing
