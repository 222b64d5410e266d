// SPDX-License-Identifier: Apache-2.0
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(Lrn, DividesByTheNeighboursOfAChannel) {
    expect_values("(f32[1,5,1,2] x) => (f32[1,5,1,2] y) { y = LRN<alpha = 0.5, beta = 0.75, bias = 1.5, size = 3>(x) }",
                  {"f32[1,5,1,2]{2,0,1,-3,-2,0,2,-3,-3,-2}"},
                  {"f32[1,5,1,2]{1.059369,0,0.4386913,-1.316074,-0.8773826,0,0.6659067,-1.132186,-1.132186,-0.7547905}"});
    // size 4: one channel before, two behind; 1 + 1/4*sum of squares, to the power of 1
    expect_values("(f32[1,4,1] x) => (f32[1,4,1] y) { y = LRN<alpha = 1.0, beta = 1.0, size = 4>(x) }", {"f32[1,4,1]{2,0,4,2}"},
                  {"f32[1,4,1]{0.3333333,0,0.6666667,0.3333333}"});
    expect_values(R"((f32[1,1,2] x) => (f32[1,1,2] y) { y = LRN<alpha = 2.0, beta = 1.0, layout = "NHWC", size = 3>(x) })", {"f32[1,1,2]{3,0}"}, {"f32[1,1,2]{0.4285714,0}"});
    typed_graph("(f32[N,C,H,W] x) => (f32[N,C,H,W] y) { y = LRN<size = 9223372036854775807>(x) }");
    expect_infer_error("(f32[1,2,1,1] x) => (f32[1] y) { y = LRN<size = 0>(x) }", "'size' is 0");
}

}  // namespace
}  // namespace tercet::testing
