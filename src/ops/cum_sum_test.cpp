// SPDX-License-Identifier: Apache-2.0
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(CumSum, AddsUp) {
    const char* x = "f32[2,3]{1,2,3,4,5,6}";
    expect_values("(f32[2,3] x) => (f32[2,3] y) { y = CumSum(x, i64{0}) }", {x}, {"f32[2,3]{1,2,3,5,7,9}"});
    expect_values("(f32[2,3] x) => (f32[2,3] y) { y = CumSum(x, i32{-1}) }", {x}, {"f32[2,3]{1,3,6,4,9,15}"});
    expect_values("(f32[2,3] x) => (f32[2,3] y) { y = CumSum<exclusive = 1>(x, i64{1}) }", {x}, {"f32[2,3]{0,1,3,0,4,9}"});
    expect_values("(f32[2,3] x) => (f32[2,3] y) { y = CumSum<reverse = 1>(x, i64[1]{1}) }", {x}, {"f32[2,3]{6,5,3,15,11,6}"});
    expect_values("(f32[2,3] x) => (f32[2,3] y) { y = CumSum<exclusive = 1, reverse = 1>(x, i64{1}) }", {x}, {"f32[2,3]{5,3,0,11,6,0}"});
    expect_values("(f32[2,3] x, i64[] a) => (f32[2,3] y) { y = CumSum(x, a) }", {x, "i64{0}"}, {"f32[2,3]{1,2,3,5,7,9}"});
    expect_values("(i32[2] x) => (i32[2] y) { y = CumSum(x, i64{0}) }", {"i32[2]{2147483647,1}"}, {"i32[2]{2147483647,-2147483648}"});
    expect_values("(f32[0,3] x) => (f32[0,3] y) { y = CumSum(x, i64{0}) }", {"f32[0,3]{}"}, {"f32[0,3]{}"});
    // 16777216 + 1 is not a float; the running sum is kept in double.
    expect_values("(f32[3] x) => (f32[3] y) { y = CumSum(x, i64{0}) }", {"f32[3]{16777216,1,1}"}, {"f32[3]{16777216,16777216,16777218}"}, 0);
}

TEST(CumSum, Refuses) {
    expect_infer_error("(f32[2] x) => (f32[2] y) { y = CumSum(x, i64{1}) }", "axis 1 of a value of rank 1");
    expect_infer_error("(bool[2] x) => (bool[2] y) { y = CumSum(x, i64{0}) }", "unsupported: CumSum of elements of type bool");
}

TEST(CumProd, Multiplies) {
    const char* x = "f32[2,3]{1,2,3,4,5,6}";
    expect_values("(f32[2,3] x) => (f32[2,3] y) { y = CumProd(x, i64{0}) }", {x}, {"f32[2,3]{1,2,3,4,10,18}"});
    expect_values("(f32[2,3] x) => (f32[2,3] y) { y = CumProd<exclusive = 1>(x, i32{-1}) }", {x}, {"f32[2,3]{1,1,2,1,4,20}"});
    expect_values("(f32[2,3] x) => (f32[2,3] y) { y = CumProd<reverse = 1>(x, i64{1}) }", {x}, {"f32[2,3]{6,6,3,120,30,6}"});
    expect_values("(i32[3] x) => (i32[3] y) { y = CumProd<exclusive = 1, reverse = 1>(x, i64{0}) }", {"i32[3]{7,65536,65536}"}, {"i32[3]{0,65536,1}"});
    expect_infer_error("(bool[2] x) => (bool[2] y) { y = CumProd(x, i64{0}) }", "unsupported: CumProd of elements of type bool");
}

}  // namespace
}  // namespace tercet::testing
