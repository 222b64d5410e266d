// SPDX-License-Identifier: Apache-2.0
#include "graph/text.h"
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(QuantizedConv, SumsBytesExactly) {
    expect_values("(i8[1,1,3] x) => (f32[1,2,2] y) { y = \"tercet\":QuantizedConv(x, i8[2,1,2]{1, -1, 127, -128}, i32[2]{1000000, -5}) }", {"i8[1,1,3]{-128, 127, 3}"},
                  {"f32[1,2,2]{999745, 1000124, -32517, 15740}"});
    // Padding stands for the zero point, so that it adds nothing.
    expect_values("(u8[1,1,2] x) => (f32[1,1,2] y) { y = \"tercet\":QuantizedConv<x_zero = 200, pads = [1, 0]>(x, i8[1,1,2]{3, -2}) }", {"u8[1,1,2]{0, 255}"}, {"f32[1,1,2]{400, -710}"});
    expect_values("(i8[1,2,2] x) => (f32[1,2,1] y) { y = \"tercet\":QuantizedConv<group = 1, layout = \"NHWC\">(x, i8[1,2,1]{1, 10}) }", {"i8[1,2,2]{1, 2, 3, 4}"}, {"f32[1,2,1]{21, 43}"});
}

TEST(QuantizedMatMul, SumsBytesExactly) {
    expect_values("(i8[2,2] a) => (f32[2,2] y) { y = \"tercet\":QuantizedMatMul(a, i8[2,2]{1, 2, 3, 4}, i32[2]{10, 20}) }", {"i8[2,2]{1, -1, 127, 127}"}, {"f32[2,2]{8, 18, 518, 782}"});
    expect_values("(u8[1,2] a) => (f32[1,2] y) { y = \"tercet\":QuantizedMatMul<transB = 1, x_zero = 1>(a, i8[2,2]{1, 2, 3, 4}) }", {"u8[1,2]{1, 11}"}, {"f32[1,2]{20, 40}"});
}

TEST(QuantizedProducts, RefuseWhatIsNoProductOfBytes) {
    expect_infer_error("(f32[1,1,3] x) => (f32[?] y) { y = \"tercet\":QuantizedConv(x, i8[1,1,1]{1}) }", "i8 or u8");
    expect_infer_error("(i8[1,1,3] x) => (f32[?] y) { y = \"tercet\":QuantizedConv(x, u8[1,1,1]{1}) }", "weights (input 1) are u8");
    expect_infer_error("(i8[1,1,3] x) => (f32[?] y) { y = \"tercet\":QuantizedConv(x, i8[1,1,1]{1}, f32[1]{1}) }", "the bias (input 2) is f32");
    expect_infer_error("(i8[1,1,3] x) => (f32[?] y) { y = \"tercet\":QuantizedConv<x_zero = 128>(x, i8[1,1,1]{1}) }", "'x_zero' is 128");
    expect_infer_error("(i8[1,40000] x) => (f32[?] y) { y = \"tercet\":QuantizedMatMul(x, random i8[40000,1]) }", "greater than 32 bits hold");
    expect_infer_error("(i8[1,2] x) => (f32[?] y) { y = \"tercet\":QuantizedMatMul(x, i8[2,3]{1, 2, 3, 4, 5, 6}, i32[2]{1, 2}) }", "the bias");
}

TEST(Stored, RoundsOnceHalfToEvenAndSaturates) {
    expect_values("(f32[7] x) => (i8[7] y) { y = \"tercet\":Pointwise<expr = \"mul(x0, 0.5)\", stored = \"i8\">(x) }", {"f32[7]{1, 3, 5, -1, -3, 1e9, nan}"}, {"i8[7]{0, 2, 2, 0, -2, 127, 0}"});
    expect_values("(f32[5] x) => (u8[5] y) { y = \"tercet\":Pointwise<expr = \"x0\", stored = \"u8\", stored_zero = 100>(x) }", {"f32[5]{0.5, 1.5, -1000, inf, nan}"}, {"u8[5]{100, 102, 0, 255, 100}"});
    expect_values("(f32[2] x) => (f16[2] y) { y = \"tercet\":Pointwise<expr = \"x0\", stored = \"f16\">(x) }", {"f32[2]{1.0004, 70000}"}, {"f16[2]{1, inf}"});
    expect_values("(f32[1] x) => (bf16[1] y) { y = \"tercet\":Pointwise<expr = \"x0\", stored = \"bf16\">(x) }", {"f32[1]{1.01}"}, {"bf16[1]{1.0078125}"});
}

TEST(Stored, ReadsWhatIsNarrowerAsTheNumbersThatItHolds) {
    expect_values("(i8[3] x, u8[3] z) => (f32[3] y) { y = \"tercet\":Pointwise<expr = \"add(mul(x0, 0.5), x1)\", stored = \"f32\">(x, z) }", {"i8[3]{-128, 1, 127}", "u8[3]{255, 0, 1}"}, {"f32[3]{191, 0.5, 64.5}"});
    expect_values("(f32[1,2] x) => (f32[1,1] y) { y = MatMul<stored = \"f32\">(x, f16[2,1]{0.1, 3}) }", {"f32[1,2]{1, 1}"}, {"f32[1,1]{3.0999756}"});
    expect_values("(f32[1,1,2] x) => (f32[1,1,2] y) { y = Conv<stored = \"f32\">(x, bf16[1,1,1]{1.5}) }", {"f32[1,1,2]{2, -1}"}, {"f32[1,1,2]{3, -1.5}"});
    // A tail, too, works on f32 and is rounded with its operator, once.
    expect_values("(i8[1,1,3] x, i8[1,1,3] r) => (i8[1,1,3] y) { y = \"tercet\":QuantizedConv<stored = \"i8\", tail = \"relu(add(mul(x0, 0.3), mul(x1, 0.5)))\">(x, i8[1,1,1]{2}, _, r) }",
                  {"i8[1,1,3]{1, -5, 100}", "i8[1,1,3]{1, 1, 127}"}, {"i8[1,1,3]{1, 0, 124}"});
    expect_values("(i8[1,1,4] x) => (i8[1,1,1] y) { y = GlobalAveragePool<stored = \"i8\", tail = \"mul(x0, 2)\">(x) }", {"i8[1,1,4]{1, 2, 3, 5}"}, {"i8[1,1,1]{6}"});
}

TEST(Stored, IsRefusedWhereItMeansNothing) {
    expect_infer_error("(f32[3] x) => (f32[?] y) { y = Relu<stored = \"i8\">(x) }", "unknown attribute 'stored'");
    expect_infer_error("(f32[3] x) => (f32[?] y) { y = \"tercet\":Pointwise<expr = \"x0\", stored = \"i64\">(x) }", "names no type");
    expect_infer_error("(f32[3] x) => (f32[?] y) { y = \"tercet\":Pointwise<expr = \"x0\", stored = \"i8\", stored_zero = 300>(x) }", "no zero point");
    expect_infer_error("(f64[1,2] x) => (f32[?] y) { y = MatMul<stored = \"f32\">(x, random[2,1]) }", "");
}

}  // namespace
}  // namespace tercet::testing
