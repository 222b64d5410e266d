// SPDX-License-Identifier: Apache-2.0
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(OneHot, PutsOnWhereTheIndexIs) {
    expect_values("(i64[3] i) => (f32[3,3] y) { y = OneHot(i, i64{3}, f32[2]{2, 5}) }", {"i64[3]{0,-1,3}"}, {"f32[3,3]{5,2,2,2,2,5,2,2,2}"});
    expect_values("(i32[2,2] i) => (i8[2,2,2] y) { y = OneHot<axis = 1>(i, i64[1]{2}, i8[2]{0, 1}) }", {"i32[2,2]{0,1,1,-3}"}, {"i8[2,2,2]{1,0,0,1,0,0,1,0}"});
    expect_values("(f32[2] i) => (bool[3,2] y) { y = OneHot<axis = 0>(i, f32{3}, bool[2]{0, 1}) }", {"f32[2]{2,0}"}, {"bool[3,2]{0,1,0,0,1,0}"});
    expect_values("(u8[1] i) => (f32[1,2] y) { y = OneHot(i, i64{2}, f32[2]{0, 1}) }", {"u8[1]{255}"}, {"f32[1,2]{0,0}"});
    expect_values("(i64[] i) => (f32[2] y) { y = OneHot(i, i64{2}, f32[2]{0, 1}) }", {"i64{1}"}, {"f32[2]{0,1}"});
    expect_values("(i64[2] i) => (f32[2,0] y) { y = OneHot(i, i64{0}, f32[2]{0, 1}) }", {"i64[2]{0,1}"}, {"f32[2,0]{}"});
    typed_graph("(i64[N,L] i) => (f32[N,L,10] y) { y = OneHot(i, i64{10}, f32[2]{0, 1}) }");
}

TEST(OneHot, Refuses) {
    expect_infer_error("(i64[3] i) => (f32[3,3] y) { y = OneHot(i, i64{-3}, f32[2]{0, 1}) }", "the depth is -3");
    expect_infer_error("(i64[3] i) => (f32[3,3] y) { y = OneHot(i, i64{3}, f32[3]{0, 1, 2}) }", "the values (input 2) have the shape [3]");
    expect_infer_error("(i64[3] i) => (f32[3,3] y) { y = OneHot<axis = 2>(i, i64{3}, f32[2]{0, 1}) }", "axis 2 of a value of rank 2");
    expect_infer_error("(bool[3] i) => (f32[3,3] y) { y = OneHot(i, i64{3}, f32[2]{0, 1}) }", "the indices are of type bool");
}

}  // namespace
}  // namespace tercet::testing
