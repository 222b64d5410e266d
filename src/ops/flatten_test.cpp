// SPDX-License-Identifier: Apache-2.0
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(Flatten, JoinsTheAxesOnEitherSide) {
    expect_values("(f32[2,1,3] x) => (f32[2,3] y) { y = Flatten(x) }", {"f32[2,1,3]{1,2,3,4,5,6}"}, {"f32[2,3]{1,2,3,4,5,6}"});
    expect_values("(i64[2,2] x) => (i64[1,4] y) { y = Flatten<axis = 0>(x) }", {"i64[2,2]{1,2,3,4}"}, {"i64[1,4]{1,2,3,4}"});
    expect_values("(i64[2,2] x) => (i64[4,1] y) { y = Flatten<axis = 2>(x) }", {"i64[2,2]{1,2,3,4}"}, {"i64[4,1]{1,2,3,4}"});
}

TEST(Flatten, KeepsSymbols) {
    typed_graph("(f32[N,64,7,H] x) => (f32[N,448*H] y) { y = Flatten(x) }");
    typed_graph("(f32[N,4] x) => (f32[N,4] y) { y = Flatten<axis = -1>(x) }");
}

TEST(Flatten, RefusesAnAxisOutside) {
    expect_infer_error("(f32[2,3] x) => (f32[2,3] y) { y = Flatten<axis = 3>(x) }", "axis 3 of a value of rank 2");
}

}  // namespace
}  // namespace tercet::testing
