// SPDX-License-Identifier: Apache-2.0
#include "ops/testing.h"
#include "ops/upgrade_testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(TopK, GivesTheGreatestOrTheLeast) {
    expect_values("(f32[2,4] x) => (f32[2,3] y, i64[2,3] i) { y, i = TopK(x, i64[1]{3}) }", {"f32[2,4]{0,1,2,3,7,5,6,4}"}, {"f32[2,3]{3,2,1,7,6,5}", "i64[2,3]{3,2,1,0,2,1}"});
    expect_values("(f32[2,4] x) => (f32[2,2] y, i64[2,2] i) { y, i = TopK<largest = 0>(x, i64[1]{2}) }", {"f32[2,4]{0,1,2,3,7,5,6,4}"}, {"f32[2,2]{0,1,4,5}", "i64[2,2]{0,1,3,1}"});
    expect_values("(i8[3,2] x) => (i8[1,2] y, i64[1,2] i) { y, i = TopK<axis = 0>(x, i64[1]{1}) }", {"i8[3,2]{-1,2,3,-4,0,1}"}, {"i8[1,2]{3,2}", "i64[1,2]{1,0}"});
    expect_values("(u64[2] x) => (u64[2] y) { y = TopK<axis = -1, sorted = 0>(x, i64[1]{2}) }", {"u64[2]{1,18446744073709551615}"}, {"u64[2]{18446744073709551615,1}"});
}

TEST(TopK, PutsTheLowerPlaceFirstAmongEquals) {
    expect_values("(f32[5] x) => (f32[3] y, i64[3] i) { y, i = TopK(x, i64[1]{3}) }", {"f32[5]{1,2,2,1,2}"}, {"f32[3]{2,2,2}", "i64[3]{1,2,4}"});
    expect_values("(f32[5] x) => (f32[3] y, i64[3] i) { y, i = TopK<largest = 0>(x, i64[1]{3}) }", {"f32[5]{2,1,2,-0,0}"}, {"f32[3]{-0,0,1}", "i64[3]{3,4,1}"});
}

TEST(TopK, TakesNaNForTheGreatest) {
    expect_values("(f32[4] x) => (f32[3] y, i64[3] i) { y, i = TopK(x, i64[1]{3}) }", {"f32[4]{nan,inf,1,nan}"}, {"f32[3]{nan,nan,inf}", "i64[3]{0,3,1}"});
    expect_values("(f16[3] x) => (f16[3] y, i64[3] i) { y, i = TopK<largest = 0>(x, i64[1]{3}) }", {"f16[3]{nan,-inf,1}"}, {"f16[3]{-inf,1,nan}", "i64[3]{1,2,0}"});
}

TEST(TopK, TakesKFromShapesOrData) {
    typed_graph("(f32[N,M] x) => (f32[N,N] y, i64[N,N] i) { s = Shape<end = 1>(x) y, i = TopK(x, s) }");
    expect_values("(f32[N,4] x, i64[1] k) => (f32[?] y, i64[?] i) { y, i = TopK(x, k) }", {"f32[1,4]{1,4,3,2}", "i64[1]{2}"}, {"f32[1,2]{4,3}", "i64[1,2]{1,2}"});
    expect_values("(f32[0] x) => (f32[0] y) { y = TopK(x, i64[1]{0}) }", {"f32[0]{}"}, {"f32[0]{}"});
}

TEST(TopK, KWasAnAttribute) {
    const Graph g = upgraded("(f32[3] x) => (f32[2] y, i64[2] i) { y, i = TopK<k = 2, axis = 0>(x) }", 7);
    const Tensor x = parse_tensor("f32[3]{1,3,2}");
    const auto out = evaluate(g, {&x, 1});
    EXPECT_EQ(out[0], parse_tensor("f32[2]{3,2}"));
    EXPECT_EQ(out[1], parse_tensor("i64[2]{1,2}"));
}

TEST(TopK, RefusesWhatDoesNotFit) {
    expect_infer_error("(f32[3] x) => (f32[4] y) { y = TopK(x, i64[1]{4}) }", "the first 4 of 3 elements");
    expect_infer_error("(f32[3] x) => (f32[4] y) { y = TopK(x, i64[1]{-1}) }", "the first -1 of 3 elements");
    expect_infer_error("(f32[3] x) => (f32[4] y) { y = TopK(x, i64[2]{1,1}) }", "k (input 1) is of type i64[2]");
    expect_infer_error("(f32[3] x) => (f32[4] y) { y = TopK<axis = 1>(x, i64[1]{1}) }", "axis 1 of a value of rank 1");
    expect_infer_error("(bool[3] x) => (bool[1] y) { y = TopK(x, i64[1]{1}) }", "bool");
    const Graph g = typed_graph("(f32[N] x) => (f32[3] y) { y = TopK(x, i64[1]{3}) }");
    const Tensor x = parse_tensor("f32[2]{1,3}");
    EXPECT_THROW(evaluate(g, {&x, 1}), Error);
}

}  // namespace
}  // namespace tercet::testing
