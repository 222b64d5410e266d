// SPDX-License-Identifier: Apache-2.0
#include "graph/text.h"
#include "ops/testing.h"
#include "passes/testing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>

namespace tercet::testing {
namespace {

constexpr double one_number = 1e-3;  // of 16 bits: 2^-10 of its size

// Equal, or of 16 bits and neighbours; of the elements few are not equal.
void expect_next_numbers(const Tensor& actual, const Tensor& expected) {
    ASSERT_EQ(actual.dtype(), expected.dtype());
    ASSERT_EQ(actual.shape(), expected.shape());
    const bool whole = expected.dtype() != DType::f16 && expected.dtype() != DType::bf16;
    ASSERT_TRUE(!whole || actual == expected);
    if (whole) return;
    const auto place = [](const Tensor& t, std::int64_t i) {
        const int bits = load<std::uint16_t>(t.view().address(i));
        return bits < 0x8000 ? bits : 0x8000 - bits;
    };
    std::int64_t unequal = 0;
    for (std::int64_t i = 0; i < expected.count(); ++i) {
        EXPECT_LE(std::abs(place(actual, i) - place(expected, i)), 1) << actual.get(i) << ", not " << expected.get(i);
        unequal += place(actual, i) != place(expected, i);
    }
    EXPECT_LE(unequal, 1 + expected.count() / 50);
}

TEST(WidenHalves, ComputesInFloatsAndRoundsOnce) {
    expect_rewrite(widen_halves, "(f16[N,3] x) => (f16[N,5] y) { y = MatMul(x, random f16[3,5]) }",
                   R"g((f16[N,3] x) => (f16[N,5] y) { x_f32 = Cast<to = 1>(x) y_wide = MatMul(x_f32, random[3,5])
                       y_rounded = "tercet":Pointwise<expr = "round_f16(x0)">(y_wide) y = Cast<to = 10>(y_rounded) })g", one_number);
}

TEST(WidenHalves, LeavesCastsAtTheBordersOnly) {
    expect_rewrite(widen_halves, R"g((bf16[N,3] x, bf16[5] r) => (bf16[N,5] y) { a = MatMul(x, random bf16[3,5]) b = Add(a, r) y = Relu(b) })g",
                   R"g((bf16[N,3] x, bf16[5] r) => (bf16[N,5] y) { x_f32 = Cast<to = 1>(x) a_wide = MatMul(x_f32, random[3,5])
                       a = "tercet":Pointwise<expr = "round_bf16(x0)">(a_wide) r_f32 = Cast<to = 1>(r) b_wide = Add(a, r_f32)
                       b = "tercet":Pointwise<expr = "round_bf16(x0)">(b_wide) y_wide = Relu(b) y = Cast<to = 16>(y_wide) })g", 1e-2);
}

TEST(WidenHalves, CastsOfTheModelBecomeRoundings) {
    expect_rewrite(widen_halves, R"g((f32[N] x) => (f32[N] y) { h = Cast<to = 10>(x) a = Mul(h, h) y = Cast<to = 1>(a) })g",
                   R"g((f32[N] x) => (f32[N] y) { h = "tercet":Pointwise<expr = "round_f16(x0)">(x) a_wide = Mul(h, h) y = "tercet":Pointwise<expr = "round_f16(x0)">(a_wide) })g", one_number);
    expect_rewrite(widen_halves, R"g((f32[N] x) => (f32[N] y) { h = Cast<to = 10>(x) b = Cast<to = 16>(h) y = Cast<to = 1>(b) })g",
                   R"g((f32[N] x) => (f32[N] y) { h = "tercet":Pointwise<expr = "round_f16(x0)">(x) y = "tercet":Pointwise<expr = "round_bf16(x0)">(h) })g", 0);
    expect_rewrite(widen_halves, R"g((i64[N] x) => (bool[N] y) { h = Cast<to = 10>(x) y = Greater(h, f16{2.5}) })g",
                   R"g((i64[N] x) => (bool[N] y) { x_f32 = Cast<to = 1>(x) h = "tercet":Pointwise<expr = "round_f16(x0)">(x_f32) y = Greater(h, f32{2.5}) })g", 0);
}

TEST(WidenHalves, WhatMovesElementsRoundsNothing) {
    expect_rewrite(widen_halves, R"g((f16[2,N] x, bool[N] c) => (f16[2,N] y, i64[2] s) { a = Neg(x) b = Where(c, a, f16{0.1}) d = Clip(b, f16{-0.3}, f16{0.7}) e = Concat<axis = 0>(d, d)
                                                                y, z = Split<num_outputs = 2>(e) s = Shape(z) })g",
                   R"g((f16[2,N] x, bool[N] c) => (f16[2,N] y, i64[2] s) { x_f32 = Cast<to = 1>(x) a = Neg(x_f32) b = Where(c, a, f32{0.0999755859375}) d = Clip(b, f32{-0.300048828125}, f32{0.7001953125})
                                                                e = Concat<axis = 0>(d, d) y_wide, z = Split<num_outputs = 2>(e) y = Cast<to = 10>(y_wide) s = Shape(z) })g", 0);
}

// For every operator: the results are those of the reference on 16 bits, but for the next number.
TEST(WidenHalves, KeepsTheValuesOfEveryOperator) {
    for (const char* call : {
             "Abs(x)", "Add(x, z)", "ArgMax<axis = 1>(x)", "AveragePool<kernel_shape = [2, 3]>(x)", "BatchNormalization(x, p, p, p, q)", "Ceil(x)", "Celu<alpha = 0.3>(x)", "Conv(x, w, p)",
             "ConvTranspose(x, w)", "CumSum(x, i64{1})", "DepthToSpace<blocksize = 2>(x)", "Div(x, u)", "Einsum<equation = \"nchw,nchv->nwv\">(x, z)", "Elu<alpha = 0.3>(x)", "Equal(x, z)", "Erf(x)",
             "Exp(x)", "Flatten(a)", "Floor(x)", "Gather<axis = 1>(x, i64[2]{1, 0})", "Gelu(x)", "Gelu<approximate = \"tanh\">(x)", "GlobalAveragePool(x)", "GlobalMaxPool(x)",
             "GroupNormalization<num_groups = 2>(x, p, p)", "HardSigmoid(x)", "HardSwish(x)", "InstanceNormalization(x, p, p)", "LRN<size = 3>(x)", "LayerNormalization(x, l, l)", "LeakyRelu(x)",
             "LogSoftmax(x)", "LpNormalization(x)", "MatMul(x, t)", "Max(x, z)", "MaxPool<kernel_shape = [2, 2]>(x)", "Mean(x, z, x)", "Min(x, z)", "Mish(x)", "Mul(x, z)", "PRelu(x, u)",
             "Pad(x, i64[8]{0, 0, 1, 1, 0, 0, 2, 0}, f16{0.1})", "Pow(x, f32{2})", "RMSNormalization(x, l)", "ReduceL2(x, i64[1]{2})", "ReduceLogSumExp(x, i64[1]{1})", "ReduceMax(x, i64[1]{1})",
             "ReduceMean(x, i64[2]{2, 3})", "ReduceSum(x)", "Reshape(a, i64[2]{2, -1})", "Resize<mode = \"linear\">(x, _, f32[4]{1, 1, 2, 1.5})", "Resize(x, _, f32[4]{1, 1, 2, 1.5})", "Round(x)",
             "Selu(x)", "Sigmoid(x)", "Sign(x)", "Slice(x, i64[1]{1}, i64[1]{3}, i64[1]{2})", "Softmax(x)", "Softplus(x)", "Softsign(x)", "Sub(x, z)", "Sum(x, z, x)", "Swish(x)", "Tanh(x)",
             "ThresholdedRelu<alpha = 0.3>(x)", "Tile(x, i64[4]{1, 2, 1, 1})", "Transpose(x)", "Trilu(x)", "Where(c, x, z)"})
        for (std::string half : {"f16", "bf16"}) {
            std::string text(call);
            if (const auto at = text.find("f16{"); at != std::string::npos) text.replace(at, 3, half);
            const Graph before = typed_graph(fmt::format("({0}[2,4,5,6] x, {0}[2,4,5,6] z, bool[6] c) => (f32[?] y) {{ p = Abs(random {0}[4]) q = Add(p, {0}{{1}}) w = Identity(random {0}[4,4,2,3]) "
                                                         "a = Neg(x) u = Abs(random {0}[4,1,1]) l = Identity(random {0}[6]) t = Identity(random {0}[6,3]) y = {1} }}", half, text));
            SCOPED_TRACE(half + " " + call);
            Graph g = before;
            fold_constants(g);
            const Graph folded = g;
            EXPECT_GT(widen_halves(g), 0);
            g.remove_dead();
            expect_sound(g);
            for (NodeId id : g.order())
                for (ValueId v : g.node(id).inputs) {
                    const DType t = v == ValueId::none ? DType::undefined : g.value(v).type.dtype;
                    EXPECT_TRUE(g.is(id, "Cast") || (t != DType::f16 && t != DType::bf16)) << print_text(g);
                }
            const DType type = half == "f16" ? DType::f16 : DType::bf16;
            const std::vector inputs{random_tensor(type, {2, 4, 5, 6}, 1), random_tensor(type, {2, 4, 5, 6}, 2), random_tensor(DType::boolean, {6}, 3)};
            expect_next_numbers(evaluate(g, inputs)[0], evaluate(folded, inputs)[0]);
            EXPECT_EQ(widen_halves(g), 0) << "nothing is left to do";
        }
}

TEST(WidenHalves, OverflowsToInfinityAsTheModelDoes) {
    Graph g = typed_graph("(f16[3] x) => (f16[3] y) { a = Mul(x, f16{300}) y = Div(a, f16{300}) }");
    widen_halves(g);
    Tensor x = Tensor::zeros(DType::f16, {3});
    for (std::int64_t i = 0; const double v : {1, 300, -300}) x.writable().set_at(i++, v);
    const Tensor y = evaluate(g, std::vector{x})[0];
    EXPECT_EQ(y.get(0), 1);
    EXPECT_EQ(y.get(1), HUGE_VAL);
    EXPECT_EQ(y.get(2), -HUGE_VAL);
}

TEST(WidenHalves, LeavesAlone) {
    expect_unchanged(widen_halves, {
        {"no halves", "(f32[N] x) => (f32[N] y) { y = Relu(x) }"},
        {"an output in 16 bits", "(f32[N] x) => (f16[N] y) { y = Cast<to = 10>(x) }"},
        {"an input in 16 bits", "(f16[N] x) => (f32[N] y) { a = Cast<to = 1>(x) y = Relu(a) }"},
        {"a state that is rounded in every step", "(f16[2,1,3] x) => (f16[2,1,1,4] y) { y = RNN<hidden_size = 4>(x, random f16[1,4,3], random f16[1,4,4]) }"},
        {"another shape for the elements of an input", "(f16[N,3] x) => (f16[?] y) { a = Flatten(x) y = Reshape(a, i64[1]{-1}) }"},
        {"doubles, which f32 would round first", "(f64[N] x) => (f16[N] y) { h = Cast<to = 10>(x) y = Identity(h) }"},
    });
}

}  // namespace
}  // namespace tercet::testing
