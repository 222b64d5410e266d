// SPDX-License-Identifier: Apache-2.0
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(ReverseSequence, TurnsTheFirstElements) {
    expect_values("(f32[3,2] x, i64[2] n) => (f32[3,2] y) { y = ReverseSequence(x, n) }", {"f32[3,2]{1,2,3,4,5,6}", "i64[2]{3,2}"}, {"f32[3,2]{5,4,3,2,1,6}"});
    expect_values("(i8[2,3] x, i64[2] n) => (i8[2,3] y) { y = ReverseSequence<batch_axis = 0, time_axis = 1>(x, n) }", {"i8[2,3]{1,2,3,4,5,6}", "i64[2]{0,2}"},
                  {"i8[2,3]{1,2,3,5,4,6}"});
    expect_values("(bool[1,2,2] x, i64[1] n) => (bool[1,2,2] y) { y = ReverseSequence<batch_axis = 0, time_axis = 1>(x, n) }", {"bool[1,2,2]{1,0,1,1}", "i64[1]{2}"},
                  {"bool[1,2,2]{1,1,1,0}"});
    // Lengths outside are clamped.
    expect_values("(f32[2,2] x, i64[2] n) => (f32[2,2] y) { y = ReverseSequence(x, n) }", {"f32[2,2]{1,2,3,4}", "i64[2]{99,-5}"}, {"f32[2,2]{3,2,1,4}"});
    typed_graph("(f32[T,N,4] x, i64[N] n) => (f32[T,N,4] y) { y = ReverseSequence(x, n) }");
}

TEST(ReverseSequence, Refuses) {
    expect_infer_error("(f32[3,2] x, i64[3] n) => (f32[3,2] y) { y = ReverseSequence(x, n) }", "sequences and lengths differ in number: 2 and 3");
    expect_infer_error("(f32[3] x, i64[3] n) => (f32[3] y) { y = ReverseSequence(x, n) }", "of a value of rank 1");
    expect_infer_error("(f32[3,2] x, i64[2] n) => (f32[3,2] y) { y = ReverseSequence<batch_axis = 0>(x, n) }", "batch_axis 0 and time_axis 0");
    expect_infer_error("(f32[3,2] x, i64[2,1] n) => (f32[3,2] y) { y = ReverseSequence(x, n) }", "the lengths are i64[2,1]");
}

}  // namespace
}  // namespace tercet::testing
