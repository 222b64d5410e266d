// SPDX-License-Identifier: Apache-2.0
#include "passes/testing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

// Two heads of four; `k_order` makes [.., D, T] of the keys; `scores` are computed from a = MatMul(qt, kt).
std::string written_out(std::string_view k_moves, std::string_view scores, std::string_view more_inputs = "") {
    return fmt::format(R"((f32[N,S,8] q, f32[N,T,8] k, f32[N,T,8] v{}) => (f32[N,S,8] y) {{
        q1 = Reshape(q, i64[4]{{0, 0, 2, 4}}) k1 = Reshape(k, i64[4]{{0, 0, 2, 4}}) v1 = Reshape(v, i64[4]{{0, 0, 2, 4}})
        qt = Transpose<perm = [0, 2, 1, 3]>(q1) vt = Transpose<perm = [0, 2, 1, 3]>(v1) {}
        {} z = MatMul(w, vt) zt = Transpose<perm = [0, 2, 1, 3]>(z) y = Reshape(zt, i64[3]{{0, 0, 8}}) }})", more_inputs, k_moves, scores);
}
std::string attention(std::string_view scale, std::string_view mask = "", std::string_view more_inputs = "", std::string_view before = "") {
    return fmt::format("(f32[N,S,8] q, f32[N,T,8] k, f32[N,T,8] v{}) => (f32[N,S,8] y) {{ {} y = Attention<kv_num_heads = 2, q_num_heads = 2, scale = {}>(q, k, v{}) }}", more_inputs, before, scale, mask);
}
constexpr const char* once = "kt = Transpose<perm = [0, 2, 3, 1]>(k1)";

TEST(RecognizeAttention, LeavesNoMoves) {
    expect_rewrite(recognize_attention, written_out(once, "a = MatMul(qt, kt) d = Div(a, f32{2}) w = Softmax(d)"), attention("0.5"));
    expect_rewrite(recognize_attention, written_out("k2 = Transpose<perm = [0, 2, 1, 3]>(k1) kt = Transpose<perm = [0, 1, 3, 2]>(k2)", "a = MatMul(qt, kt) w = Softmax(a)"), attention("1.0"));
}

TEST(RecognizeAttention, ScalesWhereverTheScaleStands) {
    for (const char* scores : {"a = MatMul(qt, kt) d = Mul(f32{0.5}, a) w = Softmax(d)", "qs = Mul(qt, f32[1]{0.5}) a = MatMul(qs, kt) w = Softmax(a)",
                               "qs = Div(qt, f32{4}) ks = Mul(kt, f32{2}) a = MatMul(qs, ks) w = Softmax(a)"})
        expect_rewrite(recognize_attention, written_out(once, scores), attention("0.5"));
    expect_rewrite(recognize_attention, R"((f32[N,5,8] q, f32[N,6,4] k, f32[N,6,3] v) => (f32[N,5,3] y) {
        h = Slice(q, i64[1]{0}, i64[1]{4}, i64[1]{-1}) s = Mul(h, f32{0.25}) kt = Transpose<perm = [0, 2, 1]>(k) a = MatMul(s, kt) w = Softmax(a) y = MatMul(w, v) })",
                   R"((f32[N,5,8] q, f32[N,6,4] k, f32[N,6,3] v) => (f32[N,5,3] y) {
        h = Slice(q, i64[1]{0}, i64[1]{4}, i64[1]{-1}) y = Attention<kv_num_heads = 1, q_num_heads = 1, scale = 0.25>(h, k, v) })");
}

TEST(RecognizeAttention, TakesMasks) {
    const std::string real = ", f32[N,1,S,T] m", boolean = ", bool[N,1,1,T] m";
    expect_rewrite(recognize_attention, written_out(once, "a = MatMul(qt, kt) d = Div(a, f32{2}) b = Add(d, m) w = Softmax(b)", real), attention("0.5", ", m", real));
    expect_rewrite(recognize_attention, written_out(once, "a = MatMul(qt, kt) b = Add(m, a) w = Softmax(b)", real), attention("1.0", ", m", real));
    expect_rewrite(recognize_attention, written_out(once, "a = MatMul(qt, kt) b = Add(a, m) c = Add(b, r) w = Softmax(c)", real + ", f32[2,S,T] r"),
                   attention("1.0", ", m_joined", real + ", f32[2,S,T] r", "m_joined = Add(m, r)"));
    expect_rewrite(recognize_attention, written_out(once, "a = MatMul(qt, kt) b = Where(m, a, f32{-inf}) w = Softmax(b)", boolean), attention("1.0", ", m", boolean));
    expect_rewrite(recognize_attention, written_out(once, "a = MatMul(qt, kt) b = Where(m, f32{-inf}, a) w = Softmax(b)", boolean), attention("1.0", ", m_seen", boolean, "m_seen = Not(m)"));
    expect_rewrite(recognize_attention, written_out(once, "a = MatMul(qt, kt) b = Where(m, a, f32{-3e38}) w = Softmax(b)", boolean),
                   attention("1.0", ", m_added", boolean, "m_added = Where(m, f32{0}, f32{-3e38})"));
}

TEST(RecognizeAttention, MakesRowsWithoutKeysZero) {
    expect_rewrite(recognize_attention, written_out(once, "a = MatMul(qt, kt) p = Softmax(a) n = IsNaN(p) w = Where(n, f32{0}, p)"), attention("1.0"));
}

TEST(RecognizeAttention, TellsCausalMasks) {
    for (const char* join : {"b = Add(a, f32[3,3]{0, -inf, -inf, 0, 0, -inf, 0, 0, 0})", "b = Add(a, f32[1,1,3,3]{0, -10000, -10000, 0, 0, -10000, 0, 0, 0})",
                             "b = Where(bool[3,3]{1, 0, 0, 1, 1, 0, 1, 1, 1}, a, f32{-inf})"})
        expect_rewrite(recognize_attention, fmt::format("(f32[N,2,3,4] q, f32[N,2,4,3] k, f32[N,2,3,5] v) => (f32[N,2,3,5] y) {{ a = MatMul(q, k) {} w = Softmax(b) y = MatMul(w, v) }}", join),
                       "(f32[N,2,3,4] q, f32[N,2,4,3] k, f32[N,2,3,5] v) => (f32[N,2,3,5] y) { k_moved = Transpose<perm = [0, 1, 3, 2]>(k) y = Attention<is_causal = 1, scale = 1.0>(q, k_moved, v) }");
}

TEST(RecognizeAttention, CutsQueriesKeysAndValuesOutOfOne) {
    expect_rewrite(recognize_attention, R"((f32[N,5,24] x) => (f32[N,5,8] y) {
        r = Reshape(x, i64[5]{0, 5, 3, 2, 4}) t = Transpose<perm = [2, 0, 3, 1, 4]>(r) q = Gather<axis = 0>(t, i64{0}) k = Gather<axis = 0>(t, i64{1}) v = Gather<axis = 0>(t, i64{-1})
        s = Mul(q, f32{0.5}) kt = Transpose<perm = [0, 1, 3, 2]>(k) a = MatMul(s, kt) w = Softmax(a) z = MatMul(w, v) zt = Transpose<perm = [0, 2, 1, 3]>(z) y = Reshape(zt, i64[3]{0, 5, 8}) })",
                   R"((f32[N,5,24] x) => (f32[N,5,8] y) {
        x_part = Slice(x, i64[1]{0}, i64[1]{8}, i64[1]{-1}) x_part_2 = Slice(x, i64[1]{8}, i64[1]{16}, i64[1]{-1}) x_part_3 = Slice(x, i64[1]{16}, i64[1]{24}, i64[1]{-1})
        y = Attention<kv_num_heads = 2, q_num_heads = 2, scale = 0.5>(x_part, x_part_2, x_part_3) })");
}

// torch's nn.MultiheadAttention: tokens outermost, heads in the batch.
std::string torch_heads(std::string_view batch, std::string_view together) {
    return fmt::format(R"((f32[5,{0},8] q, f32[6,{0},8] k, f32[6,{0},8] v) => (f32[5,{0},8] y) {{
        q1 = Reshape(q, i64[3]{{5, {1}, 4}}) k1 = Reshape(k, i64[3]{{6, {1}, 4}}) v1 = Reshape(v, i64[3]{{6, {1}, 4}})
        qt = Transpose<perm = [1, 0, 2]>(q1) kt = Transpose<perm = [1, 2, 0]>(k1) vt = Transpose<perm = [1, 0, 2]>(v1)
        a = MatMul(qt, kt) d = Mul(a, f32{{0.5}}) w = Softmax(d) z = MatMul(w, vt) zt = Transpose<perm = [1, 0, 2]>(z) y = Reshape(zt, i64[3]{{5, {2}, 8}}) }})", batch, together, batch == "N" ? "-1" : batch);
}

TEST(RecognizeAttention, TakesAllHeadsOfABatchAsOne) {
    expect_rewrite(recognize_attention, torch_heads("3", "6"), R"((f32[5,3,8] q, f32[6,3,8] k, f32[6,3,8] v) => (f32[5,3,8] y) {
        q1 = Reshape(q, i64[3]{5, 6, 4}) k1 = Reshape(k, i64[3]{6, 6, 4}) v1 = Reshape(v, i64[3]{6, 6, 4})
        q1_view = Reshape(q1, i64[3]{1, 5, 24}) k1_view = Reshape(k1, i64[3]{1, 6, 24}) v1_view = Reshape(v1, i64[3]{1, 6, 24})
        z_2 = Attention<kv_num_heads = 6, q_num_heads = 6, scale = 0.5>(q1_view, k1_view, v1_view)
        zt = Reshape(z_2, i64[3]{5, 6, 4}) y = Reshape(zt, i64[3]{5, 3, 8}) })");
}

TEST(RecognizeAttention, MovesTokensInsideOfTheBatch) {
    expect_rewrite(recognize_attention, torch_heads("N", "-1"), R"((f32[5,N,8] q, f32[6,N,8] k, f32[6,N,8] v) => (f32[5,N,8] y) {
        q_moved = Transpose<perm = [1, 0, 2]>(q) k_moved = Transpose<perm = [1, 0, 2]>(k) v_moved = Transpose<perm = [1, 0, 2]>(v)
        z_2 = Attention<kv_num_heads = 2, q_num_heads = 2, scale = 0.5>(q_moved, k_moved, v_moved) y = Transpose<perm = [1, 0, 2]>(z_2) })");
}

TEST(RecognizeAttention, OfOneHead) {
    expect_rewrite(recognize_attention, "(f32[N,5,4] q, f32[N,6,4] k, f32[N,6,3] v) => (f32[N,5,3] y) { kt = Transpose<perm = [0, 2, 1]>(k) a = MatMul(q, kt) w = Softmax(a) y = MatMul(w, v) }",
                   "(f32[N,5,4] q, f32[N,6,4] k, f32[N,6,3] v) => (f32[N,5,3] y) { y = Attention<kv_num_heads = 1, q_num_heads = 1, scale = 1.0>(q, k, v) }");
}

TEST(RecognizeAttention, OfOneHeadAndAMaskPerBatch) {
    expect_rewrite(recognize_attention, "(f32[N,S,4] q, f32[N,4,T] k, f32[N,T,3] v, f32[N,S,T] m) => (f32[N,S,3] y) { s = MatMul(q, k) t = Add(s, m) p = Softmax(t) y = MatMul(p, v) }",
                   R"((f32[N,S,4] q, f32[N,4,T] k, f32[N,T,3] v, f32[N,S,T] m) => (f32[N,S,3] y) {
        k_moved = Transpose<perm = [0, 2, 1]>(k) m_of_head = Unsqueeze(m, i64[1]{1}) y = Attention<kv_num_heads = 1, q_num_heads = 1, scale = 1.0>(q, k_moved, v, m_of_head) })");
}

TEST(RecognizeAttention, SharesHeads) {
    expect_rewrite(recognize_attention, R"((f32[N,5,16] q, f32[N,6,8] k, f32[N,6,8] v) => (f32[N,5,16] y) {
        q1 = Reshape(q, i64[4]{0, 5, 4, 4}) k1 = Reshape(k, i64[4]{0, 6, 2, 4}) v1 = Reshape(v, i64[4]{0, 6, 2, 4})
        qt = Transpose<perm = [0, 2, 1, 3]>(q1) k2 = Transpose<perm = [0, 2, 1, 3]>(k1) v2 = Transpose<perm = [0, 2, 1, 3]>(v1)
        k3 = Unsqueeze(k2, i64[1]{2}) k4 = Expand(k3, i64[5]{1, 2, 2, 6, 4}) k5 = Reshape(k4, i64[4]{0, 4, 6, 4}) kt = Transpose<perm = [0, 1, 3, 2]>(k5)
        v3 = Unsqueeze(v2, i64[1]{2}) v4 = Expand(v3, i64[5]{1, 2, 2, 6, 4}) vt = Reshape(v4, i64[4]{0, 4, 6, 4})
        a = MatMul(qt, kt) w = Softmax(a) z = MatMul(w, vt) zt = Transpose<perm = [0, 2, 1, 3]>(z) y = Reshape(zt, i64[3]{0, 5, 16}) })",
                   R"((f32[N,5,16] q, f32[N,6,8] k, f32[N,6,8] v) => (f32[N,5,16] y) { y = Attention<kv_num_heads = 2, q_num_heads = 4, scale = 1.0>(q, k, v) })");
}

TEST(RecognizeAttention, LeavesAlone) {
    expect_unchanged(recognize_attention, {
        {"the weights are an output", "(f32[N,2,5,4] q, f32[N,2,4,6] k, f32[N,2,6,3] v) => (f32[N,2,5,3] y, f32[N,2,5,6] w) { a = MatMul(q, k) w = Softmax(a) y = MatMul(w, v) }"},
        {"scores are read twice", "(f32[N,2,5,4] q, f32[N,2,4,6] k, f32[N,2,6,3] v) => (f32[N,2,5,3] y, f32[N,2,5,6] r) { a = MatMul(q, k) w = Softmax(a) y = MatMul(w, v) r = Relu(a) }"},
        {"another axis", "(f32[N,2,5,4] q, f32[N,2,4,6] k, f32[N,2,6,3] v) => (f32[N,2,5,3] y) { a = MatMul(q, k) w = Softmax<axis = 2>(a) y = MatMul(w, v) }"},
        {"a mask of one column", "(f32[N,2,5,4] q, f32[N,2,4,6] k, f32[N,2,6,3] v, f32[5,1] m) => (f32[N,2,5,3] y) { a = MatMul(q, k) b = Add(a, m) w = Softmax(b) y = MatMul(w, v) }"},
        {"scaled behind the mask", "(f32[N,2,5,4] q, f32[N,2,4,6] k, f32[N,2,6,3] v, f32[5,6] m) => (f32[N,2,5,3] y) { a = MatMul(q, k) b = Add(a, m) c = Mul(b, f32{2}) w = Softmax(c) y = MatMul(w, v) }"},
        {"a negative scale", "(f32[N,2,5,4] q, f32[N,2,4,6] k, f32[N,2,6,3] v) => (f32[N,2,5,3] y) { a = MatMul(q, k) b = Mul(a, f32{-1}) w = Softmax(b) y = MatMul(w, v) }"},
        {"hidden scores still count", "(f32[N,2,5,4] q, f32[N,2,4,6] k, f32[N,2,6,3] v, bool[5,6] m) => (f32[N,2,5,3] y) { a = MatMul(q, k) b = Where(m, a, f32{-1}) w = Softmax(b) y = MatMul(w, v) }"},
        {"the weights stand behind", "(f32[N,2,5,4] q, f32[N,2,4,6] k, f32[N,2,3,5] v) => (f32[N,2,3,6] y) { a = MatMul(q, k) w = Softmax(a) y = MatMul(v, w) }"},
    });
}

}  // namespace
}  // namespace tercet::testing
