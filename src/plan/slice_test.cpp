// SPDX-License-Identifier: Apache-2.0
#include "engine/samples.h"
#include "ops/testing.h"
#include "plan/plan.h"

#include <gtest/gtest.h>

namespace tercet {
namespace {

using testing::typed_graph;

Program program_of(std::string_view text) { return lower(typed_graph(text), {{"N", {1, 16, 32}}}); }

TEST(BatchSymbol, IsFoundWhereSamplesStayApart) {
    for (std::string_view text : {
             "(f32[N,4] x) => (f32[N,4] y) { y = Relu(x) }",
             "(f32[N,4] x, f32[N,1] s) => (f32[N,4] y) { y = Mul(x, s) }",
             "(f32[N,4] x) => (f32[N,4] y) { y = Add(x, f32[1,4]{1, 2, 3, 4}) }",
             "(f32[N,5,5,2] x) => (f32[N,3,3,3] y) { y = Conv<layout = \"NHWC\">(x, random[3,2,3,3], random[3]) }",
             "(f32[N,6] x) => (f32[N,3] y) { y = Gemm(x, random[6,3], random[3]) }",
             "(f32[N,4,6] x) => (f32[N,4,3] y) { y = MatMul(x, random[6,3]) }",
             "(f32[N,4,6] x) => (f32[N,24] y) { y = Reshape(x, i64[2]{0, 24}) }",
             "(f32[N,4,6] x) => (f32[N,6,4] y) { y = Transpose<perm = [0, 2, 1]>(x) }",
             "(f32[N,4] x) => (f32[N,8] y) { y = Concat<axis = 1>(x, x) }",
             "(f32[N,4] x) => (f32[N,4] y) { y = Softmax(x) }",
         }) {
        EXPECT_EQ(batch_symbol(program_of(text)), "N") << text;
        EXPECT_GT(choose_slice(program_of(text)), 0) << text;
    }
}

TEST(BatchSymbol, IsMissingWhereSamplesMeet) {
    for (std::string_view text : {
             "(f32[N,4] x) => (f32[N,4] y) { y = Softmax<axis = 0>(x) }",
             "(f32[N,4] x) => (f32[4] y) { y = ReduceMean<keepdims = 0>(x, i64[1]{0}) }",
             "(f32[N,4] x) => (f32[N,4] y) { m = ReduceMax(x, i64[1]{0})\n y = Sub(x, m) }",
             "(f32[N,4] x) => (f32[4,N] y) { y = Transpose<perm = [1, 0]>(x) }",
             "(f32[N,4] x) => (f32[2*N,4] y) { y = Concat<axis = 0>(x, x) }",
             "(f32[N,4] x) => (f32[4*N] y) { y = Reshape(x, i64[1]{-1}) }",
             "(f32[4,N] x) => (f32[4,N] y) { y = Relu(x) }",
             "(f32[N,4] x) => (f32[N,4] y) { y = CumSum(x, i64{0}) }",
             "(f32[N,3,5] x) => (f32[N,3,5] y) { y = BatchNormalization<training_mode = 1>(x, random[3], random[3], random[3], positive[3]) }",
             "(f32[N,3] x, f32[3,4] w) => (f32[N,4] y) { y = MatMul(x, w) }",
             "(f32[N,4] x, f32[4] b) => (f32[N,4] y) { y = Add(x, b) }",
         }) {
        EXPECT_EQ(batch_symbol(program_of(text)), std::nullopt) << text;
        EXPECT_EQ(choose_slice(program_of(text)), 0) << text;
    }
}

TEST(Slices, AreAsManyForEachWorker) {
    Program p = program_of("(f32[N,4] x) => (f32[N,4] y) { y = Relu(x) }");
    p.slice = 4;
    EXPECT_EQ(slice_of(p, 1, 2), 0);   // too few: all workers together
    EXPECT_EQ(slice_of(p, 3, 4), 0);
    EXPECT_EQ(slice_of(p, 2, 2), 1);
    EXPECT_EQ(slice_of(p, 5, 2), 3);
    EXPECT_EQ(slice_of(p, 32, 2), 4);
    EXPECT_EQ(slice_of(p, 36, 2), 4);  // ten slices, the last ones smaller or none
    EXPECT_EQ(slice_of(p, 9, 1), 3);
    p.slice = 0;
    EXPECT_EQ(slice_of(p, 32, 2), 0);
}

TEST(Slices, AreLargerWhereWeightsWeighMoreThanActivations) {
    EXPECT_EQ(choose_slice(program_of("(f32[N,512] x) => (f32[N,512] y) { y = MatMul(x, random[512,512]) }")), 8);
    EXPECT_EQ(choose_slice(program_of("(f32[N,2000000] x) => (f32[N,2000000] y) { a = Relu(x)\n y = Sigmoid(a) }")), 1);
}

}  // namespace
}  // namespace tercet
