// SPDX-License-Identifier: Apache-2.0
#include "precision/set_precision.h"

#include "ops/testing.h"

#include <gtest/gtest.h>

#include <limits>

namespace tercet {
namespace {

using testing::typed_graph;

Graph corrected(std::string_view text, const ChannelMeansByTensor& means, const Scales& scales = {{"x", 0.1f}}) {
    Graph g = typed_graph(text);
    Refusals refusals;
    set_int8(g, [](const std::string&) { return Precision::int8; }, scales, refusals, means);
    infer_types(g);
    verify(g);
    return g;
}

// Weights 1 and 0.3 have the scale 1/127: 0.3 becomes 38/127, which is off by -0.1/127.
TEST(BiasCorrection, BiasesTakeUpWhatRoundingShifts) {
    const Graph g = corrected("(f32[1,2,3] x) => (f32[1,1,3] y) { y = Conv(x, f32[1,2,1]{1, 0.3}, f32[1]{5}) }", {{"x", {7, 100}}});
    const NodeId conv = g.nodes("Conv")[0];
    EXPECT_NEAR(g.constant(conv, 2)->get(0), 5 + 100 * (0.3 - 38.0 / 127), 1e-5);
}

TEST(BiasCorrection, EveryGroupHasItsOwnChannels) {
    const Graph g = corrected("(f32[1,2,3] x) => (f32[1,2,3] y) { y = Conv<group = 2>(x, f32[2,1,1]{1, 1}, f32[2]{1, 2}) }", {{"x", {7, 100}}});
    EXPECT_NEAR(g.constant(g.nodes("Conv")[0], 2)->get(1), 2, 1e-5);  // nothing is rounded but the scale
    const Graph wide = corrected("(f32[1,2,3] x) => (f32[1,2,2] y) { y = Conv<group = 2>(x, f32[2,1,2]{1, 0.3, 1, 0.3}, f32[2]{1, 2}) }", {{"x", {7, 100}}});
    EXPECT_NEAR(wide.constant(wide.nodes("Conv")[0], 2)->get(0), 1 + 7 * (0.3 - 38.0 / 127), 1e-5);
    EXPECT_NEAR(wide.constant(wide.nodes("Conv")[0], 2)->get(1), 2 + 100 * (0.3 - 38.0 / 127), 1e-5);
}

TEST(BiasCorrection, AProductWithoutABiasGetsOneInFrontOfItsTail) {
    const Graph g = corrected("(f32[1,2] x, f32[1,1] r) => (f32[1,1] y) { y = MatMul<tail = \"relu(add(x0, x1))\">(x, f32[2,1]{1, 0.3}, r) }", {{"x", {7, 100}}});
    const NodeId product = g.nodes("MatMul")[0];
    EXPECT_EQ(g.node(product).attributes.text("tail", ""), "relu(add(add(x0, x2), x1))");
    EXPECT_NEAR(g.constant(product, 3)->get(0), 100 * (0.3 - 38.0 / 127), 1e-5);
}

TEST(BiasCorrection, AConvolutionWithoutABiasGetsOne) {
    const Graph g = corrected("(f32[1,3,2] x) => (f32[1,3,1] y) { y = Conv<layout = \"NHWC\", tail = \"relu(x0)\">(x, f32[1,2,1]{1, 0.3}) }", {{"x", {7, 100}}});
    const NodeId conv = g.nodes("Conv")[0];
    EXPECT_EQ(g.node(conv).attributes.text("tail", ""), "relu(x0)");
    ASSERT_TRUE(g.constant(conv, 2));
    EXPECT_EQ(g.constant(conv, 2)->shape(), Dims{1});
    EXPECT_NEAR(g.constant(conv, 2)->get(0), 100 * (0.3 - 38.0 / 127), 1e-5);
}

// Row 1 is off: the second place of channel 0, or channel 1 at the first place where channels lie last.
TEST(BiasCorrection, BehindAFlattenAChannelsMeanIsThatOfItsPlaces) {
    const Graph first = corrected("(f32[1,2,3] x) => (f32[1,1] y) { p = Flatten(x) y = Gemm(p, f32[6,1]{1, 0.3, 1, 1, 1, 1}, f32[1]{5}) }", {{"x", {7, 100}}});
    EXPECT_NEAR(first.constant(first.nodes("Gemm")[0], 2)->get(0), 5 + 7 * (0.3 - 38.0 / 127), 1e-5);
    const Graph last = corrected("(f32[1,3,2] x_nhwc) => (f32[1,1] y) { p = Flatten(x_nhwc) y = Gemm(p, f32[6,1]{1, 0.3, 1, 1, 1, 1}, f32[1]{5}) }", {{"x", {7, 100}}, {"p", {0, 0, 0, 0, 0, 0}}},
                                 {{"x", 0.1f}, {"p", 0.1f}});
    EXPECT_NEAR(last.constant(last.nodes("Gemm")[0], 2)->get(0), 5 + 100 * (0.3 - 38.0 / 127), 1e-5);
}

TEST(BiasCorrection, AnotherTensorsMeansAreNotTakenForItsName) {
    const Graph g = corrected("(f32[1,2,3] x_1) => (f32[1,1,3] y) { y = Conv(x_1, f32[1,2,1]{1, 0.3}, f32[1]{5}) }", {{"x", {7, 100}}}, {{"x", 0.1f}, {"x_1", 0.1f}});
    EXPECT_EQ(g.constant(g.nodes("Conv")[0], 2)->get(0), 5);
}

TEST(BiasCorrection, GemmsWeightsMayBeTransposed) {
    const Graph g = corrected("(f32[1,2] x) => (f32[1,1] y) { y = Gemm<transB = 1>(x, f32[1,2]{1, 0.3}, f32[1]{5}) }", {{"x", {7, 100}}});
    EXPECT_NEAR(g.constant(g.nodes("Gemm")[0], 2)->get(0), 5 + 100 * (0.3 - 38.0 / 127), 1e-5);
}

TEST(BiasCorrection, NothingChangesWithoutMeansThatFit) {
    for (const ChannelMeansByTensor& means : {ChannelMeansByTensor{}, {{"x", {1, 2, 3}}}, {{"z", {1, 2}}}, {{"x", {1, std::numeric_limits<float>::infinity()}}}}) {
        const Graph g = corrected("(f32[1,2,3] x) => (f32[1,1,3] y) { y = Conv(x, f32[1,2,1]{1, 0.3}, f32[1]{5}) }", means);
        EXPECT_EQ(g.constant(g.nodes("Conv")[0], 2)->get(0), 5);
    }
}

}  // namespace
}  // namespace tercet
