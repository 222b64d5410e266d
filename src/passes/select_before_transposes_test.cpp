// SPDX-License-Identifier: Apache-2.0
#include "passes/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

const std::string transposed = "t = Transpose<perm = [2, 0, 3, 1, 4]>(x) ";

TEST(SelectBeforeTransposes, ByIndex) {
    expect_rewrite(select_before_transposes, "(f32[N,S,3,4,8] x) => (f32[N,4,S,8] a, f32[N,4,S,8] b) { " + transposed + R"(
                       a = Gather(t, i64{0}) b = Gather<axis = 0>(t, i64{-1}) })",
                   R"((f32[N,S,3,4,8] x) => (f32[N,4,S,8] a, f32[N,4,S,8] b) {
                       a_untransposed = Gather<axis = 2>(x, i64{0}) a = Transpose<perm = [0, 2, 1, 3]>(a_untransposed)
                       b_untransposed = Gather<axis = 2>(x, i64{-1}) b = Transpose<perm = [0, 2, 1, 3]>(b_untransposed) })");
    expect_rewrite(select_before_transposes, "(f32[S,N,3,8] x) => (f32[S,N,8] a) { t = Transpose<perm = [2, 0, 1, 3]>(x) a = Gather(t, i64{1}) }",
                   "(f32[S,N,3,8] x) => (f32[S,N,8] a) { a = Gather<axis = 2>(x, i64{1}) }");
}

TEST(SelectBeforeTransposes, ByRange) {
    expect_rewrite(select_before_transposes, "(f32[N,S,3,4,8] x) => (f32[N,4,S,8] a) { " + transposed + R"(
                       s = Slice(t, i64[1]{1}, i64[1]{2}, i64[1]{0}) a = Squeeze(s, i64[1]{0}) })",
                   R"((f32[N,S,3,4,8] x) => (f32[N,4,S,8] a) {
                       s_untransposed = Slice(x, i64[1]{1}, i64[1]{2}, i64[1]{2}) a_untransposed = Squeeze(s_untransposed, i64[1]{2}) a = Transpose<perm = [0, 2, 1, 3]>(a_untransposed) })");
    expect_rewrite(select_before_transposes, "(f32[N,S,3,4,8] x) => (f32[1,N,4,S,8] a, f32[2,N,4,S,8] b) { " + transposed + "a, b = Split(t, i64[2]{1, 2}) }",
                   R"((f32[N,S,3,4,8] x) => (f32[1,N,4,S,8] a, f32[2,N,4,S,8] b) { a_untransposed, b_untransposed = Split<axis = 2>(x, i64[2]{1, 2})
                       a = Transpose<perm = [2, 0, 3, 1, 4]>(a_untransposed) b = Transpose<perm = [2, 0, 3, 1, 4]>(b_untransposed) })");
}

TEST(SelectBeforeTransposes, LeavesAlone) {
    expect_unchanged(select_before_transposes, {
        {"all of it is read, too", "(f32[N,S,3,4,8] x) => (f32[N,4,S,8] a, f32[3,N,4,S,8] t) { " + transposed + "a = Gather(t, i64{0}) }"},
        {"others read it", "(f32[N,S,3,4,8] x) => (f32[N,4,S,8] a, f32[3,N,4,S,8] b) { " + transposed + "a = Gather(t, i64{0}) b = Relu(t) }"},
        {"several indices", "(f32[N,S,3,4,8] x) => (f32[2,N,4,S,8] a) { " + transposed + "a = Gather(t, i64[2]{0, 1}) }"},
        {"an index that is computed", "(f32[N,S,3,4,8] x, i64 i) => (f32[N,4,S,8] a) { " + transposed + "a = Gather(t, i) }"},
    });
}

}  // namespace
}  // namespace tercet::testing
