// SPDX-License-Identifier: Apache-2.0
#include "passes/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(RemoveDead, WhatNobodyReads) {
    expect_rewrite(remove_dead, "(f32[N] x) => (f32[N] y) { a = Relu(x) b = Neg(a) y = Abs(x) }", "(f32[N] x) => (f32[N] y) {"
        " y = Abs(x) }");
}

TEST(RemoveDead, OutputsThatNobodyReads) {
    expect_rewrite(remove_dead, "(f32[N,2,6] x) => (f32[N,2,3] y) { y, i = MaxPool<kernel_shape = [2], strides = [2]>(x) }",
                                "(f32[N,2,6] x) => (f32[N,2,3] y) { y = MaxPool<kernel_shape = [2], strides = [2]>(x) }");
}

TEST(RemoveDead, LeavesAlone) {
    expect_unchanged(remove_dead, {
        {"the number of parts", "(f32[N,4] x) => (f32[N,2] y) { y, z = Split<axis = 1>(x) }"},
        {"indices are read", "(f32[N,2,6] x) => (f32[N,2,3] y, i64[N,2,3] i) { y,"
            " i = MaxPool<kernel_shape = [2], strides = [2]>(x) }"},
    });
}

}  // namespace
}  // namespace tercet::testing
