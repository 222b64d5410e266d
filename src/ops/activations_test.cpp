// SPDX-License-Identifier: Apache-2.0
#include "graph/text.h"
#include "ops/testing.h"
#include "ops/upgrade_testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(Clip, KeepsValuesBetweenItsLimits) {
    expect_values("(f32[4] x) => (f32[4] y) { y = Clip(x, f32{-1}, f32{6}) }", {"f32[4]{-3, 0.5, 7, nan}"}, {"f32[4]{-1, 0.5, 6, nan}"});
    expect_values("(f32[3] x) => (f32[3] y) { y = Clip(x, _, f32{6}) }", {"f32[3]{-inf, 0.5, inf}"}, {"f32[3]{-inf, 0.5, 6}"});
    expect_values("(f32[3] x) => (f32[3] y) { y = Clip(x) }", {"f32[3]{-inf, 0.5, inf}"}, {"f32[3]{-inf, 0.5, inf}"});
    expect_values("(f32[2] x) => (f32[2] y) { y = Clip(x, f32{2}, f32{1}) }", {"f32[2]{0, 3}"}, {"f32[2]{1, 1}"});  // as numpy has it
    expect_values("(f32[2] x, f32 lo, f32[1] hi) => (f32[2] y) { y = Clip(x, lo, hi) }", {"f32[2]{0, 3}", "f32{1}", "f32[1]{2}"}, {"f32[2]{1, 2}"});
    expect_values("(i64[2] x) => (i64[2] y) { y = Clip(x, i64{9007199254740993}) }", {"i64[2]{5, 9007199254740995}"},
                  {"i64[2]{9007199254740993, 9007199254740995}"});
    expect_values("(u64[2] x) => (u64[2] y) { y = Clip(x, _, u64{18446744073709551614}) }", {"u64[2]{5, 18446744073709551615}"},
                  {"u64[2]{5, 18446744073709551614}"});
    expect_values("(i8[3] x) => (i8[3] y) { y = Clip(x, i8{-5}, i8{5}) }", {"i8[3]{-128, 3, 127}"}, {"i8[3]{-5, 3, 5}"});
    typed_graph("(f32[N,3,H] x) => (f32[N,3,H] y) { y = Clip(x, f32{0}) }");
}

TEST(Clip, RefusesLimitsThatAreNoScalarsOfItsType) {
    expect_infer_error("(f32[2] x) => (f32[2] y) { y = Clip(x, f32[2]{0, 1}) }", "a limit of type f32[2]");
    expect_infer_error("(f32[2] x) => (f32[2] y) { y = Clip(x, i32{0}) }", "a limit of type i32");
    expect_infer_error("(f32[2] x) => (f32[2] y) { y = Clip<min = 0.0>(x) }", "attribute 'min' is an input");
}

TEST(Clip, OfOperatorSet6GetsItsLimitsAsInputs) {
    EXPECT_EQ(print_text(upgraded("(f16[2] x) => (f16[2] y) { y = Clip<max = 6.0>(x) }", 10)),
              print_text(typed_graph("(f16[2] x) => (f16[2] y) { y = Clip(x, _, f16{6}) }")));
}

TEST(Gelu, IsExactOrByTanh) {
    expect_values("(f32[4] x) => (f32[4] y) { y = Gelu(x) }", {"f32[4]{0, 1, -1, 3}"}, {"f32[4]{0, 0.84134475, -0.15865525, 2.99595031}"});
    expect_values("(f32[4] x) => (f32[4] y) { y = Gelu<approximate = \"tanh\">(x) }", {"f32[4]{0, 1, -1, 3}"},
                  {"f32[4]{0, 0.84119199, -0.15880801, 2.99636261}"});
    expect_infer_error("(f32[2] x) => (f32[2] y) { y = Gelu<approximate = \"sigmoid\">(x) }", "approximate is 'sigmoid'");
    expect_infer_error("(i32[2] x) => (i32[2] y) { y = Gelu(x) }", "unsupported: Gelu of i32");
}

TEST(Swish, IsXTimesItsSigmoid) {
    expect_values("(f32[3] x) => (f32[3] y) { y = Swish(x) }", {"f32[3]{0, 1, -1}"}, {"f32[3]{0, 0.73105858, -0.26894142}"});
    expect_values("(f32[2] x) => (f32[2] y) { y = Swish<alpha = 2.0>(x) }", {"f32[2]{1, -1}"}, {"f32[2]{0.88079708, -0.11920292}"});
}

TEST(SwiGLU, GatesOneInputByTheOther) {
    expect_values("(f32[2] a, f32[2] b) => (f32[2] y) { y = SwiGLU(a, b) }", {"f32[2]{1, -1}", "f32[2]{2, -3}"}, {"f32[2]{1.46211716, 0.80682426}"});
    expect_values("(f32[N] a, f32[2] b) => (f32[2] y) { y = SwiGLU<alpha = 2.0>(a, b) }", {"f32[2]{1, -1}", "f32[2]{1, 1}"}, {"f32[2]{0.88079708, -0.11920292}"});
    expect_infer_error("(f32[2] a, f32[1] b) => (f32[2] y) { y = SwiGLU(a, b) }", "has the shape [1] instead of [2]");
    expect_infer_error("(f32[2] a, f16[2] b) => (f32[2] y) { y = SwiGLU(a, b) }", "f16");
    expect_infer_error("(i32[2] a, i32[2] b) => (f32[2] y) { y = SwiGLU(a, b) }", "i32");
}

TEST(Shrink, MovesTowardsZero) {
    expect_values("(f32[6] x) => (f32[6] y) { y = Shrink<lambd = 1.5, bias = 1.0>(x) }", {"f32[6]{-2, -1.5, 0, 1.5, 2, nan}"}, {"f32[6]{-1, 0, 0, 0, 1, 0}"});
    expect_values("(f32[3] x) => (f32[3] y) { y = Shrink(x) }", {"f32[3]{-0.6, 0.5, inf}"}, {"f32[3]{-0.6, 0, inf}"});
    expect_values("(i64[2] x) => (i64[2] y) { y = Shrink(x) }", {"i64[2]{9007199254740993, 0}"}, {"i64[2]{9007199254740993, 0}"});
    expect_values("(u8[3] x) => (u8[3] y) { y = Shrink<bias = 3.0>(x) }", {"u8[3]{0, 1, 5}"}, {"u8[3]{0, 0, 2}"});
    expect_infer_error("(bool[2] x) => (bool[2] y) { y = Shrink(x) }", "bool");
}

}  // namespace
}  // namespace tercet::testing
