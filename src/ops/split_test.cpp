// SPDX-License-Identifier: Apache-2.0
#include "ops/testing.h"
#include "ops/upgrade_testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(Split, InEqualParts) {
    expect_values("(f32[2,4] x) => (f32[2,2] a, f32[2,2] b) { a, b = Split<axis = 1, num_outputs = 2>(x) }", {"f32[2,4]{1,2,3,4,5,6,7,8}"},
                  {"f32[2,2]{1,2,5,6}", "f32[2,2]{3,4,7,8}"});
    expect_values("(f32[7] x) => (f32[3] a, f32[3] b, f32[1] c) { a, b, c = Split<num_outputs = 3>(x) }", {"f32[7]{1,2,3,4,5,6,7}"},
                  {"f32[3]{1,2,3}", "f32[3]{4,5,6}", "f32[1]{7}"});
    typed_graph("(f32[N,768] x) => (f32[N,256] a, f32[N,256] b, f32[N,256] c) { a, b, c = Split<axis = -1, num_outputs = 3>(x) }");
    typed_graph("(f32[6*N] x) => (f32[2*N] a) { a, b, c = Split<num_outputs = 3>(x) }");
    typed_graph("(f32[N] x) => (f32[floor((N + 1)/(2))] a, f32[N - floor((N + 1)/(2))] b) { a, b = Split<num_outputs = 2>(x) }");
}

TEST(Split, InPartsOfGivenSizes) {
    expect_values("(i64[6] x) => (i64[1] a, i64[0] b, i64[5] c) { a, b, c = Split(x, i64[3]{1, 0, 5}) }", {"i64[6]{1,2,3,4,5,6}"}, {"i64[1]{1}", "i64[0]{}", "i64[5]{2,3,4,5,6}"});
    expect_values("(bool[2,3] x) => (bool[2,2] b) { _, b = Split<axis = -1>(x, i64[2]{1, 2}) }", {"bool[2,3]{1,0,1,0,1,1}"}, {"bool[2,2]{0,1,1,1}"});
    expect_values("(f32[0,3] x) => (f32[0,1] a, f32[0,2] b) { a, b = Split<axis = 1>(x, i64[2]{1, 2}) }", {"f32[0,3]{}"}, {"f32[0,1]{}", "f32[0,2]{}"});
}

TEST(Split, Refuses) {
    expect_infer_error("(f32[6] x) => (f32[1] a) { a, b = Split(x, i64[2]{1, 4}) }", "the parts [1,4] have 5 elements together, the axis has 6");
    expect_infer_error("(f32[6] x) => (f32[1] a) { a, b = Split(x, i64[2]{7, -1}) }", "a part of -1 elements");
    expect_infer_error("(f32[6] x) => (f32[1] a) { a, b = Split(x, i64[3]{1, 2, 3}) }", "is split in 3 parts, has 2 outputs");
    expect_infer_error("(f32[6] x) => (f32[1] a) { a, b = Split<num_outputs = 3>(x) }", "is split in 3 parts, has 2 outputs");
    expect_infer_error("(f32[6] x) => (f32[1] a) { a, b = Split<num_outputs = 2>(x, i64[2]{3, 3}) }", "both");
    expect_infer_error("(f32[5] x) => (f32[1] a) { a, b, c, d = Split<num_outputs = 4>(x) }", "5 elements cannot be split in 4 parts");
    expect_infer_error("(f32[6] x) => (f32[6] a) { a = Split<split = [6]>(x) }", "attribute 'split' is an input");
}

TEST(Split, OfOlderOperatorSets) {
    const Graph g = upgraded("(f32[6] x) => (f32[2] a, f32[4] b) { a, b = Split<split = [2, 4]>(x) }", 11);
    EXPECT_EQ(text_of(g.value(g.outputs()[1].value).type), "f32[4]");
    const Graph even = upgraded("(f32[6] x) => (f32[3] a, f32[3] b) { a, b = Split(x) }", 13);
    EXPECT_EQ(text_of(even.value(even.outputs()[1].value).type), "f32[3]");
    EXPECT_EQ(even.node(even.order()[0]).attributes.integer("num_outputs", 0), 2);
}

}  // namespace
}  // namespace tercet::testing
