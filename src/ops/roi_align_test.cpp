// SPDX-License-Identifier: Apache-2.0
#include "graph/text.h"
#include "ops/testing.h"
#include "ops/upgrade_testing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

const std::string image = "f32[1,1,3,3]{1,2,3,4,5,6,7,8,9}";

TEST(RoiAlign, SamplesTheBins) {
    // One sample in the middle of each bin: rows and columns 0.5 and 1.5 of a box from 0 to 2.
    expect_values("(f32[1,1,3,3] x, f32[1,4] r, i64[1] b) => (f32[1,1,2,2] y) { y = RoiAlign<coordinate_transformation_mode = \"output_half_pixel\", output_height = 2, output_width = 2>(x, r, b) }",
                  {image, "f32[1,4]{0,0,2,2}", "i64[1]{0}"}, {"f32[1,1,2,2]{3,4,6,7}"});
    // Half a pixel less, the same as pixel centres.
    expect_values("(f32[1,1,3,3] x, f32[1,4] r, i64[1] b) => (f32[1,1,2,2] y) { y = RoiAlign<output_height = 2, output_width = 2, spatial_scale = 0.5>(x, r, b) }",
                  {image, "f32[1,4]{1,1,5,5}", "i64[1]{0}"}, {"f32[1,1,2,2]{3,4,6,7}"});
    expect_values("(f32[1,1,3,3] x, f32[1,4] r, i64[1] b) => (f32[1,1,1,1] y) { y = RoiAlign<sampling_ratio = 2>(x, r, b) }",
                  {image, "f32[1,4]{0.5,0.5,2.5,2.5}", "i64[1]{0}"}, {"f32[1,1,1,1]{5}"});
}

TEST(RoiAlign, TakesTheGreatestWeightedNeighbour) {
    expect_values("(f32[1,1,3,3] x, f32[1,4] r, i64[1] b) => (f32[1,1,1,1] y) { y = RoiAlign<mode = \"max\", sampling_ratio = 1>(x, r, b) }",
                  {image, "f32[1,4]{1,1,2,2}", "i64[1]{0}"}, {"f32[1,1,1,1]{5}"});
    expect_values("(f32[1,1,3,3] x, f32[1,4] r, i64[1] b) => (f32[1,1,1,1] y) { y = RoiAlign<mode = \"max\", sampling_ratio = 1>(x, r, b) }",
                  {image, "f32[1,4]{1.5,1.5,2.5,2.5}", "i64[1]{0}"}, {"f32[1,1,1,1]{2.25}"});
}

TEST(RoiAlign, CountsWhatLiesOutsideAsZero) {
    // Of the 10 x 10 samples at 0.5 - 0.5, 1.5 - 0.5, .. 3 x 3 hit a pixel, and one row and column more the edge.
    expect_values("(f32[1,1,3,3] x, f32[1,4] r, i64[1] b) => (f32[1,1,1,1] y) { y = RoiAlign(x, r, b) }",
                  {"f32[1,1,3,3]{1,1,1,1,1,1,1,1,1}", "f32[1,4]{0,0,10,10}", "i64[1]{0}"}, {"f32[1,1,1,1]{0.16}"});
    expect_values("(f32[1,1,3,3] x, f32[2,4] r, i64[2] b) => (f32[2,1,1,1] y) { y = RoiAlign(x, r, b) }",
                  {image, "f32[2,4]{0,0,1e30,1e30,2,2,1,1}", "i64[2]{0,0}"}, {"f32[2,1,1,1]{0,0}"});
    expect_values("(f32[1,1,0,3] x, f32[1,4] r, i64[1] b) => (f32[1,1,1,1] y) { y = RoiAlign(x, r, b) }", {"f32[1,1,0,3]{}", "f32[1,4]{0,0,1,1}", "i64[1]{0}"}, {"f32[1,1,1,1]{0}"});
}

TEST(RoiAlign, CoordinatesHadNoNameBefore) {
    const Graph g = upgraded("(f32[1,1,3,3] x, f32[1,4] r, i64[1] b) => (f32[1,1,1,1] y) { y = RoiAlign<sampling_ratio = 1>(x, r, b) }", 10);
    const std::vector in{parse_tensor(image), parse_tensor("f32[1,4]{1,1,1,1}"), parse_tensor("i64[1]{0}")};
    expect_close(evaluate(g, in)[0], parse_tensor("f32[1,1,1,1]{7}"), 1e-6, "y");  // a box of 1 x 1 around 1.5
}

TEST(RoiAlign, RefusesWhatDoesNotFit) {
    struct { const char *text, *part; } cases[] = {
        {"(f32[1,1,3,3] x, f32[1,5] r, i64[1] b) => (f32[1] y) { y = RoiAlign(x, r, b) }", "the boxes (input 1) have the shape [1,5]"},
        {"(f32[1,1,3,3] x, f32[1,4] r, i64[2] b) => (f32[1] y) { y = RoiAlign(x, r, b) }", "batch_indices (input 2) has the shape [2] instead of [1]"},
        {"(f32[1,1,3,3] x, f32[1,4] r, f32[1] b) => (f32[1] y) { y = RoiAlign(x, r, b) }", "is of type f32"},
        {"(f32[1,3,3] x, f32[1,4] r, i64[1] b) => (f32[1] y) { y = RoiAlign(x, r, b) }", "it must have 4 axes"},
        {"(f32[1,1,3,3] x, f32[1,4] r, i64[1] b) => (f32[1] y) { y = RoiAlign<output_height = 0>(x, r, b) }", "0 x 1 bins"},
        {R"((f32[1,1,3,3] x, f32[1,4] r, i64[1] b) => (f32[1] y) { y = RoiAlign<mode = "sum">(x, r, b) })", "unknown mode 'sum'"},
        {R"((f32[1,1,3,3] x, f32[1,4] r, i64[1] b) => (f32[1] y) { y = RoiAlign<coordinate_transformation_mode = "asymmetric">(x, r, b) })", "unknown coordinate_transformation_mode"},
    };
    for (const auto& c : cases) expect_infer_error(c.text, c.part);
    const Graph g = typed_graph("(f32[N,C,H,W] x, f32[R,4] r, i64[R] b) => (f32[R,C,1,1] y) { y = RoiAlign(x, r, b) }");
    for (const auto& [boxes, index] : {std::pair{"f32[1,4]{0,0,1,1}", "i64[1]{1}"}, {"f32[1,4]{0,0,1,1}", "i64[1]{-1}"}, {"f32[1,4]{0,0,1,nan}", "i64[1]{0}"}}) {
        const std::vector in{parse_tensor(image), parse_tensor(boxes), parse_tensor(index)};
        EXPECT_THROW(evaluate(g, in), Error) << boxes << index;
    }
}

TEST(MaxRoiPool, TakesTheGreatestElementOfABin) {
    // Rounded corners 0 and 2, both included: bins of 1.5 touch columns 0, 1 and 1, 2.
    expect_values("(f32[1,1,3,3] x, f32[1,5] r) => (f32[1,1,1,2] y) { y = MaxRoiPool<pooled_shape = [1, 2]>(x, r) }", {image, "f32[1,5]{0,0.4,0,1.6,1}"}, {"f32[1,1,1,2]{5,6}"});
    expect_values("(f32[1,1,3,3] x, f32[2,5] r) => (f32[2,1,1,1] y) { y = MaxRoiPool<pooled_shape = [1, 1], spatial_scale = 0.5>(x, r) }", {image, "f32[2,5]{0,20,20,30,30,0,2,2,0,0}"}, {"f32[2,1,1,1]{0,5}"});
}

TEST(MaxRoiPool, RefusesWhatDoesNotFit) {
    expect_infer_error("(f32[1,1,3,3] x, f32[1,4] r) => (f32[1] y) { y = MaxRoiPool<pooled_shape = [1, 1]>(x, r) }", "it must be [boxes, 5]");
    expect_infer_error("(f32[1,1,3,3] x, f32[1,5] r) => (f32[1] y) { y = MaxRoiPool<pooled_shape = [1]>(x, r) }", "'pooled_shape' is [1]");
    const Graph g = typed_graph("(f32[1,1,3,3] x, f32[1,5] r) => (f32[1,1,1,1] y) { y = MaxRoiPool<pooled_shape = [1, 1]>(x, r) }");
    for (const char* boxes : {"f32[1,5]{1,0,0,1,1}", "f32[1,5]{nan,0,0,1,1}", "f32[1,5]{0,0,0,1,inf}"}) {
        const std::vector in{parse_tensor(image), parse_tensor(boxes)};
        EXPECT_THROW(evaluate(g, in), Error) << boxes;
    }
}

}  // namespace
}  // namespace tercet::testing
