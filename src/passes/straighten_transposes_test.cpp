// SPDX-License-Identifier: Apache-2.0
#include "passes/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(StraightenTransposes, BetweenViewsThatJoinAxesAndTakeThemApart) {
    expect_rewrite(straighten_transposes, R"((f32[N,4,S,8] x) => (f32[N,4,8,S] y) {
                       s = Shape(x) n = Slice(s, i64[1]{2}, i64[1]{3}) a = Concat<axis = 0>(i64[1]{-1}, n, i64[1]{8}) r = Reshape(x, a)
                       t = Transpose<perm = [0, 2, 1]>(r) b = Concat<axis = 0>(i64[3]{-1, 4, 8}, n) y = Reshape(t, b) })",
                   "(f32[N,4,S,8] x) => (f32[N,4,8,S] y) { y = Transpose<perm = [0, 1, 3, 2]>(x) }");
    expect_rewrite(straighten_transposes, R"((f32[S,N,3,8] x) => (f32[3,S,N,8] y) {
                       u = Unsqueeze(x, i64[1]{0}) t = Transpose<perm = [3, 1, 2, 0, 4]>(u) y = Squeeze(t, i64[1]{3}) })",
                   "(f32[S,N,3,8] x) => (f32[3,S,N,8] y) { y = Transpose<perm = [2, 0, 1, 3]>(x) }");
}

TEST(StraightenTransposes, LeavesAlone) {
    expect_unchanged(straighten_transposes, {
        {"other axes come out", R"((f32[2,6,8] x) => (f32[2,8,6] y) { r = Reshape(x, i64[2]{12, 8}) t = Transpose(r) y = Reshape(t, i64[3]{2, 8, 6}) })"},
        {"an axis is split", R"((f32[N,6] x) => (f32[3,2*N] y) { r = Reshape(x, i64[3]{0, 2, 3}) t = Transpose<perm = [2, 0, 1]>(r) y = Reshape(t, i64[2]{3, -1}) })"},
        {"no view before", "(f32[N,6,8] x) => (f32[N,48] y) { t = Transpose<perm = [0, 2, 1]>(x) y = Reshape(t, i64[2]{0, 48}) }"},
    });
}

}  // namespace
}  // namespace tercet::testing
