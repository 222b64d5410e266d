// SPDX-License-Identifier: Apache-2.0
#include "graph/text.h"
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(ConvInteger, SumsDifferencesFromZeroPoints) {
    expect_values("(u8[1,1,3,3] x) => (i32[1,1,2,2] y) { y = ConvInteger(x, u8[1,1,2,2]{1,1,1,1}, u8{1}) }", {"u8[1,1,3,3]{2,3,4,5,6,7,8,9,10}"}, {"i32[1,1,2,2]{12,16,24,28}"});
    expect_values("(u8[1,1,2] x) => (i32[1,2,2] y) { y = ConvInteger(x, i8[2,1,1]{-128,127}, u8{255}, i8[2]{127,-128}) }", {"u8[1,1,2]{0,255}"}, {"i32[1,2,2]{65025,0,-65025,0}"});
    expect_values("(i8[1,2,1] x) => (i32[1,2,1] y) { y = ConvInteger<group = 2>(x, i8[2,1,1]{2,3}) }", {"i8[1,2,1]{5,-7}"}, {"i32[1,2,1]{10,-21}"});
}

TEST(ConvInteger, PadsWithTheZeroPoint) {
    expect_values("(u8[1,1,2] x) => (i32[1,1,4] y) { y = ConvInteger<pads = [1,1]>(x, u8[1,1,1]{2}, u8{3}) }", {"u8[1,1,2]{4,5}"}, {"i32[1,1,4]{0,2,4,0}"});
}

TEST(ConvInteger, Refuses) {
    expect_infer_error("(u8[1,1,2] x, f32[1,1,1] w) => (i32[1,1,2] y) { y = ConvInteger(x, w) }", "unsupported: input 1 is f32; it takes i8 or u8");
    expect_infer_error("(u8[1,1,2] x, u8[1,2,1] w) => (i32[1,1,2] y) { y = ConvInteger(x, w) }", "input has 1 channels, weights read 2");
    expect_infer_error("(u8[1,1,2] x, u8[1,1,1] w) => (i32[1,1,2] y) { y = ConvInteger(x, w, i8{0}) }", "input 2 is i8, input 0 is u8");
    expect_infer_error("(u8[1,1,2] x, u8[1,1,1] w) => (i32[1,1,2] y) { y = ConvInteger(x, w, u8[2]{0,0}) }", "the zero point of x (input 2) has the shape [2]; it must be a scalar");
    expect_infer_error("(u8[1,1,2] x, u8[2,1,1] w) => (i32[1,2,2] y) { y = ConvInteger(x, w, u8{0}, u8[3]{0,0,0}) }", "it must be a scalar or have 2 elements");
}

TEST(QLinearConv, RoundsOnceAndSaturates) {
    // sums: (x - 1) * w = {2, 6, -2, 250}; times 0.5 * 0.5 / 1 = {0.5, 1.5, -0.5, 62.5}: halves go to even before the zero point is added
    expect_values("(u8[1,1,4] x) => (u8[1,1,4] y) { y = QLinearConv(x, f32{0.5}, u8{1}, i8[1,1,1]{2}, f32{0.5}, i8{0}, f32{1}, u8{1}) }", {"u8[1,1,4]{2,4,0,126}"}, {"u8[1,1,4]{1,3,1,63}"});
    expect_values("(u8[1,1,2] x) => (i8[1,1,2] y) { y = QLinearConv(x, f32{1}, u8{128}, u8[1,1,1]{255}, f32{1}, u8{0}, f32{1}, i8{0}) }", {"u8[1,1,2]{0,255}"}, {"i8[1,1,2]{-128,127}"});
}

TEST(QLinearConv, HasAScalePerChannelAndABias) {
    expect_values("(u8[1,1,1] x) => (u8[1,2,1] y) { y = QLinearConv(x, f32{1}, u8{0}, u8[2,1,1]{3,3}, f32[2]{1,2}, u8[2]{1,2}, f32[1]{1}, u8{0}, i32[2]{10,-1}) }", {"u8[1,1,1]{5}"},
                  {"u8[1,2,1]{20,8}"});
    expect_infer_error("(u8[1,1,1] x) => (u8[1,2,1] y) { y = QLinearConv(x, f32{1}, u8{0}, u8[2,1,1]{3,3}, f32[3]{1,2,3}, u8[2]{1,2}, f32{1}, u8{0}) }", "the scale of w (input 4) has the shape [3]");
    expect_infer_error("(u8[1,1,1] x) => (u8[1,2,1] y) { y = QLinearConv(x, f32{1}, u8{0}, u8[2,1,1]{3,3}, f32{1}, u8{1}, f32{1}, u8{0}, f32[2]{1,2}) }", "the bias (input 8) is f32; it must be i32");
}

TEST(QLinearConv, OfShapesThatDoNotFitAtRunIsAnError) {
    const Graph g = typed_graph("(u8[1,1,1] x, u8[Z] z) => (u8[1,1,1] y) { y = QLinearConv(x, f32{1}, z, u8[1,1,1]{3}, f32{1}, u8{0}, f32{1}, u8{0}) }");
    EXPECT_EQ(evaluate(g, std::vector{parse_tensor("u8[1,1,1]{5}"), parse_tensor("u8[1]{1}")})[0], parse_tensor("u8[1,1,1]{12}"));
    EXPECT_THROW(evaluate(g, std::vector{parse_tensor("u8[1,1,1]{5}"), parse_tensor("u8[0]{}")}), Error);
}

}  // namespace
}  // namespace tercet::testing
