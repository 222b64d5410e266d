// SPDX-License-Identifier: Apache-2.0
#include "target/work.h"

#include "graph/text.h"
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet {
namespace {

// The step of a graph of one node.
Work work_in(std::string_view text) {
    const Graph g = testing::typed_graph(text);
    const Node& node = g.node(g.order().back());
    const auto operand = [&](ValueId v) -> Step::Operand {
        if (v == ValueId::none) return {};
        Dims shape;
        for (const Dim& d : g.value(v).type.shape) shape.push_back(*d.constant());
        return {g.value(v).type.dtype, shape, g.constant(v)};
    };
    Step s{.node = &node, .inputs = {}, .outputs = {}};
    for (ValueId v : node.inputs) s.inputs.push_back(operand(v));
    for (ValueId v : node.outputs) s.outputs.push_back(operand(v));
    return work_of(s);
}

struct Case {
    std::string_view name, graph;
    Work work;
};

TEST(Work, IsThatOfTheFormula) {
    const Case cases[]{
        {"convolution: 2x4x3x3 outputs of 5x3x3 products", "(f32[2,5,3,3] x) => (f32[2,4,3,3] y) { y = Conv<pads = [1, 1, 1, 1]>(x, random[4,5,3,3], random[4]) }",
         {72 * 45, 0, 4.0 * (90 + 180 + 4 + 72)}},
        {"strided, channels last", "(f32[1,5,5,3] x) => (f32[1,2,2,8] y) { y = Conv<layout = \"NHWC\", strides = [2, 2]>(x, random[8,3,3,3]) }",
         {32 * 27, 0, 4.0 * (75 + 216 + 32)}},
        {"groups: a third of the channels each", "(f32[1,12,5,5] x) => (f32[1,9,3,3] y) { y = Conv<group = 3>(x, random[9,4,3,3]) }",
         {81 * 36, 0, 4.0 * (300 + 324 + 81)}},
        {"depthwise", "(f32[1,8,4,4] x) => (f32[1,8,4,4] y) { y = Conv<group = 8, pads = [1, 1, 1, 1]>(x, random[8,1,3,3]) }", {128 * 9, 0, 4.0 * (128 + 72 + 128)}},
        {"a residual in the tail is read, its operations come on top", "(f32[1,2,3,3] x, f32[1,4,3,3] r) => (f32[1,4,3,3] y) { y = Conv<tail = \"relu(add(x0, x1))\">(x, random[4,2,1,1], _, r) }",
         {36 * 2, 0, 4.0 * (18 + 8 + 36 + 36)}},
        {"product", "(f32[7,5] x) => (f32[7,3] y) { y = MatMul(x, random[5,3]) }", {7 * 3 * 5, 0, 4.0 * (35 + 15 + 21)}},
        {"stacks of products, one of them repeated", "(f32[2,1,7,5] x, f32[3,5,4] b) => (f32[2,3,7,4] y) { y = MatMul(x, b) }", {168 * 5, 0, 4.0 * (70 + 60 + 168)}},
        {"transposed factor", "(f32[5,7] x) => (f32[7,3] y) { y = Gemm<transA = 1>(x, random[5,3], random[3]) }", {7 * 3 * 5, 0, 4.0 * (35 + 15 + 3 + 21)}},
        {"half as many bytes", "(f16[7,5] a, f16[5,3] b) => (f16[7,3] y) { y = MatMul(a, b) }", {7 * 3 * 5, 0, 2.0 * (35 + 15 + 21)}},
        {"pool", "(f32[1,2,6,6] x) => (f32[1,2,3,3] y) { y = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(x) }", {0, 18 * 4, 4.0 * (72 + 18)}},
        {"global pool", "(f32[1,2,6,6] x) => (f32[1,2,1,1] y) { y = GlobalAveragePool(x) }", {0, 72, 4.0 * (72 + 2)}},
        {"one function, an input read twice", "(f32[3,4] x) => (f32[3,4] y) { y = Mul(x, x) }", {0, 12, 4.0 * (12 + 12)}},
        {"a chain of three, one input broadcast", "(f32[3,4] x, f32[4] b) => (f32[3,4] y) { y = \"tercet\":Pointwise<expr = \"mul(relu(add(x0, x1)), 2)\">(x, b) }", {0, 36, 4.0 * (12 + 4 + 12)}},
        {"softmax", "(f32[3,4] x) => (f32[3,4] y) { y = Softmax(x) }", {0, 60, 4.0 * (12 + 12)}},
        {"elements move", "(f32[3,4] x) => (f32[4,3] y) { y = Transpose(x) }", {0, 0, 4.0 * (12 + 12)}},
        {"rows are picked from a table", "(i64[2] i) => (f32[2,8] y) { y = Gather(random[1000,8], i) }", {0, 0, 4.0 * (16 + 16) + 8.0 * 2}},
        {"nothing to do", "(f32[0,5] x) => (f32[0,3] y) { y = MatMul(x, random[5,3]) }", {0, 0, 4.0 * 15}},
    };
    for (const Case& c : cases) {
        const Work w = work_in(c.graph);
        EXPECT_EQ(w.multiply_adds, c.work.multiply_adds) << c.name;
        EXPECT_EQ(w.element_operations, c.work.element_operations) << c.name;
        EXPECT_EQ(w.bytes, c.work.bytes) << c.name;
    }
}

TEST(Work, OfATransposedConvolutionIsEveryInputTimesItsWeights) {
    const Node node{.op = "ConvTranspose", .inputs = {ValueId{0}, ValueId{1}}, .outputs = {ValueId{2}}};
    const Step s{.node = &node, .inputs = {{DType::f32, {1, 6, 5, 5}}, {DType::f32, {6, 4, 3, 3}}}, .outputs = {{DType::f32, {1, 4, 7, 7}}}};
    EXPECT_EQ(work_of(s), (Work{150 * 36, 0, 4.0 * (150 + 216 + 196)}));
}

}  // namespace
}  // namespace tercet
