// SPDX-License-Identifier: Apache-2.0
#include "passes/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(RemoveIdentities, GiveBackTheirInput) {
    for (const char* node : {"Identity(r)", "Dropout(r)", "Dropout(r, f32{0.3}, bool{0})", "Cast<to = 1>(r)",
                             "Reshape(r, i64[3]{0, 0, -1})",
                             "Transpose<perm = [0, 1, 2]>(r)", "Expand(r, i64[3]{1, 3, 1})", "Tile(r, i64[3]{1, 1, 1})",
                             "Slice(r, i64[1]{0}, i64[1]{9999}, i64[1]{1})", "Slice(r, i64[1]{-3}, i64[1]{9999}, i64[1]{1}, i64[1]{1})",
                             "Pad(r, i64[6]{0, 0, 0, 0, 0, 0})", "Concat<axis = 1>(r)", "Sum(r)", "Max(r)", "Mean(r)", "Mul(r, f32{1})",
                             "Mul(f32[1,3,1]{1, 1, 1}, r)", "Div(r, f32[1]{1})", "Add(r, f32{0})",
                             "Add(f32[3,1]{0, 0, 0}, r)", "Sub(r, f32{0})", "Squeeze(r, i64[0]{})"})
        expect_rewrite(remove_identities, std::string("(f32[N,3,4] x) => (f32[N,3,4] y) { r = Abs(x) i = ") + node + ""
            " y = Relu(i) }",
                       "(f32[N,3,4] x) => (f32[N,3,4] y) { r = Abs(x) y = Relu(r) }");
}

TEST(RemoveIdentities, AnInputMayBeAnOutput) {
    expect_rewrite(remove_identities, "(f32[N] x) => (f32[N] y) { y = Identity(x) }", "(f32[N] x) => (f32[N] y = x) { }");
    expect_rewrite(remove_identities, "(f32[N] x) => (f32[N] y) { r = Relu(x) y = Identity(r) }", "(f32[N] x) => (f32[N] y) {"
        " y = Relu(x) }");
}

TEST(RemoveIdentities, LeavesAlone) {
    expect_unchanged(remove_identities, {
        {"another type", "(f32[N] x) => (i64[N] y) { y = Cast<to = 7>(x) }"},
        {"reversed", "(f32[N,3] x) => (f32[N,3] y) { y = Slice(x, i64[1]{-1}, i64[1]{-9999}, i64[1]{1}, i64[1]{-1}) }"},
        {"shifted", "(f32[N,3] x) => (f32[N,3] y) { y = Pad(x, i64[4]{0, -1, 0, 1}) }"},
        {"swapped axes of equal extent", "(f32[3,3] x) => (f32[3,3] y) { y = Transpose(x) }"},
        {"1 - x", "(f32[N] x) => (f32[N] y) { y = Sub(f32{0}, x) }"},
        {"1 / x", "(f32[N] x) => (f32[N] y) { y = Div(f32{1}, x) }"},
        {"not all 1", "(f32[N,2] x) => (f32[N,2] y) { y = Mul(x, f32[2]{1, 2}) }"},
        {"more axes", "(f32[N] x) => (f32[1,N] y) { y = Mul(x, f32[1,1]{1}) }"},
        {"the mask is read", "(f32[N] x) => (f32[N] y, bool[N] m) { y, m = Dropout(x) }"},
        {"another shape", "(f32[N,6] x) => (f32[N,2,3] y) { y = Reshape(x, i64[3]{0, 2, 3}) }"},
    });
}

}  // namespace
}  // namespace tercet::testing
