// SPDX-License-Identifier: Apache-2.0
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(LpNormalization, DividesByTheNorm) {
    expect_values("(f32[2,2] x) => (f32[2,2] y) { y = LpNormalization(x) }", {"f32[2,2]{3,-4,0,0}"}, {"f32[2,2]{0.6,-0.8,0,0}"});
    expect_values("(f32[2,2] x) => (f32[2,2] y) { y = LpNormalization<axis = 0, p = 1>(x) }", {"f32[2,2]{3,-4,-1,12}"}, {"f32[2,2]{0.75,-0.25,-0.25,0.75}"});
    typed_graph("(f16[N,8] x) => (f16[N,8] y) { y = LpNormalization(x) }");
    expect_infer_error("(f32[2] x) => (f32[2] y) { y = LpNormalization<p = 3>(x) }", "p is 3");
    expect_infer_error("(f32[2] x) => (f32[2] y) { y = LpNormalization<axis = 1>(x) }", "axis 1");
    expect_infer_error("(i32[2] x) => (f32[2] y) { y = LpNormalization(x) }", "i32");
}

TEST(MeanVarianceNormalization, NormalizesTheAxesTogether) {
    expect_values("(f32[2,1,1,2] x) => (f32[2,1,1,2] y) { y = MeanVarianceNormalization(x) }", {"f32[2,1,1,2]{1,3,3,1}"}, {"f32[2,1,1,2]{-1,1,1,-1}"});
    expect_values("(f32[2,2] x) => (f32[2,2] y) { y = MeanVarianceNormalization<axes = [-1]>(x) }", {"f32[2,2]{1,3,5,5}"}, {"f32[2,2]{-1,1,0,0}"});
    // In f32 the square of 3001 would lose the variance.
    expect_values("(f32[1,2] x) => (f32[1,2] y) { y = MeanVarianceNormalization<axes = [0, 1]>(x) }", {"f32[1,2]{30001,30003}"}, {"f32[1,2]{-1,1}"});
    typed_graph("(bf16[N,3,H,W] x) => (bf16[N,3,H,W] y) { y = MeanVarianceNormalization(x) }");
    expect_values("(f32[0,1,1,2] x) => (f32[0,1,1,2] y) { y = MeanVarianceNormalization(x) }", {"f32[0,1,1,2]{}"}, {"f32[0,1,1,2]{}"});
    expect_infer_error("(f32[2,2] x) => (f32[2,2] y) { y = MeanVarianceNormalization(x) }", "axis 2 of a value of rank 2");
}

}  // namespace
}  // namespace tercet::testing
