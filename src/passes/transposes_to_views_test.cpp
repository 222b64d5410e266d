// SPDX-License-Identifier: Apache-2.0
#include "passes/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(TransposesToViews, ExtentsOf1AreMovedByAReshape) {
    expect_rewrite(transposes_to_views, "(f32[N,28,7,1] x) => (f32[N,1,28,7] y) { y = Transpose<perm = [0, 3, 1, 2]>(x) }",
                                        "(f32[N,28,7,1] x) => (f32[N,1,28,7] y) { y = Reshape(x, i64[4]{0, 1, 28, 7}) }");
    expect_rewrite(transposes_to_views, "(f32[1,1,C] x) => (f32[1,C,1] y) { y = Transpose<perm = [0, 2, 1]>(x) }",
                                        "(f32[1,1,C] x) => (f32[1,C,1] y) { y = Reshape(x, i64[3]{1, -1, 1}) }");
}

TEST(TransposesToViews, LeavesAlone) {
    expect_unchanged(transposes_to_views, {
        {"it moves something", "(f32[N,3,5] x) => (f32[N,5,3] y) { y = Transpose<perm = [0, 2, 1]>(x) }"},
        {"a symbol might not be 1", "(f32[N,H] x) => (f32[H,N] y) { y = Transpose(x) }"},
        {"two symbols move", "(f32[N,H,W,1] x) => (f32[N,1,H,W] y) { y = Transpose<perm = [0, 3, 1, 2]>(x) }"},
    });
}

}  // namespace
}  // namespace tercet::testing
