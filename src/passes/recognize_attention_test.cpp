// SPDX-License-Identifier: Apache-2.0
#include "passes/testing.h"

#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

constexpr const char* inputs = "(f32[N,S,8] q, f32[N,T,8] k, f32[N,T,8] v, f32[N,1,S,T] m, bool[S,T] b) => (f32[N,S,8] y) { ";

// Queries, keys and values split up into 4 heads of 2, and put together again.
std::string heads(const std::string& scores, const std::string& keys = "kh = Transpose<perm = [0, 2, 3, 1]>(k4)") {
    return std::string(inputs) + R"(
        q4 = Reshape(q, i64[4]{0, 0, 4, 2}) qh = Transpose<perm = [0, 2, 1, 3]>(q4) k4 = Reshape(k, i64[4]{0, 0, 4, 2}) )" + keys + R"(
        v4 = Reshape(v, i64[4]{0, 0, 4, 2}) vh = Transpose<perm = [0, 2, 1, 3]>(v4) )" + scores + R"(
        z = MatMul(p, vh) zt = Transpose<perm = [0, 2, 1, 3]>(z) y = Reshape(zt, i64[3]{0, 0, 8}) })";
}

std::string attention(const std::string& scale, const std::string& before = {}, const std::string& mask = {}) {
    return std::string(inputs) + before + " zt_packed = Attention<kv_num_heads = 4, q_num_heads = 4, scale = " + scale + ">(q, k, v" + mask +
           ") zt = Reshape(zt_packed, i64[4]{0, 0, 4, 2}) y = Reshape(zt, i64[3]{0, 0, 8}) }";
}

TEST(RecognizeAttention, OfHeadsThatAreSplitUp) {
    expect_rewrite(recognize_attention, heads("s = MatMul(qh, kh) p = Softmax(s)"), attention("1.0"));
    expect_rewrite(recognize_attention, heads("s = MatMul(qh, kt) p = Softmax<axis = 3>(s)", "kh = Transpose<perm = [0, 2, 1, 3]>(k4) kt = Transpose<perm = [0, 1, 3, 2]>(kh)"),
                   attention("1.0"));
}

TEST(RecognizeAttention, WithItsScaleWhereverItIs) {
    for (const char* scores : {"s = MatMul(qh, kh) u = Mul(s, f32{0.25}) p = Softmax(u)", "s = MatMul(qh, kh) u = Div(s, f32{4}) p = Softmax(u)",
                               "u = Mul(f32[1]{0.25}, qh) s = MatMul(u, kh) p = Softmax(s)", "u = Div(kh, f32{4}) s = MatMul(qh, u) p = Softmax(s)",
                               "u = Div(qh, f32{2}) w = Mul(kh, f32{0.5}) s = MatMul(u, w) p = Softmax(s)"})
        expect_rewrite(recognize_attention, heads(scores), attention("0.25"));
    expect_rewrite(recognize_attention, heads("s = MatMul(qh, kt) p = Softmax(s)",
                                              "kh = Transpose<perm = [0, 2, 1, 3]>(k4) ks = Mul(kh, f32{0.25}) kt = Transpose<perm = [0, 1, 3, 2]>(ks)"), attention("0.25"));
    // As a factor of what the heads were split from.
    expect_rewrite(recognize_attention, R"((f32[N,S,8] x) => (f32[N,S,8] y) {
        q = Mul(x, f32{0.25}) q4 = Reshape(q, i64[4]{0, 0, 4, 2}) qh = Transpose<perm = [0, 2, 1, 3]>(q4) x4 = Reshape(x, i64[4]{0, 0, 4, 2})
        kh = Transpose<perm = [0, 2, 3, 1]>(x4) vh = Transpose<perm = [0, 2, 1, 3]>(x4)
        s = MatMul(qh, kh) p = Softmax(s) z = MatMul(p, vh) zt = Transpose<perm = [0, 2, 1, 3]>(z) y = Reshape(zt, i64[3]{0, 0, 8}) })",
                   R"((f32[N,S,8] x) => (f32[N,S,8] y) { zt_packed = Attention<kv_num_heads = 4, q_num_heads = 4, scale = 0.25>(x, x, x)
        zt = Reshape(zt_packed, i64[4]{0, 0, 4, 2}) y = Reshape(zt, i64[3]{0, 0, 8}) })");
}

TEST(RecognizeAttention, WithMasks) {
    expect_rewrite(recognize_attention, heads("s = MatMul(qh, kh) u = Mul(s, f32{0.25}) w = Add(u, m) p = Softmax(w)"), attention("0.25", "", ", m"));
    expect_rewrite(recognize_attention, heads("s = MatMul(qh, kh) u = Mul(s, f32{0.25}) w = Add(m, u) p = Softmax(w)"), attention("0.25", "", ", m"));
    expect_rewrite(recognize_attention, heads("s = MatMul(qh, kh) w = Where(b, s, f32{-3e38}) p = Softmax(w)"),
                   attention("1.0", "p_mask = Where(b, f32{0}, f32{-3e38})", ", p_mask"));
    expect_rewrite(recognize_attention, heads("s = MatMul(qh, kh) w = Where(b, f32{-3e38}, s) t = Add(w, m) p = Softmax(t)"),
                   attention("1.0", "p_mask = Where(b, f32{-3e38}, f32{0}) p_mask_2 = Add(m, p_mask)", ", p_mask_2"));
}

TEST(RecognizeAttention, WithKeysHiddenByMinusInfinity) {
    expect_rewrite(recognize_attention, heads("s = MatMul(qh, kh) w = Where(b, s, f32{-inf}) o = Softmax(w) n = IsNaN(o) p = Where(n, f32{0}, o)"),
                   attention("1.0", "", ", b"));
    expect_rewrite(recognize_attention, heads("s = MatMul(qh, kh) w = Where(b, f32{-inf}, s) o = Softmax(w) n = IsNaN(o) p = Where(n, f32{0}, o)"),
                   attention("1.0", "o_mask = Not(b)", ", o_mask"));
}

TEST(RecognizeAttention, OfFourAxesWhereHeadsComeFirst) {
    expect_rewrite(recognize_attention, R"((f32[N,4,S,2] q, f32[N,4,T,2] k, f32[N,4,T,3] v) => (f32[N,4,S,3] y) {
                       kt = Transpose<perm = [0, 1, 3, 2]>(k) s = MatMul(q, kt) u = Mul(s, f32{0.5}) p = Softmax(u) y = MatMul(p, v) })",
                   R"((f32[N,4,S,2] q, f32[N,4,T,2] k, f32[N,4,T,3] v) => (f32[N,4,S,3] y) { y = Attention<scale = 0.5>(q, k, v) })");
    // Keys that lie transposed are transposed.
    expect_rewrite(recognize_attention, R"((f32[N,4,S,2] q, f32[N,4,2,T] k, f32[N,T,4,2] v) => (f32[N,4,S,2] y) {
                       vh = Transpose<perm = [0, 2, 1, 3]>(v) s = MatMul(q, k) p = Softmax(s) y = MatMul(p, vh) })",
                   R"((f32[N,4,S,2] q, f32[N,4,2,T] k, f32[N,T,4,2] v) => (f32[N,4,S,2] y) {
                       y_k = Transpose<perm = [0, 1, 3, 2]>(k) y_v = Transpose<perm = [0, 2, 1, 3]>(v) y = Attention<scale = 1.0>(q, y_k, y_v) })");
}

TEST(RecognizeAttention, OfThreeAxesIsOneHead) {
    expect_rewrite(recognize_attention, R"((f32[N,S,4] q, f32[N,T,4] k, f32[N,T,3] v, f32[N,S,T] m) => (f32[N,S,3] y) {
                       kt = Transpose<perm = [0, 2, 1]>(k) s = MatMul(q, kt) u = Mul(s, f32{0.5}) w = Add(u, m) p = Softmax(w) y = MatMul(p, v) })",
                   R"((f32[N,S,4] q, f32[N,T,4] k, f32[N,T,3] v, f32[N,S,T] m) => (f32[N,S,3] y) {
                       m_of_heads = Unsqueeze(m, i64[1]{1}) y = Attention<kv_num_heads = 1, q_num_heads = 1, scale = 0.5>(q, k, v, m_of_heads) })");
}

TEST(RecognizeAttention, LeavesAlone) {
    expect_unchanged(recognize_attention, {
        {"another axis", heads("s = MatMul(qh, kh) t = Transpose<perm = [0, 1, 3, 2]>(s) o = Softmax<axis = 2>(t) p = Transpose<perm = [0, 1, 3, 2]>(o)")},
        {"a mask that varies with the scores' last axis only by broadcast", heads("s = MatMul(qh, kh) u = Add(s, random[1]) p = Softmax(u)")},
        {"a scale behind the mask", heads("s = MatMul(qh, kh) u = Add(s, m) w = Mul(u, f32{0.5}) p = Softmax(w)")},
        {"a negative scale", heads("s = MatMul(qh, kh) u = Mul(s, f32{-0.5}) p = Softmax(u)")},
        {"a fill that scores are seen through", heads("s = MatMul(qh, kh) w = Where(b, s, f32{-10000}) p = Softmax(w)")},
        {"scores read elsewhere", "(f32[N,S,4] q, f32[N,4,T] k, f32[N,T,3] v) => (f32[N,S,3] y, f32[N,S,T] s) { s = MatMul(q, k) p = Softmax(s) y = MatMul(p, v) }"},
        {"weights read elsewhere", "(f32[N,S,4] q, f32[N,4,T] k, f32[N,T,3] v) => (f32[N,S,3] y, f32[N,S,T] p) { s = MatMul(q, k) p = Softmax(s) y = MatMul(p, v) }"},
        {"broadcast heads", "(f32[N,4,S,2] q, f32[N,1,2,T] k, f32[N,1,T,2] v) => (f32[N,4,S,2] y) { s = MatMul(q, k) p = Softmax(s) y = MatMul(p, v) }"},
        {"scores that are no product", "(f32[N,S,T] s, f32[N,T,3] v) => (f32[N,S,3] y) { p = Softmax(s) y = MatMul(p, v) }"},
        {"the weights on the right", "(f32[N,S,4] q, f32[N,4,T] k, f32[N,3,S] v) => (f32[N,3,T] y) { s = MatMul(q, k) p = Softmax(s) y = MatMul(v, p) }"},
        {"matrices", "(f32[S,4] q, f32[4,T] k, f32[T,3] v) => (f32[S,3] y) { s = MatMul(q, k) p = Softmax(s) y = MatMul(p, v) }"},
    });
}

}  // namespace
}  // namespace tercet::testing
