// SPDX-License-Identifier: Apache-2.0
#include "passes/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

TEST(RecognizeNormalization, LayerNormAsTorchWritesIt) {
    expect_rewrite(recognize_normalization, R"((f32[N,S,8] x) => (f32[N,S,8] y) {
                       m = ReduceMean(x, i64[1]{-1}) d = Sub(x, m) p = Pow(d, f32{2}) v = ReduceMean(p, i64[1]{-1})
                       e = Add(v, f32{0.5}) s = Sqrt(e) n = Div(d, s) g = Mul(n, positive[8]) y = Add(g, random[8]) })",
                   R"((f32[N,S,8] x) => (f32[N,S,8] y) { y = LayerNormalization<axis = -1, epsilon = 0.5>(x, const[8], const[8]) })");
    // A square as a product, constants first, axes counted from the front.
    expect_rewrite(recognize_normalization, R"((f32[N,S,8] x) => (f32[N,S,8] y) {
                       m = ReduceMean(x, i64[1]{2}) d = Sub(x, m) p = Mul(d, d) v = ReduceMean(p, i64[1]{2})
                       e = Add(f32[1]{0.5}, v) s = Sqrt(e) n = Div(d, s) g = Mul(positive[1,1,8], n) y = Add(random[8], g) })",
                   R"((f32[N,S,8] x) => (f32[N,S,8] y) { y = LayerNormalization<axis = -1, epsilon = 0.5>(x, const[8], const[8]) })");
}

TEST(RecognizeNormalization, LayerNormOverSeveralAxes) {
    expect_rewrite(recognize_normalization, R"((f32[N,3,4,5] x) => (f32[N,3,4,5] y) {
                       m = ReduceMean(x, i64[2]{-1, -2}) d = Sub(x, m) p = Mul(d, d) v = ReduceMean(p, i64[2]{2, 3})
                       e = Add(v, f32{0.5}) s = Sqrt(e) n = Div(d, s) g = Mul(n, positive[4,5]) y = Add(g, random[4,5]) })",
                   R"((f32[N,3,4,5] x) => (f32[N,3,4,5] y) { y = LayerNormalization<axis = -2, epsilon = 0.5>(x, const[4,5], const[4,5]) })");
}

TEST(RecognizeNormalization, LayerNormOfMultipliedInverses) {
    for (const char* inverse : {"s = Sqrt(e) i = Reciprocal(s)", "s = Sqrt(e) i = Div(f32{1}, s)", "i = Pow(e, f32{-0.5})"}) {
        const std::string start = std::string(R"((f32[N,S,8] x) => (f32[N,S,8] y) {
            m = ReduceMean(x, i64[1]{-1}) d = Sub(x, m) p = Mul(d, d) v = ReduceMean(p, i64[1]{-1}) e = Add(v, f32{0.5}) )") + inverse;
        const char* whole = R"((f32[N,S,8] x) => (f32[N,S,8] y) { y = LayerNormalization<axis = -1, epsilon = 0.5>(x, const[8], const[8]) })";
        const char* unshifted = R"((f32[N,S,8] x) => (f32[N,S,8] y) { y = LayerNormalization<axis = -1, epsilon = 0.5>(x, const[8]) })";
        expect_rewrite(recognize_normalization, start + " n = Mul(d, i) g = Mul(n, positive[8]) y = Add(g, random[8]) }", whole);
        expect_rewrite(recognize_normalization, start + " g = Mul(i, positive[8]) n = Mul(d, g) y = Add(n, random[8]) }", whole);
        // As Keras has it: x * (inverse * gamma) + (beta - mean * (inverse * gamma))
        expect_rewrite(recognize_normalization, start + " g = Mul(i, positive[8]) a = Mul(x, g) b = Mul(m, g) c = Sub(random[8], b) y = Add(a, c) }", whole);
        expect_rewrite(recognize_normalization, start + " a = Mul(x, i) b = Mul(m, i) c = Sub(random[8], b) y = Add(c, a) }", whole);
        expect_rewrite(recognize_normalization, start + " g = Mul(i, positive[8]) a = Mul(x, g) b = Mul(g, m) y = Sub(a, b) }", unshifted);
        expect_rewrite(recognize_normalization, start + " y = Mul(d, i) }", unshifted);
    }
}

TEST(RecognizeNormalization, LayerNormWithoutParametersAndBeforeOthers) {
    expect_rewrite(recognize_normalization, R"((f32[N,S,8] x, f32[N,S,8] r, f32[8] b) => (f32[N,S,8] y, f32[N,S,8] z) {
                       m = ReduceMean(x, i64[1]{-1}) d = Sub(x, m) p = Mul(d, d) v = ReduceMean(p, i64[1]{-1})
                       e = Add(v, f32{0.5}) s = Sqrt(e) n = Div(d, s) y = Add(n, r) z = Add(n, b) })",
                   R"((f32[N,S,8] x, f32[N,S,8] r, f32[8] b) => (f32[N,S,8] y, f32[N,S,8] z) {
                       n = LayerNormalization<axis = -1, epsilon = 0.5>(x, const[8]) y = Add(n, r) z = Add(n, b) })");
    expect_rewrite(recognize_normalization, R"((f16[N,S,8] x) => (f16[N,S,8] y) {
                       c = Cast<to = 1>(x) m = ReduceMean(c, i64[1]{-1}) d = Sub(c, m) p = Pow(d, f32{2}) v = ReduceMean(p, i64[1]{-1})
                       e = Add(v, f32{0.5}) s = Sqrt(e) n = Div(d, s) g = Mul(n, positive[8]) b = Add(g, random[8]) y = Cast<to = 10>(b) })",
                   R"((f16[N,S,8] x) => (f16[N,S,8] y) {
                       c = Cast<to = 1>(x) b = LayerNormalization<axis = -1, epsilon = 0.5>(c, const[8], const[8]) y = Cast<to = 10>(b) })");
}

TEST(RecognizeNormalization, RMSNorm) {
    for (const char* rest : {"s = Sqrt(e) i = Reciprocal(s) n = Mul(x, i) y = Mul(positive[8], n)", "s = Sqrt(e) n = Div(x, s) y = Mul(n, positive[8])",
                             "s = Sqrt(e) i = Div(f32{1}, s) g = Mul(i, positive[8]) y = Mul(x, g)", "i = Pow(e, f32{-0.5}) n = Mul(i, x) y = Mul(n, positive[8])"})
        expect_rewrite(recognize_normalization, std::string(R"((f32[N,S,8] x) => (f32[N,S,8] y) {
                           p = Pow(x, f32{2}) v = ReduceMean(p, i64[1]{-1}) e = Add(v, f32{0.5}) )") + rest + " }",
                       R"((f32[N,S,8] x) => (f32[N,S,8] y) { y = RMSNormalization<axis = -1, epsilon = 0.5>(x, const[8]) })");
}

TEST(RecognizeNormalization, LeavesAlone) {
    const auto norm = [](std::string mean, std::string square, std::string end) {
        return "(f32[N,5,8] x, f32[N,5,8] r) => (f32[N,5,8] y) { m = ReduceMean" + mean + " d = Sub(x, m) p = " + square +
               " v = ReduceMean(p, i64[1]{-1}) e = Add(v, f32{0.5}) s = Sqrt(e) " + end + " }";
    };
    expect_unchanged(recognize_normalization, {
        {"of the square of something else", norm("(x, i64[1]{-1})", "Mul(x, x)", "y = Div(d, s)")},
        {"a fourth power", norm("(x, i64[1]{-1})", "Pow(d, f32{4})", "y = Div(d, s)")},
        {"a product of two values", norm("(x, i64[1]{-1})", "Mul(d, r)", "y = Div(d, s)")},
        {"divides something else", norm("(x, i64[1]{-1})", "Mul(d, d)", "y = Div(r, s)")},
        {"divided by", norm("(x, i64[1]{-1})", "Mul(d, d)", "y = Div(s, d)")},
        {"axes are not the last ones", "(f32[N,5,8] x) => (f32[N,5,8] y) { m = ReduceMean(x, i64[1]{1}) d = Sub(x, m) p = Mul(d, d)"
                                       " v = ReduceMean(p, i64[1]{1}) e = Add(v, f32{0.5}) s = Sqrt(e) y = Div(d, s) }"},
        {"the root is read elsewhere", "(f32[N,5,8] x) => (f32[N,5,8] y, f32[N,5,1] s) { m = ReduceMean(x, i64[1]{2}) d = Sub(x, m) p = Mul(d, d)"
                                       " v = ReduceMean(p, i64[1]{2}) e = Add(v, f32{0.5}) s = Sqrt(e) y = Div(d, s) }"},
        {"epsilon is computed", "(f32[N,5,8] x, f32 eps) => (f32[N,5,8] y) { p = Mul(x, x) v = ReduceMean(p, i64[1]{2}) e = Add(v, eps) s = Sqrt(e) y = Div(x, s) }"},
        {"no extents known for a scale", "(f32[N,C] x) => (f32[N,C] y) { p = Mul(x, x) v = ReduceMean(p, i64[1]{1}) e = Add(v, f32{1}) s = Sqrt(e) y = Div(x, s) }"},
    });
    // The mean over other axes than the square's: what is left is RMS normalization of the difference.
    expect_rewrite(recognize_normalization, norm("(x, i64[1]{1})", "Mul(d, d)", "y = Div(d, s)"),
                   "(f32[N,5,8] x, f32[N,5,8] r) => (f32[N,5,8] y) { m = ReduceMean(x, i64[1]{1}) d = Sub(x, m) y = RMSNormalization<axis = -1, epsilon = 0.5>(d, const[8]) }");
}

}  // namespace
}  // namespace tercet::testing
