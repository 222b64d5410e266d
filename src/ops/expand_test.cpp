// SPDX-License-Identifier: Apache-2.0
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(Expand, BroadcastsBothWays) {
    expect_values("(f32[3,1] x) => (f32[3,2] y) { y = Expand(x, i64[2]{3, 2}) }", {"f32[3,1]{1,2,3}"}, {"f32[3,2]{1,1,2,2,3,3}"});
    expect_values("(bool[2] x) => (bool[3,2] y) { y = Expand(x, i64[2]{3, 1}) }", {"bool[2]{1,0}"}, {"bool[3,2]{1,0,1,0,1,0}"});
    expect_values("(f16[2,1,1] x) => (f16[2,1,2] y) { y = Expand(x, i64[1]{2}) }", {"f16[2,1,1]{1,2}"}, {"f16[2,1,2]{1,1,2,2}"});
    expect_values("(i64[] x) => (i64[0,2] y) { y = Expand(x, i64[2]{0, 2}) }", {"i64{5}"}, {"i64[0,2]{}"});
    typed_graph("(f32[N,1] x, f32[N,H] z) => (f32[N,H] y) { s = Shape(z)  y = Expand(x, s) }");
    typed_graph("(f32[N,1,4] x) => (f32[N,3,4] y) { y = Expand(x, i64[3]{1, 3, 1}) }");
}

TEST(Expand, Refuses) {
    expect_infer_error("(f32[3] x) => (f32[3] y) { y = Expand(x, i64[1]{2}) }", "cannot be broadcast together");
    expect_infer_error("(f32[3] x) => (f32[3] y) { y = Expand(x, i64[1]{-1}) }", "-1 in the target shape [-1]");
    expect_infer_error("(f32[3] x, i64[n] s) => (f32[3] y) { y = Expand(x, s) }", "the target shape (input 1) is computed while the model runs");
    expect_infer_error("(f32[1] x) => (f32[3] y) { y = Expand(x, i64[3]{1099511627776, 1099511627776, 7}) }", "more than fits into 64 bits");
    typed_graph("(f32[1] x) => (f32[1099511627776] y) { y = Expand(x, i64[1]{1099511627776}) }");  // only claimed, not allocated
}

TEST(Tile, Repeats) {
    expect_values("(f32[2,2] x) => (f32[2,4] y) { y = Tile(x, i64[2]{1, 2}) }", {"f32[2,2]{1,2,3,4}"}, {"f32[2,4]{1,2,1,2,3,4,3,4}"});
    expect_values("(bool[1,2] x) => (bool[3,4] y) { y = Tile(x, i64[2]{3, 2}) }", {"bool[1,2]{1,0}"}, {"bool[3,4]{1,0,1,0,1,0,1,0,1,0,1,0}"});
    expect_values("(f32[2] x) => (f32[0] y) { y = Tile(x, i64[1]{0}) }", {"f32[2]{1,2}"}, {"f32[0]{}"});
    expect_values("(f32[0,1] x) => (f32[0,3] y) { y = Tile(x, i64[2]{2, 3}) }", {"f32[0,1]{}"}, {"f32[0,3]{}"});
    expect_values("(u8[] x) => (u8[] y) { y = Tile(x, i64[0]{}) }", {"u8{5}"}, {"u8{5}"});
    typed_graph("(f32[N,3] x) => (f32[2*N,9] y) { y = Tile(x, i64[2]{2, 3}) }");
    typed_graph("(f32[1,3] x, f32[N] z) => (f32[N,3] y) { n = Shape(z)  r = Concat<axis = 0>(n, i64[1]{1})  y = Tile(x, r) }");
}

TEST(Tile, Refuses) {
    expect_infer_error("(f32[2] x) => (f32[2] y) { y = Tile(x, i64[1]{-1}) }", "-1 in the repeats [-1]");
    expect_infer_error("(f32[2] x) => (f32[2] y) { y = Tile(x, i64[2]{1, 1}) }", "2 repeats for [2]");
    expect_infer_error("(f32[2] x) => (f32[2] y) { y = Tile(x, i64[1]{9223372036854775807}) }", "64 bits");
}

}  // namespace
}  // namespace tercet::testing
