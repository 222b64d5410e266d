// SPDX-License-Identifier: Apache-2.0
#include "ops/testing.h"
#include "ops/upgrade_testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(Concat, PutsInputsOneBehindTheOther) {
    expect_values("(f32[1,2] a, f32[2,2] b) => (f32[3,2] y) { y = Concat<axis = 0>(a, b) }", {"f32[1,2]{1,2}", "f32[2,2]{3,4,5,6}"}, {"f32[3,2]{1,2,3,4,5,6}"});
    expect_values("(i16[2,1] a, i16[2,2] b, i16[2,0] c) => (i16[2,3] y) { y = Concat<axis = -1>(a, b, c) }",
                  {"i16[2,1]{1,2}", "i16[2,2]{3,4,5,6}", "i16[2,0]{}"}, {"i16[2,3]{1,3,4,2,5,6}"});
    expect_values("(bool[2] a) => (bool[2] y) { y = Concat<axis = 0>(a) }", {"bool[2]{1,0}"}, {"bool[2]{1,0}"});
    expect_values("(f32[1,2,1] a, f32[1,1,1] b) => (f32[1,3,1] y) { y = Concat<axis = 1>(a, b) }", {"f32[1,2,1]{1,2}", "f32[1,1,1]{3}"}, {"f32[1,3,1]{1,2,3}"});
}

TEST(Concat, AddsSymbolicExtents) {
    typed_graph("(f32[N,3,H] a, f32[N,2,H] b) => (f32[N,5,H] y) { y = Concat<axis = 1>(a, b) }");
    typed_graph("(f32[N,3] a, f32[M,3] b) => (f32[M + N,3] y) { y = Concat<axis = 0>(a, b) }");
    typed_graph("(f32[N,3] a, f32[4,3] b) => (f32[4,6] y) { y = Concat<axis = 1>(a, b) }");
}

TEST(Concat, Refuses) {
    expect_infer_error("(f32[1,2] a, f32[2,3] b) => (f32[3,2] y) { y = Concat<axis = 0>(a, b) }", "inputs 0 and 1 differ in axis 1: 2 and 3");
    expect_infer_error("(f32[1,N] a, f32[2,N+1] b) => (f32[3,2] y) { y = Concat<axis = 0>(a, b) }", "differ in axis 1: N and N + 1");
    expect_infer_error("(f32[1,2] a, f32[2] b) => (f32[3,2] y) { y = Concat<axis = 0>(a, b) }", "same type and rank");
    expect_infer_error("(f32[1,2] a, f16[1,2] b) => (f32[3,2] y) { y = Concat<axis = 0>(a, b) }", "same type and rank");
    expect_infer_error("(f32[] a) => (f32[1] y) { y = Concat<axis = 0>(a) }", "axis 0 of a value of rank 0");
    expect_infer_error("(f32[2] a) => (f32[2] y) { y = Concat(a) }", "attribute 'axis' is missing");
    expect_infer_error("(f32[2] a) => (f32[2] y) { y = Concat<axis = 0>(a, _, a) }", "input 1 is left out");
}

TEST(Concat, OfOperatorSet1JoinsAxis1ByDefault) {
    const Graph g = upgraded("(f32[2,3] a) => (f32[2,6] y) { y = Concat(a, a) }", 1);
    EXPECT_EQ(text_of(g.value(g.outputs()[0].value).type), "f32[2,6]");
}

}  // namespace
}  // namespace tercet::testing
