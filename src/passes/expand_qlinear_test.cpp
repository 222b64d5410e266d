// SPDX-License-Identifier: Apache-2.0
#include "ops/op.h"
#include "ops/testing.h"
#include "passes/testing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

using ::testing::ElementsAre;

TEST(ExpandQLinear, AConvolutionIsOneOfDequantizedValues) {
    // Factors are powers of two, so that the f32 form rounds as the operator does.
    expect_rewrite(expand_qlinear,
                   R"((u8[N,2,5] x) => (i8[N,3,5] y) {
                       y = QLinearConv<pads = [1, 1]>(x, f32{0.5}, u8{128}, random i8[3,2,3], f32[3]{0.25, 0.5, 1}, i8[3]{0, 0, 0}, f32{4}, i8{-5}, i32[3]{100, -200, 300}) })",
                   R"((u8[N,2,5] x) => (i8[N,3,5] y) {
                       y_input = DequantizeLinear(x, f32{0.5}, u8{128}) y_weights = DequantizeLinear<axis = 0>(random i8[3,2,3], f32[3]{0.25, 0.5, 1}, i8[3]{0, 0, 0})
                       y_bias = DequantizeLinear<axis = 0>(i32[3]{100, -200, 300}, f32[3]{0.125, 0.25, 0.5}) y_product = Conv<pads = [1, 1]>(y_input, y_weights, y_bias) y = QuantizeLinear(y_product, f32{4}, i8{-5}) })");
}

TEST(ExpandQLinear, AMatrixHasItsScalesPerColumn) {
    expect_rewrite(expand_qlinear,
                   "(i8[N,4,3] x) => (u8[N,4,2] y) { y = QLinearMatMul(x, f32[1]{0.5}, i8[1]{3}, u8[3,2]{0, 255, 128, 20, 2, 200}, f32[1,2]{0.25, 0.5}, u8[1,2]{120, 140}, f32{4}, u8{5}) }",
                   R"((i8[N,4,3] x) => (u8[N,4,2] y) { y_input = DequantizeLinear(x, f32{0.5}, i8{3}) y_weights = DequantizeLinear<axis = 1>(u8[3,2]{0, 255, 128, 20, 2, 200}, f32[2]{0.25, 0.5}, u8[2]{120, 140})
                       y_product = MatMul(y_input, y_weights) y = QuantizeLinear(y_product, f32{4}, u8{5}) })");
}

TEST(ExpandQLinear, ComputedMatricesAreMultipliedAsWholeNumbers) {
    expect_rewrite(expand_qlinear, "(i8[N,4,3] x, u8[N,3,2] z) => (u8[N,4,2] y) { y = QLinearMatMul(x, f32{0.3}, i8{3}, z, f32{0.7}, u8{9}, f32{0.11}, u8{5}) }",
                   R"((i8[N,4,3] x, u8[N,3,2] z) => (u8[N,4,2] y) { y_input = DequantizeLinear(x, f32{1}, i8{3}) y_weights = DequantizeLinear(z, f32{1}, u8{9})
                       y_product = MatMul(y_input, y_weights) y_scaled = Mul(y_product, f32{2}) y = QuantizeLinear(y_scaled, f32{1}, u8{5}) })", 0);
    expect_rewrite(expand_qlinear, "(u8[N,2,5] x) => (i8[N,2,5] y) { y = QLinearConv(x, f32{0.3}, u8{3}, u8[2,2,1]{0, 255, 7, 9}, f32[2]{0.2, 0.3}, u8{3}, f32{1.7}, i8{3}, i32[2]{100, 200}) }",
                   R"((u8[N,2,5] x) => (i8[N,2,5] y) { y_input = DequantizeLinear(x, f32{1}, u8{3}) y_weights = DequantizeLinear(u8[2,2,1]{0, 255, 7, 9}, f32{1}, u8{3}) y_bias = DequantizeLinear(i32[2]{100, 200}, f32{1})
                       y_product = Conv(y_input, y_weights, y_bias) y_scaled = Mul(y_product, f32[2,1]{1, 1}) y = QuantizeLinear(y_scaled, f32{1}, i8{3}) })", 0);
}

TEST(ExpandQLinear, LeavesAlone) {
    expect_unchanged(expand_qlinear, {
        {"a computed scale", "(u8[N,2,5] x, f32[] s) => (i8[N,1,5] y) { y = QLinearConv(x, s, u8{3}, random i8[1,2,1], f32{0.2}, i8{0}, f32{1}, i8{3}) }"},
        {"a scale per row", "(i8[4,3] x) => (u8[4,2] y) { y = QLinearMatMul(x, f32[4]{1, 2, 3, 4}, i8[4]{0, 0, 0, 0}, random i8[3,2], f32{0.2}, i8{0}, f32{1}, u8{3}) }"},
        {"scales per column of stacked matrices", "(i8[2,4,3] x) => (u8[2,4,2] y) { y = QLinearMatMul(x, f32{1}, i8{0}, random i8[2,3,2], f32[2,1,2]{1, 2, 3, 4}, i8[2,1,2]{0, 0, 0, 0}, f32{1}, u8{3}) }"},
        {"a bias that needs more digits than f32 has", "(u8[N,2,5] x) => (i8[N,1,5] y) { y = QLinearConv(x, f32{0.1}, u8{3}, random i8[1,2,1], f32{0.2}, i8{0}, f32{1}, i8{3}, i32[1]{8388609}) }"},
        {"scales in f16", "(i8[4,3] x) => (u8[4,2] y) { y = QLinearMatMul(x, f16{1}, i8{0}, random i8[3,2], f16{0.5}, i8{0}, f16{1}, u8{3}) }"},
        {"a negative scale", "(i8[4,3] x) => (u8[4,2] y) { y = QLinearMatMul(x, f32{-1}, i8{0}, random i8[3,2], f32{0.5}, i8{0}, f32{1}, u8{3}) }"},
    });
}

// Every byte occurs in x, so that ties and both ends do; scales are no powers of two.
std::vector<std::string> expect_same_bits(const std::string& text) {
    SCOPED_TRACE(text);
    const Graph original = typed_graph(text);
    Graph g = original;
    optimize(g, {.verify = true});
    std::vector<Tensor> inputs;
    for (ValueId v : g.inputs()) {
        inputs.push_back(Tensor::zeros(g.value(v).type.dtype, *constant_shape(g.value(v).type.shape)));
        for (std::int64_t i = 0; i < inputs.back().count(); ++i) inputs.back().writable().set_int_at(i, i * 89 + i / 3 - (g.value(v).type.dtype == DType::i8 ? 128 : 0));
    }
    const Tensor actual = evaluate(g, inputs)[0], expected = evaluate(original, inputs)[0];
    for (std::int64_t i = 0; i < expected.count(); ++i) EXPECT_EQ(actual.get_int(i), expected.get_int(i)) << "element " << i;
    std::vector<std::string> ops;
    for (NodeId id : g.order()) ops.push_back(g.node(id).op);
    return ops;
}

TEST(ExpandQLinear, StepsOnBytesGiveTheOperatorsBits) {
    const std::string scales = "f32[6]{0.011, 0.023, 0.037, 0.0041, 0.0053, 0.017}, i8[6]{0, 0, 0, 0, 0, 0}", bias = "i32[6]{1000, -3000, 70000, 17, 0, -8388607}";
    for (const char* x : {"u8[2,4,9,7] x) => (u8[2,6,9,7] y) { y = QLinearConv<pads = [1, 1, 1, 1]>(x, f32{0.031}, u8{131}", "i8[2,4,9,7] x) => (u8[2,6,9,7] y) { y = QLinearConv<pads = [1, 1, 1, 1]>(x, f32{0.031}, i8{-128}"})
        EXPECT_THAT(expect_same_bits("(" + std::string(x) + ", random i8[6,4,3,3], " + scales + ", f32{0.0137}, u8{77}, " + bias + ") }"), ::testing::Contains("QuantizedConv"));
    EXPECT_THAT(expect_same_bits("(u8[3,50,31] x) => (i8[3,50,7] y) { y = QLinearMatMul(x, f32{0.031}, u8{7}, random i8[31,7], f32[7]{0.011, 0.023, 0.037, 0.0041, 0.0053, 0.017, 0.019}, i8[7]{0, 0, 0, 0, 0, 0, 0}, f32{0.137}, i8{3}) }"),
                ElementsAre("QuantizedMatMul"));
    EXPECT_THAT(expect_same_bits("(u8[2,5,31] a, i8[2,31,7] b) => (i8[2,5,7] y) { y = QLinearMatMul(a, f32{0.031}, u8{7}, b, f32{0.011}, i8{-3}, f32{0.137}, i8{3}) }"), ::testing::Contains("MatMul"));
}

}  // namespace
}  // namespace tercet::testing
