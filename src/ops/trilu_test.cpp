// SPDX-License-Identifier: Apache-2.0
#include "ops/testing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(Trilu, KeepsATriangle) {
    struct { const char *attributes, *k, *y; } cases[] = {  // x = 1 2 3 / 4 5 6
        {"", "", "1,2,3,0,5,6"},
        {"<upper = 0>", "", "1,0,0,4,5,0"},
        {"", ", i64{1}", "0,2,3,0,0,6"},
        {"", ", i64[1]{-1}", "1,2,3,4,5,6"},
        {"<upper = 0>", ", i64{1}", "1,2,0,4,5,6"},
        {"<upper = 0>", ", i64{-1}", "0,0,0,4,0,0"},
        {"", ", i64{9223372036854775807}", "0,0,0,0,0,0"},
        {"<upper = 0>", ", i64{-9223372036854775808}", "0,0,0,0,0,0"},
        {"", ", i64{-9223372036854775808}", "1,2,3,4,5,6"},
    };
    for (const auto& c : cases)
        expect_values(fmt::format("(f32[2,3] x) => (f32[2,3] y) {{ y = Trilu{}(x{}) }}", c.attributes, c.k), {"f32[2,3]{1,2,3,4,5,6}"}, {fmt::format("f32[2,3]{{{}}}", c.y)});
    expect_values("(bool[2,2,2] x, i64[] k) => (bool[2,2,2] y) { y = Trilu(x, k) }", {"bool[2,2,2]{1,1,1,1,0,1,1,1}", "i64{0}"}, {"bool[2,2,2]{1,1,0,1,0,1,0,1}"});
    expect_values("(i64[3,0] x) => (i64[3,0] y) { y = Trilu(x) }", {"i64[3,0]{}"}, {"i64[3,0]{}"});
    typed_graph("(f32[N,L,L] x) => (f32[N,L,L] y) { y = Trilu(x) }");
}

TEST(Trilu, Refuses) {
    expect_infer_error("(f32[3] x) => (f32[3] y) { y = Trilu(x) }", "a value of rank 1 has no triangle");
    expect_infer_error("(f32[3,3] x) => (f32[3,3] y) { y = Trilu(x, i64[2]{1, 2}) }", "k (input 1) is i64[2]");
}

TEST(EyeLike, HasOnesOnADiagonal) {
    expect_values("(f32[2,3] x) => (f32[2,3] y) { y = EyeLike(x) }", {"f32[2,3]{7,7,7,7,7,7}"}, {"f32[2,3]{1,0,0,0,1,0}"});
    expect_values("(f32[2,3] x) => (bool[2,3] y) { y = EyeLike<k = 1, dtype = 9>(x) }", {"f32[2,3]{7,7,7,7,7,7}"}, {"bool[2,3]{0,1,0,0,0,1}"});
    expect_values("(i8[2,2] x) => (f64[2,2] y) { y = EyeLike<k = -1, dtype = 11>(x) }", {"i8[2,2]{7,7,7,7}"}, {"f64[2,2]{0,0,1,0}"});
    expect_values("(i8[2,2] x) => (i8[2,2] y) { y = EyeLike<k = -9223372036854775808>(x) }", {"i8[2,2]{7,7,7,7}"}, {"i8[2,2]{0,0,0,0}"});
}

TEST(EyeLike, Refuses) {
    expect_infer_error("(f32[2] x) => (f32[2] y) { y = EyeLike(x) }", "the input has rank 1");
    expect_infer_error("(f32[2,2] x) => (f32[2,2] y) { y = EyeLike<dtype = 99>(x) }", "unknown dtype 99");
    expect_infer_error("(f32[2,2] x) => (f32[2,2] y) { y = EyeLike<dtype = 8>(x) }", "unsupported: dtype string");
}

}  // namespace
}  // namespace tercet::testing
