// SPDX-License-Identifier: Apache-2.0
#include "graph/text.h"
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(Det, GivesTheDeterminant) {
    expect_values("(f32[2,2] x) => (f32[] y) { y = Det(x) }", {"f32[2,2]{1,2,3,4}"}, {"f32{-2}"});
    expect_values("(f32[3,2,2] x) => (f32[3] y) { y = Det(x) }", {"f32[3,2,2]{1,2,3,4,1,2,2,1,1,3,3,1}"}, {"f32[3]{-2,-3,-8}"});
    expect_values("(f64[3,3] x) => (f64[] y) { y = Det(x) }", {"f64[3,3]{0,0,2,3,1,7,1,4,5}"}, {"f64{22}"}, 1e-14);
    expect_values("(f32[2,2] x) => (f32[] y) { y = Det(x) }", {"f32[2,2]{1,2,2,4}"}, {"f32{0}"});
    expect_values("(f16[1,1] x) => (f16[] y) { y = Det(x) }", {"f16[1,1]{-3}"}, {"f16{-3}"});
}

TEST(Det, OfNothing) {
    expect_values("(f32[2,0,0] x) => (f32[2] y) { y = Det(x) }", {"f32[2,0,0]{}"}, {"f32[2]{1,1}"});
    expect_values("(f32[0,2,2] x) => (f32[0] y) { y = Det(x) }", {"f32[0,2,2]{}"}, {"f32[0]{}"});
}

TEST(Det, RefusesWhatIsNotSquare) {
    expect_infer_error("(f32[2,3] x) => (f32[] y) { y = Det(x) }", "in the shape [2,3]");
    expect_infer_error("(f32[2] x) => (f32[] y) { y = Det(x) }", "input 0 has the shape [2]");
    expect_infer_error("(i32[2,2] x) => (f32[] y) { y = Det(x) }", "input 0 is i32");
    const Graph g = typed_graph("(f32[N,M] x) => (f32[] y) { y = Det(x) }");
    const Tensor x = parse_tensor("f32[2,1]{1,2}");
    EXPECT_THROW(evaluate(g, {&x, 1}), Error);
}

}  // namespace
}  // namespace tercet::testing
