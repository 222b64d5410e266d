// SPDX-License-Identifier: Apache-2.0
#include "passes/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(FoldInputAffine, WithoutPaddingNothingRemains) {
    expect_rewrite(fold_input_affine, R"((f32[N,3,7,7] x) => (f32[N,4,5,5] y) { s = Sub(x, random[3,1,1])
        d = Div(s, positive[3,1,1]) y = Conv(d, random[4,3,3,3]) })",
                                      R"((f32[N,3,7,7] x) => (f32[N,4,5,5] y) { y = Conv(x, const[4,3,3,3], const[4]) })");
    expect_rewrite(fold_input_affine, R"((f32[N,4,7] x) => (f32[N,6,5] y) { s = Mul(random[1,4,1], x) a = Add(s, random[4,1])
        y = Conv<group = 2>(a, random[6,2,3], random[6]) })",
                                      R"((f32[N,4,7] x) => (f32[N,6,5] y) { y = Conv<group = 2>(x, const[6,2,3], const[6]) })");
}

TEST(FoldInputAffine, WithPaddingTheShiftRemains) {
    expect_rewrite(fold_input_affine, R"((f32[N,3,7,7] x) => (f32[N,4,7,7] y) { s = Sub(x, random[3,1,1])
        d = Div(s, positive[3,1,1])
                                            y = Conv<pads = [1, 1, 1, 1]>(d, random[4,3,3,3]) })",
                                      R"((f32[N,3,7,7] x) => (f32[N,4,7,7] y) { d_shifted = Add(x, const[3,1,1])
                                          y = Conv<pads = [1, 1, 1, 1]>(d_shifted, const[4,3,3,3]) })");
    expect_rewrite(fold_input_affine, "(f32[N,3,7] x) => (f32[N,4,7] y) { d = Div(x, f32{255})"
        " y = Conv<auto_pad = \"SAME_UPPER\">(d, random[4,3,3]) }",
                                      "(f32[N,3,7] x) => (f32[N,4,7] y) {"
                                          " y = Conv<auto_pad = \"SAME_UPPER\">(x, const[4,3,3]) }");
}

TEST(FoldInputAffine, SeesThroughATranspose) {
    expect_rewrite(fold_input_affine, R"((f32[N,7,7,3] x) => (f32[N,4,7,7] y) { s = Sub(x, random[3]) d = Div(s, positive[3])
        t = Transpose<perm = [0, 3, 1, 2]>(d)
                                            y = Conv<pads = [1, 1, 1, 1]>(t, random[4,3,3,3], random[4]) })",
                                      R"((f32[N,7,7,3] x) => (f32[N,4,7,7] y) { d_shifted = Add(x, const[3])
                                          t = Transpose<perm = [0, 3, 1, 2]>(d_shifted)
                                            y = Conv<pads = [1, 1, 1, 1]>(t, const[4,3,3,3], const[4]) })");
}

TEST(FoldInputAffine, LeavesAlone) {
    expect_unchanged(fold_input_affine, {
        {"only a shift, and padding", "(f32[N,3,7] x) => (f32[N,4,7] y) { s = Sub(x, random[3,1])"
            " y = Conv<pads = [1, 1]>(s, random[4,3,3]) }"},
        {"another reader", "(f32[N,3,7] x) => (f32[N,4,5] y, f32[N,3,7] r) { s = Mul(x, random[3,1]) y = Conv(s, random[4,3,3])"
            " r = Relu(s) }"},
        {"a scale of 0 leaves no x to shift", "(f32[N,3,7] x) => (f32[N,4,7] y) { s = Mul(x, f32[3,1]{1, 0, 2})"
            " a = Add(s, f32{1}) y = Conv<pads = [1, 1]>(a, random[4,3,3]) }"},
        {"varies along another axis", "(f32[N,3,7] x) => (f32[N,4,5] y) { s = Mul(x, random[7]) y = Conv(s, random[4,3,3]) }"},
        {"what is scaled is a constant", "(f32[1,3,7] x) => (f32[1,4,5] y) { s = Mul(random[1,3,7], f32{2}) a = Add(s, x)"
            " y = Conv(a, random[4,3,3]) }"},
    });
}

}  // namespace
}  // namespace tercet::testing
