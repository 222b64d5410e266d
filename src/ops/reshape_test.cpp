// SPDX-License-Identifier: Apache-2.0
#include "ops/testing.h"
#include "ops/upgrade_testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(Reshape, KeepsTheOrder) {
    expect_values("(f32[2,3] x) => (f32[3,2] y) { y = Reshape(x, i64[2]{3, 2}) }", {"f32[2,3]{1,2,3,4,5,6}"}, {"f32[3,2]{1,2,3,4,5,6}"});
    expect_values("(bool[2,3] x) => (bool[6] y) { y = Reshape(x, i64[1]{-1}) }", {"bool[2,3]{1,0,0,1,1,0}"}, {"bool[6]{1,0,0,1,1,0}"});
    expect_values("(f64[1] x) => (f64[] y) { y = Reshape(x, i64[0]{}) }", {"f64[1]{7}"}, {"f64{7}"});
    expect_values("(f32[0,3] x) => (f32[0,3,1] y) { y = Reshape(x, i64[3]{0, -1, 1}) }", {"f32[0,3]{}"}, {"f32[0,3,1]{}"});
    expect_values("(f32[3,0] x) => (f32[0,7] y) { y = Reshape<allowzero = 1>(x, i64[2]{0, 7}) }", {"f32[3,0]{}"}, {"f32[0,7]{}"});
    expect_values("(f16[2,1,2] x) => (f16[2,2,1] y) { y = Reshape(x, i32[3]{0, 2, -1}) }", {"f16[2,1,2]{1,2,3,4}"}, {"f16[2,2,1]{1,2,3,4}"});
}

TEST(Reshape, SolvesForTheOpenExtent) {
    typed_graph("(f32[N,49,64] x) => (f32[N,3136] y) { y = Reshape(x, i64[2]{0, -1}) }");
    typed_graph("(f32[N,49,64] x) => (f32[49*N,64] y) { y = Reshape(x, i64[2]{-1, 64}) }");
    typed_graph("(f32[N,64,H,W] x) => (f32[N,8,8,H*W] y) { y = Reshape(x, i64[4]{0, 8, 8, -1}) }");
    typed_graph("(f32[N,6] x) => (f32[2,3*N] y) { y = Reshape(x, i64[2]{2, -1}) }");
    typed_graph("(f32[N,7] x) => (f32[2,floor((7*N)/(2))] y) { y = Reshape(x, i64[2]{2, -1}) }");
    typed_graph("(f32[N,6] x) => (f32[1,6] y) { y = Reshape(x, i64[2]{1, 6}) }");
}

TEST(Reshape, Refuses) {
    expect_infer_error("(f32[2,3] x) => (f32[6] y) { y = Reshape(x, i64[1]{5}) }", "[2,3] cannot be reshaped to [5]");
    expect_infer_error("(f32[2,3] x) => (f32[6] y) { y = Reshape(x, i64[2]{4, -1}) }", "[2,3] cannot be reshaped to [4,-1]");
    expect_infer_error("(f32[2,3] x) => (f32[6] y) { y = Reshape(x, i64[2]{-1, -1}) }", "several -1");
    expect_infer_error("(f32[2,3] x) => (f32[6] y) { y = Reshape(x, i64[2]{-2, 3}) }", "extent -2");
    expect_infer_error("(f32[6] x) => (f32[6] y) { y = Reshape(x, i64[2]{6, 0}) }", "0 in the target shape [6,0] at axis 1");
    expect_infer_error("(f32[0,6] x) => (f32[6] y) { y = Reshape<allowzero = 1>(x, i64[2]{0, -1}) }", "-1 beside an extent of 0");
    expect_infer_error("(f32[2,3] x) => (f32[0,6] y) { y = Reshape<allowzero = 1>(x, i64[2]{0, 6}) }", "cannot be reshaped");
    expect_infer_error("(f32[2,3] x, i64[n] s) => (f32[6] y) { y = Reshape(x, s) }", "the target shape (input 1) is computed while the model runs");
    expect_infer_error("(f32[2,3] x, f32[2] s) => (f32[6] y) { y = Reshape(x, s) }", "is of type f32");
    expect_infer_error("(f32[1] x) => (f32[1] y) { y = Reshape(x, i64[9]{1,1,1,1,1,1,1,1,1}) }", "rank 9");
    expect_infer_error("(f32[2,3] x) => (f32[6] y) { y = Reshape(x, i64[3]{4294967296, 4294967296, 4294967296}) }", "64 bits");
}

TEST(Reshape, OfOperatorSet1HasItsShapeInAnAttribute) {
    const Graph g = upgraded("(f32[2,3] x) => (f32[3,2] y) { y = Reshape<shape = [3, -1]>(x) }", 1);
    EXPECT_EQ(text_of(g.value(g.outputs()[0].value).type), "f32[3,2]");
}

TEST(Squeeze, LeavesOutAxes) {
    expect_values("(f32[1,3,1] x) => (f32[3] y) { y = Squeeze(x) }", {"f32[1,3,1]{1,2,3}"}, {"f32[3]{1,2,3}"});
    expect_values("(f32[1,3,1] x) => (f32[1,3] y) { y = Squeeze(x, i64[1]{-1}) }", {"f32[1,3,1]{1,2,3}"}, {"f32[1,3]{1,2,3}"});
    expect_values("(bool[1,0,1] x) => (bool[0] y) { y = Squeeze(x, i64[2]{2, 0}) }", {"bool[1,0,1]{}"}, {"bool[0]{}"});
    typed_graph("(f32[N,64,1,1] x) => (f32[N,64] y) { y = Squeeze(x, i64[2]{2, -1}) }");
}

TEST(Squeeze, Refuses) {
    expect_infer_error("(f32[1,3] x) => (f32[3] y) { y = Squeeze(x, i64[1]{1}) }", "axis 1 of [1,3] is not 1");
    expect_infer_error("(f32[N,3] x) => (f32[3] y) { y = Squeeze(x, i64[1]{0}) }", "fix that size of the model's input");
    expect_infer_error("(f32[N,3] x) => (f32[3] y) { y = Squeeze(x) }", "depends on N");
    expect_infer_error("(f32[1,3] x) => (f32[3] y) { y = Squeeze(x, i64[1]{2}) }", "axis 2 of a value of rank 2");
    expect_infer_error("(f32[1,1] x) => (f32[1] y) { y = Squeeze(x, i64[2]{0, -2}) }", "stands twice");
    expect_infer_error("(f32[1,3] x, i64[n] a) => (f32[3] y) { y = Squeeze(x, a) }", "the axes (input 1) is computed while the model runs");
    expect_infer_error("(f32[1,3] x) => (f32[3] y) { y = Squeeze<axes = [0]>(x) }", "attribute 'axes' is an input");
}

TEST(Unsqueeze, AddsAxesOfTheOutput) {
    expect_values("(f32[2] x) => (f32[1,2,1] y) { y = Unsqueeze(x, i64[2]{0, -1}) }", {"f32[2]{1,2}"}, {"f32[1,2,1]{1,2}"});
    expect_values("(i8[] x) => (i8[1] y) { y = Unsqueeze(x, i64[1]{0}) }", {"i8{-3}"}, {"i8[1]{-3}"});
    typed_graph("(f32[N,H] x) => (f32[N,1,1,H] y) { y = Unsqueeze(x, i64[2]{2, 1}) }");
}

TEST(Unsqueeze, Refuses) {
    expect_infer_error("(f32[2] x) => (f32[1,2,1] y) { y = Unsqueeze(x, i64[2]{0, -3}) }", "stands twice");
    expect_infer_error("(f32[2] x) => (f32[1,2,1] y) { y = Unsqueeze(x, i64[1]{2}) }", "axis 2 of a value of rank 2");
    expect_infer_error("(f32[2] x) => (f32[1,2,1] y) { y = Unsqueeze(x, i64[8]{0,1,2,3,4,5,6,7}) }", "rank 9");
    expect_infer_error("(f32[2] x) => (f32[1,2,1] y) { y = Unsqueeze(x) }", "has 1 inputs");
}

TEST(SqueezeAndUnsqueeze, HadTheirAxesInAnAttribute) {
    const Graph g = upgraded("(f32[1,N] x) => (f32[N,1] y) { s = Squeeze<axes = [0]>(x) y = Unsqueeze<axes = [1]>(s) }", 11);
    EXPECT_EQ(text_of(g.value(g.outputs()[0].value).type), "f32[N,1]");
    EXPECT_EQ(text_of(upgraded("(f32[1,1,3] x) => (f32[3] y) { y = Squeeze(x) }", 7).value(ValueId{1}).type), "f32[3]");
}

}  // namespace
}  // namespace tercet::testing
