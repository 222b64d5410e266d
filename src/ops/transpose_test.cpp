// SPDX-License-Identifier: Apache-2.0
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(Transpose, OrdersAxes) {
    expect_values("(f32[2,3] x) => (f32[3,2] y) { y = Transpose(x) }", {"f32[2,3]{1,2,3,4,5,6}"}, {"f32[3,2]{1,4,2,5,3,6}"});
    expect_values("(i8[2,1,3] x) => (i8[3,2,1] y) { y = Transpose<perm = [2, 0, 1]>(x) }", {"i8[2,1,3]{1,2,3,4,5,6}"}, {"i8[3,2,1]{1,4,2,5,3,6}"});
    expect_values("(bool[2,2,2] x) => (bool[2,2,2] y) { y = Transpose<perm = [0, 2, 1]>(x) }", {"bool[2,2,2]{1,0,1,1,0,0,1,0}"}, {"bool[2,2,2]{1,1,0,1,0,1,0,0}"});
    expect_values("(f64[0,3] x) => (f64[3,0] y) { y = Transpose(x) }", {"f64[0,3]{}"}, {"f64[3,0]{}"});
    expect_values("(f32[] x) => (f32[] y) { y = Transpose(x) }", {"f32{5}"}, {"f32{5}"});
    typed_graph("(f32[N,3,H,W] x) => (f32[N,H,W,3] y) { y = Transpose<perm = [0, 2, 3, 1]>(x) }");
}

TEST(Transpose, RefusesWhatIsNoPermutation) {
    for (const char* perm : {"[0, 0]", "[0]", "[0, 2]", "[-1, 0]", "[0, 1, 2]"})
        expect_infer_error(std::string("(f32[2,3] x) => (f32[3,2] y) { y = Transpose<perm = ") + perm + ">(x) }", "does not order the axes of [2,3]");
}

}  // namespace
}  // namespace tercet::testing
