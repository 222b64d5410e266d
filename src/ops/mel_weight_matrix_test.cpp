// SPDX-License-Identifier: Apache-2.0
#include "graph/text.h"
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(MelWeightMatrix, HasATrianglePerBand) {
    // Limits 0 and 2840 Hz are 0 and 1821 mel; the points between lie at 0, 348.6, 878, 1682 Hz, bins 0, 1, 3, 6 of 17/4 per kHz.
    expect_values("() => (f32[9,2] y) { y = MelWeightMatrix(i64{2}, i64{16}, i64{4000}, f32{0}, f32{2840}) }", {},
                  {"f32[9,2]{0,0,1,0,0.5,0.5,0,1,0,0.75,0,0.5,0,0.25,0,0,0,0}"});
}

TEST(MelWeightMatrix, LeavesOutRowsThatDoNotExist) {
    expect_values("() => (f64[2,1] y) { y = MelWeightMatrix<output_datatype = 11>(i64{1}, i32{2}, i64{100}, f32{0}, f32{8000}) }", {}, {"f64[2,1]{0,0.037037037037037035}"}, 1e-12);
    expect_values("() => (f32[2,0] y) { y = MelWeightMatrix(i64{0}, i64{2}, i64{100}, f32{0}, f32{8000}) }", {}, {"f32[2,0]{}"});
}

TEST(MelWeightMatrix, RefusesWhatDoesNotFit) {
    expect_infer_error("() => (f32[1] y) { y = MelWeightMatrix(i64{-1}, i64{2}, i64{100}, f32{0}, f32{8000}) }", "a matrix of 2 x -1");
    expect_infer_error("() => (f32[1] y) { y = MelWeightMatrix(f32{1}, i64{2}, i64{100}, f32{0}, f32{8000}) }", "input 0 is f32");
    expect_infer_error("() => (f32[1] y) { y = MelWeightMatrix(i64{1}, i64{2}, i64{100}, i64{0}, f32{8000}) }", "input 3 is i64");
    const Graph g = typed_graph("(i64[] rate, f32[] low) => (f32[2,1] y) { y = MelWeightMatrix(i64{1}, i64{2}, rate, low, f32{8000}) }");
    for (const auto& [rate, low] : {std::pair{"i64{0}", "f32{0}"}, {"i64{100}", "f32{-700}"}, {"i64{100}", "f32{nan}"}}) {
        const std::vector in{parse_tensor(rate), parse_tensor(low)};
        EXPECT_THROW(evaluate(g, in), Error) << rate << low;
    }
}

}  // namespace
}  // namespace tercet::testing
