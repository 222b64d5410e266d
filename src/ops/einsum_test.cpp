// SPDX-License-Identifier: Apache-2.0
#include "graph/text.h"
#include "ops/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(Einsum, MultipliesMatrices) {
    expect_values(R"((f32[2,3] a, f32[3,2] b) => (f32[2,2] y) { y = Einsum<equation = "ij,jk->ik">(a, b) })",
                  {"f32[2,3]{1,2,3,4,5,6}", "f32[3,2]{1,0,0,1,1,1}"}, {"f32[2,2]{4,5,10,11}"});
    expect_values(R"((i32[2,3] a, i32[3,2] b) => (i32[2,2] y) { y = Einsum<equation = " i j , j k -> k i ">(a, b) })",
                  {"i32[2,3]{1,2,3,4,5,6}", "i32[3,2]{1,0,0,1,1,1}"}, {"i32[2,2]{4,10,5,11}"});
    expect_values(R"((f32[2,1,2] a, f32[2,2,1] b) => (f32[2,1,1] y) { y = Einsum<equation = "...ij,...jk">(a, b) })",
                  {"f32[2,1,2]{1,2,3,4}", "f32[2,2,1]{5,6,7,8}"}, {"f32[2,1,1]{17,53}"});
}

TEST(Einsum, TakesAnyNumberOfInputs) {
    expect_values(R"((f32[2,2] x) => (f32[] y) { y = Einsum<equation = "ij->">(x) })", {"f32[2,2]{1,2,3,4}"}, {"f32{10}"});
    expect_values(R"((f32[2] a, f32[2] b, f32[2] c) => (f32[2,2] y) { y = Einsum<equation = "i,j,j->ji">(a, b, c) })",
                  {"f32[2]{1,10}", "f32[2]{2,3}", "f32[2]{5,7}"}, {"f32[2,2]{10,100,21,210}"});
    expect_values(R"((f32[] a, f32[2] b) => (f32[2] y) { y = Einsum<equation = ",i->i">(a, b) })", {"f32{3}", "f32[2]{2,3}"}, {"f32[2]{6,9}"});
}

TEST(Einsum, WalksAlongDiagonals) {
    expect_values(R"((f32[2,2] x) => (f32[2] y) { y = Einsum<equation = "ii->i">(x) })", {"f32[2,2]{1,2,3,4}"}, {"f32[2]{1,4}"});
    expect_values(R"((f32[2,2] x) => (f32[] y) { y = Einsum<equation = "ii">(x) })", {"f32[2,2]{1,2,3,4}"}, {"f32{5}"});
    expect_values(R"((f32[2,2,2] x) => (f32[2,2] y) { y = Einsum<equation = "...ii->...i">(x) })", {"f32[2,2,2]{1,2,3,4,5,6,7,8}"}, {"f32[2,2]{1,4,5,8}"});
}

TEST(Einsum, SortsAnImplicitOutput) {
    expect_values(R"((f32[2,3] x) => (f32[3,2] y) { y = Einsum<equation = "ba">(x) })", {"f32[2,3]{1,2,3,4,5,6}"}, {"f32[3,2]{1,4,2,5,3,6}"});
    typed_graph(R"((f32[A,B,C] x, f32[C,D] z) => (f32[A,D,B] y) { y = Einsum<equation = "...aZ,ZB">(x, z) })");
}

TEST(Einsum, BroadcastsEllipses) {
    expect_values(R"((f32[2,1,2] a, f32[3,2] b) => (f32[2,3] y) { y = Einsum<equation = "...i,...i->...">(a, b) })",
                  {"f32[2,1,2]{1,2,3,4}", "f32[3,2]{1,0,0,1,1,1}"}, {"f32[2,3]{1,2,3,3,4,7}"});
    expect_values(R"((f32[2,2] a) => (f32[2] y) { y = Einsum<equation = "...i->i">(a) })", {"f32[2,2]{1,2,3,4}"}, {"f32[2]{4,6}"});
    expect_values(R"((f32[1,2] a, f32[3] b) => (f32[3,2] y) { y = Einsum<equation = "ij,i->ij">(a, b) })", {"f32[1,2]{1,2}", "f32[3]{1,2,3}"}, {"f32[3,2]{1,2,2,4,3,6}"});
    expect_values(R"((f32[0,2] a) => (f32[2] y) { y = Einsum<equation = "ij->j">(a) })", {"f32[0,2]{}"}, {"f32[2]{0,0}"});
    expect_values(R"((f32[2] a, f32[] b) => (f32[2] y) { y = Einsum<equation = "...,...">(a, b) })", {"f32[2]{2,3}", "f32{4}"}, {"f32[2]{8,12}"});
}

TEST(Einsum, RoundsOnceAndWraps) {
    expect_values(R"((f16[3] x) => (f16[] y) { y = Einsum<equation = "i->">(x) })", {"f16[3]{2048,1,1}"}, {"f16{2050}"}, 0);
    expect_values(R"((u8[2] x, u8[2] z) => (u8[] y) { y = Einsum<equation = "i,i">(x, z) })", {"u8[2]{16,1}", "u8[2]{16,3}"}, {"u8{3}"});
    expect_values(R"((i64[2] x) => (i64[2] y) { y = Einsum<equation = "i,i->i">(x, x) })", {"i64[2]{-3037000499,2}"}, {"i64[2]{9223372030926249001,4}"});
}

TEST(Einsum, KeepsSymbols) {
    typed_graph(R"((f32[B,H,Q,64] q, f32[B,H,K,64] k) => (f32[B,H,Q,K] y) { y = Einsum<equation = "bhqd,bhkd->bhqk">(q, k) })");
}

TEST(Einsum, RefusesWhatDoesNotFit) {
    struct { const char *text, *part; } cases[] = {
        {R"((f32[2,3] x) => (f32[] y) { y = Einsum<equation = "ij,jk">(x) })", "2 terms for 1 inputs"},
        {R"((f32[2,3] x) => (f32[] y) { y = Einsum<equation = "ijk">(x) })", "a term of 3 letters for a value of rank 2"},
        {R"((f32[2] x) => (f32[] y) { y = Einsum<equation = "ij...">(x) })", "a term of 2 letters for a value of rank 1"},
        {R"((f32[2,3] x) => (f32[] y) { y = Einsum<equation = "ii">(x) })", "a diagonal of the shape [2,3]"},
        {R"((f32[2,3] x, f32[2,3] z) => (f32[] y) { y = Einsum<equation = "ij,jk">(x, z) })", "extents of one letter differ: 3 and 2"},
        {R"((f32[2,3] x) => (f32[] y) { y = Einsum<equation = "ij->k">(x) })", "a letter of the output stands in no input"},
        {R"((f32[2,3] x) => (f32[] y) { y = Einsum<equation = "ij->ii">(x) })", "a letter stands twice in the output"},
        {R"((f32[2,3] x) => (f32[] y) { y = Einsum<equation = "i1">(x) })", "'1' is not understood"},
        {R"((f32[2,3] x) => (f32[] y) { y = Einsum<equation = "......ij">(x) })", "'.' is not understood"},
        {R"((f32[1,1,1,1,1] x) => (f32[] y) { y = Einsum<equation = "abcde,fghij->abcdefghij">(x, x) })", "more than 8 axes"},
        {R"((bool[2,3] x) => (f32[] y) { y = Einsum<equation = "ij">(x) })", "bool"},
        {R"((f32[2] x, f64[2] z) => (f32[] y) { y = Einsum<equation = "i,i">(x, z) })", "f64"},
    };
    for (const auto& c : cases) expect_infer_error(c.text, c.part);
}

TEST(Einsum, RefusesExtentsThatTurnOutNotToFit) {
    const Graph g = typed_graph(R"((f32[N] x, f32[M] z) => (f32[] y) { y = Einsum<equation = "i,i">(x, z) })");
    const std::vector in{parse_tensor("f32[2]{1,2}"), parse_tensor("f32[3]{1,2,3}")};
    EXPECT_THROW(evaluate(g, in), Error);
}

}  // namespace
}  // namespace tercet::testing
