// SPDX-License-Identifier: Apache-2.0
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(ArgMax, FindsTheFirstOrLastGreatest) {
    const std::vector<std::string> x{"f32[2,3]{1, 3, 3, 5, 5, 2}"};
    expect_values("(f32[2,3] x) => (i64[1,3] y) { y = ArgMax(x) }", x, {"i64[1,3]{1, 1, 0}"});
    expect_values("(f32[2,3] x) => (i64[2] y) { y = ArgMax<axis = -1, keepdims = 0>(x) }", x, {"i64[2]{1, 0}"});
    expect_values("(f32[2,3] x) => (i64[2,1] y) { y = ArgMax<axis = 1, select_last_index = 1>(x) }", x, {"i64[2,1]{2, 1}"});
    expect_values("(f32[2,3] x) => (i64[2,1] y) { y = ArgMin<axis = 1>(x) }", x, {"i64[2,1]{0, 2}"});
    expect_values("(f32[3] x) => (i64[] y) { y = ArgMin<keepdims = 0, select_last_index = 1>(x) }", {"f32[3]{1, 1, 2}"}, {"i64{1}"});
}

TEST(ArgMax, ComparesExactlyAndPrefersNaN) {
    expect_values("(i64[3] x) => (i64[1] y) { y = ArgMax(x) }", {"i64[3]{9007199254740992, 9007199254740993, 5}"}, {"i64[1]{1}"});
    expect_values("(u64[2] x) => (i64[1] y) { y = ArgMin(x) }", {"u64[2]{18446744073709551615, 5}"}, {"i64[1]{1}"});
    expect_values("(f32[4] x) => (i64[1] y, i64[1] z) { y = ArgMax(x) z = ArgMin(x) }", {"f32[4]{1, nan, inf, nan}"}, {"i64[1]{1}", "i64[1]{1}"});
    expect_values("(f32[4] x) => (i64[1] y) { y = ArgMax<select_last_index = 1>(x) }", {"f32[4]{1, nan, inf, nan}"}, {"i64[1]{3}"});
}

TEST(ArgMax, KeepsSymbolsAndRefusesEmptyAxes) {
    typed_graph("(f32[N,C,S] x) => (i64[N,S] y) { y = ArgMax<axis = 1, keepdims = 0>(x) }");
    expect_values("(f32[0,2] x) => (i64[0,1] y) { y = ArgMax<axis = 1>(x) }", {"f32[0,2]{}"}, {"i64[0,1]{}"});
    expect_infer_error("(f32[2,0] x) => (i64[2,1] y) { y = ArgMax<axis = 1>(x) }", "axis 1, which is empty");
    expect_infer_error("(f32[2] x) => (i64[2] y) { y = ArgMax<axis = 1>(x) }", "axis 1 of a value of rank 1");
    expect_infer_error("(bool[2] x) => (i64[1] y) { y = ArgMax(x) }", "unsupported: ArgMax of bool");
}

}  // namespace
}  // namespace tercet::testing
