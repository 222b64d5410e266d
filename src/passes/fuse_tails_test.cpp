// SPDX-License-Identifier: Apache-2.0
#include "passes/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(FuseTails, BecomesTheTailOfTheProduct) {
    expect_rewrite(fuse_tails, R"t((f32[N,7,2] x) => (f32[N,5,3] y) { c = Conv<layout = "NHWC">(x, random[3,2,3])
        y = "tercet":Pointwise<expr = "relu(x0)">(c) })t",
                               R"t((f32[N,7,2] x) => (f32[N,5,3] y) { y = Conv<layout = "NHWC",
                                   tail = "relu(x0)">(x, const[3,2,3]) })t");
    expect_rewrite(fuse_tails, R"t((f32[N,2,5] x) => (f32[N,2,3] y) { c = MatMul(x, random[5,3])
        y = "tercet":Pointwise<expr = "add(x0, mul(x1, x2))">(random[3], c, random[1,1,1]) })t",
                               R"t((f32[N,2,5] x) => (f32[N,2,3] y) {
                                   y = MatMul<tail = "add(x1, mul(x0, x2))">(x, const[5,3], const[3], const[1,1,1]) })t");
    expect_rewrite(fuse_tails, R"t((f32[N,6,2] x, f32[N,3,2] r) => (f32[N,3,2] y) { c = MaxPool<kernel_shape = [2],
        layout = "NHWC", strides = [2]>(x) y = "tercet":Pointwise<expr = "sub(x1, x0)">(c, r) })t",
                               R"t((f32[N,6,2] x, f32[N,3,2] r) => (f32[N,3,2] y) { y = MaxPool<kernel_shape = [2],
                                   layout = "NHWC", strides = [2], tail = "sub(x1, x0)">(x, r) })t");
}

TEST(FuseTails, InputsStandBehindTheLastPossibleOne) {
    expect_rewrite(fuse_tails, R"t((f32[N,5] x, f32[N,3] r) => (f32[N,3] y) { c = Gemm(x, random[5,3])
        y = "tercet":Pointwise<expr = "relu(add(x0, x1))">(c, r) })t",
                               R"t((f32[N,5] x, f32[N,3] r) => (f32[N,3] y) {
                                   y = Gemm<tail = "relu(add(x0, x1))">(x, const[5,3], _, r) })t");
}

TEST(FuseTails, TheLaterOfTwoProductsTakesTheOther) {
    expect_rewrite(fuse_tails, R"t((f32[N,5] x) => (f32[N,3] y) { a = Gemm(x, random[5,3]) b = Gemm(x, random[5,3], random[3])
        e = "tercet":Pointwise<expr = "exp(x0)">(x)
                                      y = "tercet":Pointwise<expr = "add(x0, x1)">(b, a) })t",
                               R"t((f32[N,5] x) => (f32[N,3] y) { a = Gemm(x, const[5,3])
                                   y = Gemm<tail = "add(x0, x1)">(x, const[5,3], const[3], a) })t");
    // what the tail reads is computed behind the product, which moves down
    expect_rewrite(fuse_tails, R"t((f32[N,5] x, f32[N,3] z) => (f32[N,3] y) { b = Gemm(x, random[5,3]) s = Softmax(z)
        y = "tercet":Pointwise<expr = "mul(x0, x1)">(b, s) })t",
                               R"t((f32[N,5] x, f32[N,3] z) => (f32[N,3] y) { s = Softmax(z)
                                   y = Gemm<tail = "mul(x0, x1)">(x, const[5,3], _, s) })t");
}

TEST(FuseTails, ATailGrows) {
    expect_rewrite(fuse_tails, R"t((f32[N,5] x, f32[N,3] r) => (f32[N,3] y) {
        c = Gemm<tail = "add(x0, x1)">(x, random[5,3], _, r) y = "tercet":Pointwise<expr = "mul(x0, relu(x1))">(r, c) })t",
                               R"t((f32[N,5] x, f32[N,3] r) => (f32[N,3] y) {
                                   y = Gemm<tail = "mul(x1, relu(add(x0, x1)))">(x, const[5,3], _, r) })t");
}

TEST(FuseTails, LeavesAlone) {
    expect_unchanged(fuse_tails, {
        {"the sums are read twice", R"t((f32[N,5] x) => (f32[N,3] y, f32[N,3] z) { c = Gemm(x, random[5,3])
            y = "tercet":Pointwise<expr = "relu(x0)">(c) z = Softmax(c) })t"},
        {"varies along another axis", R"t((f32[N,2,5] x) => (f32[N,2,3] y) { c = MatMul(x, random[5,3])
            y = "tercet":Pointwise<expr = "mul(x0, x1)">(c, random[2,1]) })t"},
        {"varies along two of three axes", R"t((f32[N,2,5] x) => (f32[N,2,3] y) { c = MatMul(x, random[5,3])
            y = "tercet":Pointwise<expr = "mul(x0, x1)">(c, random[2,3]) })t"},
        {"the result is larger", R"t((f32[1,5] x, f32[N,3] r) => (f32[N,3] y) { c = Gemm(x, random[5,3])
            y = "tercet":Pointwise<expr = "add(x0, x1)">(c, r) })t"},
        {"no kernel with a tail", R"t((f32[N,5] x) => (f32[N,5] y) { c = Softmax(x)
            y = "tercet":Pointwise<expr = "log(x0)">(c) })t"},
        {"indices", R"t((f32[N,2,6] x) => (f32[N,2,3] y, i64[N,2,3] i) { c, i = MaxPool<kernel_shape = [2], strides = [2]>(x)
            y = "tercet":Pointwise<expr = "relu(x0)">(c) })t"},
    });
}

}  // namespace
}  // namespace tercet::testing
