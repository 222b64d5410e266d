// SPDX-License-Identifier: Apache-2.0
// Scaled dot-product attention. Per batch b and query head h, whose keys and values are those of head h / (q_heads / kv_heads):
//     s[i, j] = scale * dot(q[i], k[j]);   s = softcap * tanh(s / softcap) if softcap > 0;   s[i, j] += mask[i, j], -inf where not seen
//     p[i] = softmax(s[i]), 0 where no key is seen;   y[i] = sum over j of p[i, j] * v[j]
// q, k, v and y are [B, H, S, D], or [B, S, H*D] with q_num_heads and kv_num_heads. Keys and values are past ones and then the
// given ones; the joint ones are outputs 1 and 2. Output 3 is s or p, by qk_matmul_output_mode. A mask, bool (which keys are seen) or
// float, broadcasts to [B, H, S, T]; if its last extent is less than T, the keys behind it are not seen. Query i stands at p = i + offset,
// where offset = the number of past keys, or nonpad_kv_seqlen[b] - S; it sees j <= p if is_causal, p - left_window_size <= j and
// j <= p + right_window_size unless these are -1, and j < nonpad_kv_seqlen[b]. Computed in double, whatever softmax_precision asks for.
#include "ops/op.h"
#include "ops/require.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace tercet {
namespace {

enum Input : std::size_t { query, key, value, mask, past_key, past_value, nonpad };
enum Output : std::size_t { result, present_key, present_value, scores };

// [batch, heads, rows, columns] of an operand in either form.
Shape by_heads(const Inference& c, std::size_t i, std::string_view attribute) {
    const Shape& s = c.shape(i);
    const std::int64_t heads = c.attributes().integer(attribute, 0);
    if (s.size() == 4) {
        if (heads != 0 && !may_equal(s[1], Dim(heads)))
            throw Error({.what = fmt::format("input {} has {} heads, {} is {}", i, s[1].text(), attribute, heads), .fix = "leave the attribute out where inputs have 4 axes"});
        return s;
    }
    if (heads < 1) throw Error({.what = fmt::format("{} is {}", attribute, heads), .fix = "inputs with 3 axes need the number of their heads"});
    if (const auto n = s[2].constant(); n && *n % heads != 0)
        throw Error({.what = fmt::format("input {} has {} elements per token for {} heads", i, *n, heads), .fix = fmt::format("compare {} with the shape", attribute)});
    return {s[0], heads, s[1], floor_div(s[2], Dim(heads))};
}

void check_attributes(const Attributes& a) {
    for (std::string_view side : {"left_window_size", "right_window_size"})
        if (const auto n = a.integer(side, -1); n < -1) throw Error({.what = fmt::format("{} is {}", side, n), .fix = "it must be -1 for no bound, or the number of keys"});
    if (const auto mode = a.integer("qk_matmul_output_mode", 0); mode < 0 || mode > 3)
        throw Error({.what = fmt::format("unknown qk_matmul_output_mode {}", mode), .fix = "0 to 3 exist"});
    if (!(a.real("softcap", 0) >= 0)) throw Error({.what = fmt::format("softcap is {}", a.real("softcap", 0)), .fix = "it must be 0 for none, or positive"});
}

void check_mask(const Inference& c, const Shape& to) {
    if (!c.has(mask)) return;
    if (c.dtype(mask) != DType::boolean) require_float(c, mask);
    const Shape& m = c.shape(mask);
    bool fits = m.size() >= 1 && m.size() <= 4;
    for (std::size_t k = 0; fits && k + 1 < m.size(); ++k) fits = m[k] == Dim(1) || may_equal(m[k], to[to.size() - m.size() + k]);
    const auto length = fits ? m.back().constant() : std::nullopt, keys = to.back().constant();
    if (!fits || (length && keys && *length > *keys))
        throw Error({.what = fmt::format("the mask (input 3) of shape [{}] does not fit the scores' shape [{}]", text_of(m), text_of(to)), .fix = "compare it with queries and keys"});
}

void infer(Inference& c) {
    check_attributes(c.attributes());
    for (std::size_t i : {query, value}) require_float(c, i);
    require_same_type(c, key);
    require_same_type(c, past_key);
    require_same_type(c, past_value, value);
    require_rank(c, query, 3, 4);
    for (std::size_t i : {key, value}) require_rank(c, i, c.rank(query), c.rank(query));
    const Shape q = by_heads(c, query, "q_num_heads"), k = by_heads(c, key, "kv_num_heads"), v = by_heads(c, value, "kv_num_heads");
    const auto q_heads = q[1].constant(), kv_heads = k[1].constant();
    if (q_heads && kv_heads && (*kv_heads == 0 ? *q_heads != 0 : *q_heads % *kv_heads != 0))
        throw Error({.what = fmt::format("{} query heads and {} key heads", *q_heads, *kv_heads), .fix = "the first must be a multiple of the second"});
    const auto require_heads = [&](const Shape& actual, const Shape& wanted, std::size_t i, std::string_view what) {
        for (std::size_t d = 0; d < 4; ++d)
            if (!may_equal(actual[d], wanted[d]))
                throw Error({.what = fmt::format("{} (input {}) is [{}] by batch, heads, tokens and elements instead of [{}]", what, i, text_of(actual), text_of(wanted)),
                             .fix = "compare the shapes of query, key and value"});
    };
    require_heads(k, {q[0], k[1], k[2], q[3]}, key, "the key");
    require_heads(v, {q[0], k[1], k[2], v[3]}, value, "the value");
    if (c.has(past_key) != c.has(past_value)) throw Error({.what = "one of past_key and past_value is missing", .fix = "give both (inputs 4 and 5) or none"});
    Dim total = k[2];
    if (c.has(past_key)) {
        if (c.has(nonpad)) throw Error({.what = "nonpad_kv_seqlen (input 6) is given with past keys", .fix = "give one of them"});
        for (std::size_t i : {past_key, past_value}) require_rank(c, i, 4, 4);
        const Dim& past = c.shape(past_key)[2];
        require_shape(c, past_key, {q[0], k[1], past, q[3]}, "past_key");
        require_shape(c, past_value, {q[0], k[1], past, v[3]}, "past_value");
        total = past + total;
    }
    if (c.has(nonpad)) {
        if (c.dtype(nonpad) != DType::i64) throw Error({.what = fmt::format("nonpad_kv_seqlen (input 6) is {}", name_of(c.dtype(nonpad))), .fix = "it must be i64"});
        require_shape(c, nonpad, {q[0]}, "nonpad_kv_seqlen");
    }
    check_mask(c, {q[0], q[1], q[2], total});
    c.set(result, c.dtype(query), c.rank(query) == 4 ? Shape{q[0], q[1], q[2], v[3]} : Shape{q[0], q[2], q[1] * v[3]});
    c.set(present_key, c.dtype(query), {q[0], k[1], total, q[3]});
    c.set(present_value, c.dtype(value), {q[0], k[1], total, v[3]});
    c.set(scores, c.dtype(query), {q[0], q[1], q[2], total});
}

std::int64_t key_count(const Call& c) {
    const View& k = c.in[key];
    return k.shape[k.rank() - 2] + (c.has(past_key) ? c.in[past_key].shape[2] : 0);
}

// One row of scores.
std::size_t scratch_bytes(const Call& c) { return static_cast<std::size_t>(key_count(c)) * sizeof(double); }

View by_heads(const View& v, std::int64_t heads) {
    if (v.rank() == 4) return v;
    const std::int64_t depth = v.shape[2] / heads;
    require_at_run(depth * heads == v.shape[2], "the elements of a token are no multiple of the heads");
    View w = v;
    w.shape = {v.shape[0], heads, v.shape[1], depth};
    w.strides = {v.strides[0], depth * v.strides[2], v.strides[1], v.strides[2]};
    return w;
}

// Rows of `past`, if any, and then those of `now`.
struct Joined {
    View past, now;
    std::int64_t past_rows;
    Joined(const View& p, const View& n) : past(p), now(n), past_rows(p ? p.shape[2] : 0) {}
    double get(std::int64_t b, std::int64_t h, std::int64_t row, std::int64_t column) const {
        return row < past_rows ? past.get({b, h, row, column}) : now.get({b, h, row - past_rows, column});
    }
    void copy_to(const View& to) const {
        for (const Dims& i : indices(to.shape)) to.set(i, get(i[0], i[1], i[2], i[3]));
    }
};

// What is added to a score: the mask, -inf for keys that a query does not see.
struct Bias {
    View mask;  // [B, H, S, length]; false: none
    std::int64_t length = 0, past = 0, queries = 0, left = -1, right = -1;
    View valid;
    bool causal = false;

    double operator()(std::int64_t b, std::int64_t h, std::int64_t i, std::int64_t j) const {
        const std::int64_t count = valid ? valid.get_int({b}) : 0;
        // Lengths come from data: clamped, so that no sum of them overflows. No key is at 2^40.
        const std::int64_t at = i + (valid ? std::clamp<std::int64_t>(count, -(std::int64_t(1) << 40), std::int64_t(1) << 40) - queries : past);
        const bool seen = (!causal || j <= at) && (left < 0 || at - j <= left) && (right < 0 || j - at <= right) && (!valid || j < count);
        if (!seen || (mask && j >= length)) return -HUGE_VAL;
        if (!mask) return 0;
        const double m = mask.get({b, h, i, j});
        return mask.dtype != DType::boolean ? m : m != 0 ? 0 : -HUGE_VAL;
    }
};

void reference(const Call& c) {
    const Attributes& a = c.attributes();
    const std::int64_t q_heads = a.integer("q_num_heads", 1), kv_heads = a.integer("kv_num_heads", 1);
    const View q = by_heads(c.in[query], q_heads), k_now = by_heads(c.in[key], kv_heads), v_now = by_heads(c.in[value], kv_heads), y = by_heads(c.out[result], q_heads);
    const View none, k_past = c.has(past_key) ? c.in[past_key] : none, v_past = c.has(past_value) ? c.in[past_value] : none;
    const std::int64_t batch = q.shape[0], heads = q.shape[1], shared_heads = k_now.shape[1], queries = q.shape[2], depth = q.shape[3], columns = v_now.shape[3], keys = key_count(c);
    bool fits = shared_heads == 0 ? heads == 0 : heads % shared_heads == 0;
    fits = fits && k_now.shape == Dims{batch, shared_heads, k_now.shape[2], depth} && v_now.shape == Dims{batch, shared_heads, k_now.shape[2], columns};
    if (k_past) fits = fits && k_past.shape == Dims{batch, shared_heads, k_past.shape[2], depth} && v_past.shape == Dims{batch, shared_heads, k_past.shape[2], columns};
    if (c.has(nonpad)) fits = fits && c.in[nonpad].shape == Dims{batch};
    require_at_run(fits, "query, key, value and what goes with them differ in shape");
    const Joined k(k_past, k_now), v(v_past, v_now);
    Bias bias{.past = k.past_rows, .queries = queries, .left = a.integer("left_window_size", -1), .right = a.integer("right_window_size", -1), .causal = a.integer("is_causal", 0) != 0};
    if (c.has(nonpad)) bias.valid = c.in[nonpad];
    if (c.has(mask)) {
        const View& m = c.in[mask];
        bias.length = m.shape[m.rank() - 1];
        require_at_run(bias.length <= keys, "the mask is longer than the keys");
        bias.mask = checked_broadcast(m, {batch, heads, queries, bias.length}, "the mask does not broadcast to the scores' shape");
    }
    const double scale = a.has("scale") ? a.real("scale", 1) : 1 / std::sqrt(static_cast<double>(depth)), cap = a.real("softcap", 0);
    const std::int64_t mode = a.integer("qk_matmul_output_mode", 0);
    auto* const s = reinterpret_cast<double*>(c.scratch.data());
    for (const Dims& row : indices({batch, heads, queries})) {
        const std::int64_t b = row[0], h = row[1], i = row[2], kv = h / (heads / shared_heads);
        const auto show = [&](std::int64_t stage, std::int64_t j) { if (stage == mode && c.wants(scores)) c.out[scores].set({b, h, i, j}, s[j]); };
        double most = -HUGE_VAL, sum = 0;
        for (std::int64_t j = 0; j < keys; ++j) {
            double dot = 0;
            for (std::int64_t d = 0; d < depth; ++d) dot += q.get({b, h, i, d}) * k.get(b, kv, j, d);
            s[j] = scale * dot;
            show(0, j);
            if (cap > 0) s[j] = cap * std::tanh(s[j] / cap);
            show(1, j);
            s[j] += bias(b, h, i, j);
            show(2, j);
            if (s[j] > most || std::isnan(s[j])) most = s[j];
        }
        for (std::int64_t j = 0; j < keys; ++j) sum += s[j] = most == -HUGE_VAL ? 0 : std::exp(s[j] - most);
        for (std::int64_t j = 0; j < keys; ++j) {
            if (sum != 0) s[j] /= sum;
            show(3, j);
        }
        for (std::int64_t d = 0; d < columns; ++d) {
            double total = 0;
            for (std::int64_t j = 0; j < keys; ++j) total += s[j] * v.get(b, kv, j, d);
            y.set({b, h, i, d}, total);
        }
    }
    if (c.wants(present_key)) k.copy_to(c.out[present_key]);
    if (c.wants(present_value)) v.copy_to(c.out[present_value]);
}

// Version 24 brings nonpad_kv_seqlen, 25 the windows.
const RegisteredOp attention{{.name = "Attention", .versions = {{23}, {24}, {25}}, .inputs = {3, 7}, .outputs = {1, 4},
                              .attributes = {{"is_causal", AttributeKind::integer}, {"kv_num_heads", AttributeKind::integer}, {"left_window_size", AttributeKind::integer},
                                             {"q_num_heads", AttributeKind::integer}, {"qk_matmul_output_mode", AttributeKind::integer}, {"right_window_size", AttributeKind::integer},
                                             {"scale", AttributeKind::real}, {"softcap", AttributeKind::real}, {"softmax_precision", AttributeKind::integer}},
                              .infer = infer, .reference = reference, .scratch_bytes = scratch_bytes}};

}  // namespace
}  // namespace tercet
