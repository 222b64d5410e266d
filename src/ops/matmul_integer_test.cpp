// SPDX-License-Identifier: Apache-2.0
#include "graph/text.h"
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(MatMulInteger, SumsDifferencesFromZeroPoints) {
    expect_values("(u8[2,2] a, u8[2,2] b) => (i32[2,2] y) { y = MatMulInteger(a, b, u8{12}, u8{0}) }", {"u8[2,2]{11,7,10,6}", "u8[2,2]{1,4,2,5}"}, {"i32[2,2]{-11,-29,-14,-38}"});
    expect_values("(u8[2,1] a, i8[1,2] b) => (i32[2,2] y) { y = MatMulInteger(a, b, u8[2]{1,2}, i8[2]{0,-1}) }", {"u8[2,1]{3,3}", "i8[1,2]{5,6}"}, {"i32[2,2]{10,14,5,7}"});
    expect_values("(u8[2,1,2] a, u8[2,1] b) => (i32[2,1,1] y) { y = MatMulInteger(a, b, u8[2,1,1]{1,2}, u8[1,1]{0}) }", {"u8[2,1,2]{1,2,3,4}", "u8[2,1]{1,1}"}, {"i32[2,1,1]{1,3}"});
    expect_values("(u8[2] a, i8[2] b) => (i32[] y) { y = MatMulInteger(a, b) }", {"u8[2]{200,100}", "i8[2]{-128,127}"}, {"i32{-12900}"});
    typed_graph("(u8[N,7] a, i8[7,M] b, u8[N] z) => (i32[N,M] y) { y = MatMulInteger(a, b, z) }");
}

TEST(MatMulInteger, Refuses) {
    expect_infer_error("(u8[2,3] a, u8[2,3] b) => (i32[2,3] y) { y = MatMulInteger(a, b) }", "3 columns, 2 rows");
    expect_infer_error("(u8[2,3] a, u8[3,4] b) => (i32[2,4] y) { y = MatMulInteger(a, b, u8[3]{0,0,0}) }", "the zero point of a (input 2) has the shape [3] for [2,3]; give one number, or one per row");
    expect_infer_error("(u8[2,3] a, u8[3,4] b) => (i32[2,4] y) { y = MatMulInteger(a, b, u8{0}, u8[3,1]{0,0,0}) }", "give one number, or one per column");
    expect_infer_error("(i16[2,3] a, u8[3,4] b) => (i32[2,4] y) { y = MatMulInteger(a, b) }", "unsupported: input 0 is i16");
    const Graph g = typed_graph("(u8[N,3] a, u8[3,1] b, u8[Z] z) => (i32[N,1] y) { y = MatMulInteger(a, b, z) }");
    EXPECT_THROW(evaluate(g, std::vector{parse_tensor("u8[2,3]{1,1,1,1,1,1}"), parse_tensor("u8[3,1]{1,1,1}"), parse_tensor("u8[3]{1,2,3}")}), Error);
}

TEST(QLinearMatMul, ScalesPerRowAndColumn) {
    const char* per_tensor = "(u8[1,2] a, i8[2,1] b) => (u8[1,1] y) { y = QLinearMatMul(a, f32{0.5}, u8{1}, b, f32{0.5}, i8{0}, f32{1}, u8{3}) }";
    expect_values(per_tensor, {"u8[1,2]{3,4}", "i8[2,1]{2,2}"}, {"u8[1,1]{5}"});   // 10 * 0.25 = 2.5, to even
    expect_values(per_tensor, {"u8[1,2]{255,255}", "i8[2,1]{127,127}"}, {"u8[1,1]{255}"});
    expect_values("(u8[2,1] a, i8[1,2] b) => (i8[2,2] y) { y = QLinearMatMul(a, f32[2]{1,2}, u8[2]{0,1}, b, f32[2]{1,3}, i8[2]{0,0}, f32{2}, i8{0}) }", {"u8[2,1]{2,2}", "i8[1,2]{2,-2}"},
                  {"i8[2,2]{2,-6,2,-6}"});
    expect_values("(u8[1] a, u8[1] b) => (u8[] y) { y = QLinearMatMul(a, f16{1}, u8{0}, b, f16{1}, u8{0}, f16{1}, u8{0}) }", {"u8[1]{7}", "u8[1]{6}"}, {"u8{42}"});
    expect_infer_error("(u8[1,2] a, i8[2,1] b) => (u8[1,1] y) { y = QLinearMatMul(a, f32{0.5}, u8{1}, b, f32{0.5}, i8{0}, f32[2]{1,1}, u8{3}) }", "the scale of y (input 6) has the shape [2]");
}

}  // namespace
}  // namespace tercet::testing
