// SPDX-License-Identifier: Apache-2.0
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(Gemm, MultipliesAndAdds) {
    expect_values("(f32[2,3] x, f32[3,2] w, f32[2] b) => (f32[2,2] y) { y = Gemm(x, w, b) }",
                  {"f32[2,3]{1,2,-3,0,0,0}", "f32[3,2]{2,0,1,-3,-2,0}", "f32[2]{-3,2}"},
                  {"f32[2,2]{7,-4,-3,2}"});
    expect_values("(f32[3,2] x, f32[4,3] w, f32[2,1] b) => (f32[2,4] y) { y = Gemm<alpha = 0.5, beta = 2.0, transA = 1, transB = 1>(x, w, b) }",
                  {"f32[3,2]{1,2,-3,0,0,0}", "f32[4,3]{2,0,1,-3,-2,0,2,-3,-3,-2,1,2}", "f32[2,1]{-3,2}"},
                  {"f32[2,4]{-5,-4.5,-0.5,-8.5,6,1,6,2}"});
    expect_values("(f32[1,3] x, f32[3,2] w) => (f32[1,2] y) { y = Gemm<alpha = -1.0>(x, w) }",
                  {"f32[1,3]{1,2,-3}", "f32[3,2]{2,0,1,-3,-2,0}"},
                  {"f32[1,2]{-10,6}"});
    expect_values("(f32[1,3] x, f32[3,2] w, f32[] b) => (f32[1,2] y) { y = Gemm<beta = 0.25>(x, w, b) }",
                  {"f32[1,3]{1,2,-3}", "f32[3,2]{2,0,1,-3,-2,0}", "f32{2}"},
                  {"f32[1,2]{10.5,-5.5}"});
}

TEST(Gemm, IntegersAreExact) {
    expect_values("(i64[1,2] x, i64[2,1] w, i64[1] c) => (i64[1,1] y) { y = Gemm(x, w, c) }", {"i64[1,2]{9007199254740993,1}", "i64[2,1]{1,2}", "i64[1]{2}"},
                  {"i64[1,1]{9007199254740997}"});
    expect_values("(i32[1,1] x, i32[1,1] w) => (i32[1,1] y) { y = Gemm<alpha = 0.5>(x, w) }", {"i32[1,1]{3}", "i32[1,1]{-3}"}, {"i32[1,1]{-4}"});
}

TEST(Gemm, RoundsOnce) {
    expect_values("(f16[1,2] x, f16[2,1] w, f16[1] c) => (f16[1,1] y) { y = Gemm(x, w, c) }", {"f16[1,2]{2048,1}", "f16[2,1]{1,1}", "f16[1]{1}"}, {"f16[1,1]{2050}"}, 0);
}

TEST(Gemm, KeepsSymbols) {
    typed_graph("(f32[N,64] x) => (f32[N,10] y) { y = Gemm<transB = 1>(x, random[10,64], random[10]) }");
    typed_graph("(f32[K,N] x) => (f32[N,10] y) { y = Gemm<transA = 1>(x, random[64,10]) }");
    expect_values("(f32[0,2] x) => (f32[0,3] y) { y = Gemm(x, random[2,3]) }", {"f32[0,2]{}"}, {"f32[0,3]{}"});
}

TEST(Gemm, RefusesWhatDoesNotFit) {
    expect_infer_error("(f32[2,3] x) => (f32[1] y) { y = Gemm(x, random[2,3]) }", "3 columns times one with 2 rows");
    expect_infer_error("(f32[2,3] x) => (f32[1] y) { y = Gemm(x, random[3,4], random[2]) }", "input 2 of shape [2] does not broadcast to [2,4]");
    expect_infer_error("(f32[2,3] x) => (f32[1] y) { y = Gemm(x, random[3,4], random[1,1,1]) }", "input 2 of shape [1,1,1]");
    expect_infer_error("(f32[2,3,1] x) => (f32[1] y) { y = Gemm(x, random[3,4]) }", "must have 2 axes");
}

}  // namespace
}  // namespace tercet::testing
