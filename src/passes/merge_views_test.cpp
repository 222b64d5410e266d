// SPDX-License-Identifier: Apache-2.0
#include "passes/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(MergeViews, OneReshapeIsEnough) {
    expect_rewrite(merge_views, "(f32[N,4,3,2] x) => (f32[N,2,12] y) { a = Flatten(x) b = Unsqueeze(a, i64[1]{1})"
        " y = Reshape(b, i64[3]{-1, 2, 12}) }",
                                "(f32[N,4,3,2] x) => (f32[N,2,12] y) { y = Reshape(x, i64[3]{0, 2, 12}) }");
    expect_rewrite(merge_views, "(f32[N,4,1,1] x) => (f32[N,4] y, f32[N,4,1] a) { a = Squeeze(x, i64[1]{3}) y = Flatten(a) }",
                                "(f32[N,4,1,1] x) => (f32[N,4] y, f32[N,4,1] a) { a = Squeeze(x, i64[1]{3})"
                                    " y = Reshape(x, i64[2]{0, 4}) }");
}

TEST(MergeViews, LeavesAlone) {
    expect_unchanged(merge_views, {
        {"two symbols move", "(f32[N,H] x) => (f32[1,1,N,H] y) { a = Unsqueeze(x, i64[1]{0}) y = Unsqueeze(a, i64[1]{0}) }"},
        {"something between", "(f32[N,6] x) => (f32[N,6] y) { a = Reshape(x, i64[3]{0, 2, 3}) b = Softmax(a) y = Flatten(b) }"},
    });
}

}  // namespace
}  // namespace tercet::testing
