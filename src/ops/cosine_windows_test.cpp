// SPDX-License-Identifier: Apache-2.0
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(CosineWindows, ArePeriodicOrSymmetric) {
    expect_values("(i64[] n) => (f32[?] y) { y = HannWindow(n) }", {"i64{4}"}, {"f32[4]{0,0.5,1,0.5}"});
    expect_values("(i64[] n) => (f32[?] y) { y = HannWindow<periodic = 0>(n) }", {"i64{5}"}, {"f32[5]{0,0.5,1,0.5,0}"});
    expect_values("() => (f64[4] y) { y = HammingWindow<output_datatype = 11>(i64{4}) }", {}, {"f64[4]{0.086956521739130432,0.54347826086956519,1,0.54347826086956519}"}, 1e-15);
    expect_values("() => (f32[4] y) { y = BlackmanWindow(i32{4}) }", {}, {"f32[4]{0,0.34,1,0.34}"});
    expect_values("() => (u8[3] y) { y = HannWindow<output_datatype = 2, periodic = 0>(i64{3}) }", {}, {"u8[3]{0,1,0}"});
}

TEST(CosineWindows, OfFewElements) {
    expect_values("() => (f32[1] y, f32[0] z) { y = HannWindow<periodic = 0>(i64{1}) z = HannWindow(i64{0}) }", {}, {"f32[1]{1}", "f32[0]{}"});
    expect_values("() => (f32[1] y) { y = HannWindow(i64[1]{1}) }", {}, {"f32[1]{0}"});
}

TEST(CosineWindows, FollowSymbols) {
    typed_graph("(f32[N] x) => (f32[N] y) { n = Shape(x) y = HannWindow(n) }");
}

TEST(CosineWindows, RefuseWhatDoesNotFit) {
    expect_infer_error("() => (f32[1] y) { y = HannWindow(i64{-1}) }", "the size is -1");
    expect_infer_error("() => (f32[1] y) { y = HannWindow(f32{1}) }", "is of type f32");
    expect_infer_error("() => (f32[1] y) { y = HannWindow<output_datatype = 9>(i64{1}) }", "output_datatype is 9");
    expect_infer_error("() => (f32[1] y) { y = HannWindow(i64[2]{1,2}) }", "has 2 elements");
}

}  // namespace
}  // namespace tercet::testing
