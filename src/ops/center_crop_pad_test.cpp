// SPDX-License-Identifier: Apache-2.0
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(CenterCropPad, CutsAndPadsAroundTheCentre) {
    expect_values("(f32[5] x) => (f32[2] y) { y = CenterCropPad(x, i64[1]{2}) }", {"f32[5]{1,2,3,4,5}"}, {"f32[2]{2,3}"});
    expect_values("(f32[2] x) => (f32[5] y) { y = CenterCropPad(x, i32[1]{5}) }", {"f32[2]{1,2}"}, {"f32[5]{0,1,2,0,0}"});
    expect_values("(u8[2,3] x) => (u8[4,1] y) { y = CenterCropPad(x, i64[2]{4,1}) }", {"u8[2,3]{1,2,3,4,5,6}"}, {"u8[4,1]{0,2,5,0}"});
    expect_values("(bool[2,3] x) => (bool[2,2] y) { y = CenterCropPad<axes = [-1]>(x, i64[1]{2}) }", {"bool[2,3]{1,0,1,0,1,0}"}, {"bool[2,2]{1,0,0,1}"});
}

TEST(CenterCropPad, OfNothing) {
    expect_values("(f32[0] x) => (f32[2] y) { y = CenterCropPad(x, i64[1]{2}) }", {"f32[0]{}"}, {"f32[2]{0,0}"});
    expect_values("(f32[2] x) => (f32[0] y) { y = CenterCropPad(x, i64[1]{0}) }", {"f32[2]{1,2}"}, {"f32[0]{}"});
    typed_graph("(f32[N,3,H] x, f32[A,B] z) => (f32[N,B,H] y) { s = Shape<start = 1>(z) y = CenterCropPad<axes = [1]>(x, s) }");
}

TEST(CenterCropPad, RefusesWhatDoesNotFit) {
    expect_infer_error("(f32[2,3] x) => (f32[1] y) { y = CenterCropPad(x, i64[1]{2}) }", "a shape of 1 extents for 2 axes");
    expect_infer_error("(f32[2,3] x) => (f32[1] y) { y = CenterCropPad<axes = [1, -1]>(x, i64[2]{2,2}) }", "axis 1 stands twice");
    expect_infer_error("(f32[2,3] x) => (f32[1] y) { y = CenterCropPad<axes = [2]>(x, i64[1]{2}) }", "axis 2 of a value of rank 2");
    expect_infer_error("(f32[2] x) => (f32[1] y) { y = CenterCropPad(x, i64[1]{-1}) }", "would have the shape [-1]");
}

}  // namespace
}  // namespace tercet::testing
