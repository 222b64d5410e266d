// SPDX-License-Identifier: Apache-2.0
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(RMSNormalization, DividesByTheRootOfTheMeanSquare) {
    // 25/2 + 1/2 = 13; 49 + 1 over 2: 25.5
    expect_values("(f32[2,2] x) => (f32[2,2] y) { y = RMSNormalization<epsilon = 0.5>(x, f32[2]{1, 2}) }", {"f32[2,2]{3,4,7,-1}"},
                  {"f32[2,2]{0.83205029,2.2188008,1.3862065,-0.39605902}"});
    expect_values("(f32[2,2] x) => (f32[2,2] y) { y = RMSNormalization<axis = 0, epsilon = 0.0>(x, f32[1]{5}) }", {"f32[2,2]{5,5,-5,5}"}, {"f32[2,2]{5,5,-5,5}"});
}

TEST(RMSNormalization, HasTheTypeOfItsScale) {
    expect_values("(f16[1,2] x) => (f32[1,2] y) { y = RMSNormalization<epsilon = 0.0>(x, f32[2]{1, 3}) }", {"f16[1,2]{1,1}"}, {"f32[1,2]{1,3}"});
    typed_graph("(f32[N,S,8] x, f32[8] s) => (f32[N,S,8] y) { y = RMSNormalization(x, s) }");
    expect_values("(f32[0,2] x) => (f32[0,2] y) { y = RMSNormalization(x, f32[2]{1, 3}) }", {"f32[0,2]{}"}, {"f32[0,2]{}"});
}

TEST(RMSNormalization, RefusesWhatDoesNotFit) {
    expect_infer_error("(f32[2,3] x) => (f32[1] y) { y = RMSNormalization(x, random[2]) }", "scale of shape [2] does not broadcast");
    expect_infer_error("(f32[2,3] x) => (f32[1] y) { y = RMSNormalization<axis = 2>(x, random[3]) }", "axis 2");
    expect_infer_error("(i32[2,3] x) => (f32[1] y) { y = RMSNormalization(x, random[3]) }", "input 0 is i32");
}

}  // namespace
}  // namespace tercet::testing
