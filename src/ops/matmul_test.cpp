// SPDX-License-Identifier: Apache-2.0
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(MatMul, MultipliesMatricesVectorsAndStacks) {
    expect_values("(f32[2,3] x, f32[3,2] w) => (f32[2,2] y) { y = MatMul(x, w) }",
                  {"f32[2,3]{1,2,-3,0,0,0}", "f32[3,2]{2,0,1,-3,-2,0}"},
                  {"f32[2,2]{10,-6,0,0}"});
    expect_values("(f32[3] x, f32[3,2] w) => (f32[2] y) { y = MatMul(x, w) }",
                  {"f32[3]{1,2,-3}", "f32[3,2]{2,0,1,-3,-2,0}"},
                  {"f32[2]{10,-6}"});
    expect_values("(f32[2,3] x, f32[3] w) => (f32[2] y) { y = MatMul(x, w) }",
                  {"f32[2,3]{1,2,-3,0,0,0}", "f32[3]{2,0,1}"},
                  {"f32[2]{-1,0}"});
    expect_values("(f32[3] x, f32[3] w) => (f32[] y) { y = MatMul(x, w) }",
                  {"f32[3]{1,2,-3}", "f32[3]{2,0,1}"},
                  {"f32{-1}"});
    expect_values("(f32[2,1,1,3] x, f32[2,3,2] w) => (f32[2,2,1,2] y) { y = MatMul(x, w) }",
                  {"f32[2,1,1,3]{1,2,-3,0,0,0}", "f32[2,3,2]{2,0,1,-3,-2,0,2,-3,-3,-2,1,2}"},
                  {"f32[2,2,1,2]{10,-6,-7,-13,0,0,0,0}"});
    expect_values("(f32[3] x, f32[2,3,2] w) => (f32[2,2] y) { y = MatMul(x, w) }",
                  {"f32[3]{1,2,-3}", "f32[2,3,2]{2,0,1,-3,-2,0,2,-3,-3,-2,1,2}"},
                  {"f32[2,2]{10,-6,-7,-13}"});
    expect_values("(f32[2,2,3] x, f32[3] w) => (f32[2,2] y) { y = MatMul(x, w) }",
                  {"f32[2,2,3]{1,2,-3,0,0,0,-2,0,2,-1,1,3}", "f32[3]{2,0,1}"},
                  {"f32[2,2]{-1,0,-2,1}"});
}

TEST(MatMul, IntegersAreExactAndWrap) {
    expect_values("(i64[1,2] x, i64[2,1] w) => (i64[1,1] y) { y = MatMul(x, w) }", {"i64[1,2]{9007199254740993,1}", "i64[2,1]{1,2}"}, {"i64[1,1]{9007199254740995}"});
    expect_values("(i32[2] x, i32[2] w) => (i32[] y) { y = MatMul(x, w) }", {"i32[2]{2147483647,-1}", "i32[2]{1,-1}"}, {"i32{-2147483648}"});
    expect_values("(u64[1] x, u64[1] w) => (u64[] y) { y = MatMul(x, w) }", {"u64[1]{18446744073709551615}", "u64[1]{1}"}, {"u64{18446744073709551615}"});
}

TEST(MatMul, OfNothingIsZero) {
    expect_values("(f32[2,0] x, f32[0,2] w) => (f32[2,2] y) { y = MatMul(x, w) }", {"f32[2,0]{}", "f32[0,2]{}"}, {"f32[2,2]{0,0,0,0}"});
    expect_values("(f32[0,2,3] x, f32[3,1] w) => (f32[0,2,1] y) { y = MatMul(x, w) }", {"f32[0,2,3]{}", "f32[3,1]{1,2,3}"}, {"f32[0,2,1]{}"});
}

TEST(MatMul, KeepsSymbols) {
    typed_graph("(f32[N,12,S,64] x, f32[N,12,64,S] w) => (f32[N,12,S,S] y) { y = MatMul(x, w) }");
    typed_graph("(f32[N,S,K] x) => (f32[N,S,4] y) { y = MatMul(x, random[3,4]) }");
    typed_graph("(f32[K] x, f32[N,K,4] w) => (f32[N,4] y) { y = MatMul(x, w) }");
}

TEST(MatMul, RefusesWhatDoesNotFit) {
    expect_infer_error("(f32[2,3] x) => (f32[1] y) { y = MatMul(x, random[2,3]) }", "[2,3] and [2,3] cannot be multiplied: 3 columns, 2 rows");
    expect_infer_error("(f32[2,2,3] x) => (f32[1] y) { y = MatMul(x, random[3,3,3]) }", "cannot be broadcast");
    expect_infer_error("(f32[] x) => (f32[1] y) { y = MatMul(x, random[3,3]) }", "has the shape []");
    expect_infer_error("(u8[2,2] x, u8[2,2] w) => (u8[1] y) { y = MatMul(x, w) }", "input 0 is u8");
    expect_infer_error("(f16[2,2] x) => (f16[1] y) { y = MatMul(x, random[2,2]) }", "input 1 is f32, input 0 is f16");
}

TEST(MatMul, RefusesStacksThatTurnOutNotToFit) {
    const Graph g = typed_graph("(f32[N,2,2] x, f32[M,2,2] w) => (f32[max(M, N),2,2] y) { y = MatMul(x, w) }");
    const std::vector<Tensor> fits{random_tensor(DType::f32, {3, 2, 2}, 1), random_tensor(DType::f32, {1, 2, 2}, 2)};
    EXPECT_EQ(evaluate(g, fits)[0].shape(), (Dims{3, 2, 2}));
    const std::vector<Tensor> not_so{random_tensor(DType::f32, {3, 2, 2}, 1), random_tensor(DType::f32, {2, 2, 2}, 2)};
    EXPECT_THROW(evaluate(g, not_so), Error);
}

}  // namespace
}  // namespace tercet::testing
