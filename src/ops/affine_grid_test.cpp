// SPDX-License-Identifier: Apache-2.0
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(AffineGrid, MapsThePositionsOfAnImage) {
    expect_values("(f32[1,2,3] t) => (f32[1,2,2,2] y) { y = AffineGrid(t, i64[4]{1,9,2,2}) }", {"f32[1,2,3]{1,0,0,0,1,0}"}, {"f32[1,2,2,2]{-0.5,-0.5,0.5,-0.5,-0.5,0.5,0.5,0.5}"});
    expect_values("(f32[1,2,3] t) => (f32[1,1,3,2] y) { y = AffineGrid<align_corners = 1>(t, i64[4]{1,9,1,3}) }", {"f32[1,2,3]{2,10,100,1,0,-1}"},
                  {"f32[1,1,3,2]{98,-2,100,-1,102,0}"});
}

TEST(AffineGrid, OfVolumes) {
    expect_values("(f64[2,3,4] t) => (f64[2,1,1,2,3] y) { y = AffineGrid<align_corners = 1>(t, i64[5]{2,9,1,1,2}) }",
                  {"f64[2,3,4]{1,0,0,0,0,1,0,0,0,0,1,0,3,0,0,1,0,0,0,2,0,0,0,3}"}, {"f64[2,1,1,2,3]{-1,0,0,1,0,0,-2,2,3,4,2,3}"}, 0);
    typed_graph("(f32[N,2,3] t, f32[N,C,H,W] x) => (f32[N,H,W,2] y) { s = Shape(x) y = AffineGrid(t, s) }");
}

TEST(AffineGrid, IsWhatGridSampleReads) {
    for (const char* align : {"0", "1"}) {
        const std::string a = std::string("<align_corners = ") + align + ">";
        expect_values("(f32[1,1,2,3] x) => (f32[1,1,2,3] y) { g = AffineGrid" + a + "(f32[1,2,3]{-1,0,0,0,1,0}, i64[4]{1,1,2,3}) y = GridSample" + a + "(x, g) }",
                      {"f32[1,1,2,3]{1,2,3,4,5,6}"}, {"f32[1,1,2,3]{3,2,1,6,5,4}"});
    }
}

TEST(AffineGrid, RefusesWhatDoesNotFit) {
    expect_infer_error("(f32[1,2,3] t) => (f32[1] y) { y = AffineGrid(t, i64[3]{1,9,2}) }", "a size of 3 extents");
    expect_infer_error("(f32[1,2,3] t) => (f32[1] y) { y = AffineGrid(t, i64[5]{1,9,2,2,2}) }", "theta of shape [1,2,3]");
    expect_infer_error("(f32[1,2,3] t) => (f32[1] y) { y = AffineGrid(t, i64[4]{2,9,2,2}) }", "theta of shape [1,2,3]");
}

}  // namespace
}  // namespace tercet::testing
