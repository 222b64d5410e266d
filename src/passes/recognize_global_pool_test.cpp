// SPDX-License-Identifier: Apache-2.0
#include "passes/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(RecognizeGlobalPool, AMeanOverAllPixelsIsAPool) {
    expect_rewrite(recognize_global_pool, "(f32[N,2,5,H] x) => (f32[N,3,1,1] y) { c = Conv(x, random[3,2,1,1]) r = Relu(c)"
        " y = ReduceMean(r, i64[2]{3, -2}) }",
                                          "(f32[N,2,5,H] x) => (f32[N,3,1,1] y) { c = Conv(x, const[3,2,1,1]) r = Relu(c)"
                                              " y = GlobalAveragePool(r) }");
    expect_rewrite(recognize_global_pool, "(f32[N,2,5] x) => (f32[N,3] y) { c = Conv(x, random[3,2,1])"
        " y = ReduceMax<keepdims = 0>(c, i64[1]{2}) }",
                                          "(f32[N,2,5] x) => (f32[N,3] y) { c = Conv(x, const[3,2,1])"
                                              " y_pooled = GlobalMaxPool(c) y = Flatten(y_pooled) }");
}

TEST(RecognizeGlobalPool, KnowsChannelsLast) {
    expect_rewrite(recognize_global_pool, "(f32[N,5,5,2] x) => (f32[N,3] y) { c = Conv<layout = \"NHWC\">(x, random[3,2,1,1])"
        " y = ReduceMean<keepdims = 0>(c, i64[2]{1, 2}) }",
                                          "(f32[N,5,5,2] x) => (f32[N,3] y) { c = Conv<layout = \"NHWC\">(x, const[3,2,1,1])"
                                              " y_pooled = GlobalAveragePool<layout = \"NHWC\">(c) y = Flatten(y_pooled) }");
    expect_rewrite(recognize_global_pool, R"((f32[N,2,5,5] x) => (f32[N,1,1,3] y) { c = Conv(x, random[3,2,1,1])
        t = Transpose<perm = [0, 2, 3, 1]>(c)
                                                y = ReduceMean(t, i64[2]{1, 2}) })",
                                          R"((f32[N,2,5,5] x) => (f32[N,1,1,3] y) { c = Conv(x, const[3,2,1,1])
                                              t = Transpose<perm = [0, 2, 3, 1]>(c)
                                                y = GlobalAveragePool<layout = "NHWC">(t) })");
}

TEST(RecognizeGlobalPool, LeavesAlone) {
    expect_unchanged(recognize_global_pool, {
        {"no image", "(f32[N,7,5] x) => (f32[N,7,1] y) { y = ReduceMean(x, i64[1]{2}) }"},
        {"only the rows", "(f32[N,2,5,5] x) => (f32[N,3,1,5] y) { c = Conv(x, random[3,2,1,1]) y = ReduceMean(c, i64[1]{2}) }"},
        {"over the channels", "(f32[N,2,5,5] x) => (f32[N,1,1,5] y) { c = Conv(x, random[3,2,1,1])"
            " y = ReduceMean(c, i64[2]{1, 2}) }"},
        {"a sum", "(f32[N,2,5] x) => (f32[N,3,1] y) { c = Conv(x, random[3,2,1]) y = ReduceSum(c, i64[1]{2}) }"},
    });
}

}  // namespace
}  // namespace tercet::testing
