// SPDX-License-Identifier: Apache-2.0
// Scaled dot product attention of every head h, kv head g = h / (q heads / kv heads):
//     s[q,k] = softcap(scale * sum over d of Q[h,q,d] * K[g,k,d]) + bias[h,q,k]
//     Y[h,q,d] = sum over k of softmax over k(s[q,k]) * V[g,k,d]
// bias is the sum of a float mask, or -inf where a bool mask is false, and -inf where k is out of sight of q: behind it
// (is_causal), outside of the window, past the end of what the sample holds (nonpad_kv_seqlen), or past the end of the mask.
// Query q stands at position q + offset among the keys: behind the past ones, or at the end of what the sample holds.
// A query that sees nothing gives zeros. softcap(x) = c * tanh(x / c).
// Q, K and V are [B, heads, S, D], or [B, S, heads*D], then Y too; K and V continue what is past: [B, heads, P, D].
// Outputs 1 and 2 are past and present together, output 3 is s at the stage `qk_matmul_output_mode`: 0 the scaled product,
// 1 behind softcap, 2 with bias, 3 behind the softmax. Computed in double, which is as precise as any `softmax_precision` asks for.
#include "ops/extents.h"
#include "ops/op.h"
#include "ops/require.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace tercet {
namespace {

enum Input : std::size_t { query, key, value, mask, past_key, past_value, lengths };
enum Output : std::size_t { result, present_key, present_value, scores };

// ---- inference

// [B, heads, S, D]
Shape by_heads(const Inference& c, std::size_t i, std::string_view attribute) {
    const Shape& s = c.shape(i);
    if (s.size() == 4) return s;
    const std::int64_t heads = c.attributes().integer(attribute, 0);
    if (heads < 1)
        throw Error({.what = fmt::format("attribute '{}' is {} for an input of shape [{}]", attribute, heads, text_of(s)),
                     .fix = "give the number of heads, or inputs of 4 axes"});
    if (const auto all = s[2].constant(); all && *all % heads != 0)
        throw Error({.what = fmt::format("{} elements cannot be shared out among {} heads", *all, heads),
                     .fix = fmt::format("compare '{}' with the shape of input {}", attribute, i)});
    return {s[0], heads, s[1], floor_div(s[2], heads)};
}

void check_attributes(const Inference& c) {
    const Attributes& a = c.attributes();
    for (const char* side : {"left_window_size", "right_window_size"})
        if (a.integer(side, -1) < -1)
            throw Error({.what = fmt::format("{} is {}", side, a.integer(side, -1)), .fix = "it is the number of positions, or -1 for all"});
    if (const std::int64_t mode = a.integer("qk_matmul_output_mode", 0); mode < 0 || mode > 3)
        throw Error({.what = fmt::format("qk_matmul_output_mode is {}", mode), .fix = "it is 0, 1, 2 or 3"});
    if (const std::int64_t t = a.integer("softmax_precision", 1); t != 1 && t != 10 && t != 11 && t != 16)
        throw Error({.what = fmt::format("softmax_precision is {}", t), .fix = "it is 1 (f32), 10 (f16), 11 (f64) or 16 (bf16)"});
    if (!(a.real("softcap", 0) >= 0)) throw Error({.what = fmt::format("softcap is {}", a.real("softcap", 0)), .fix = "it is a positive number, or 0 for none"});
    if (c.rank(query) == 4 && (a.has("q_num_heads") || a.has("kv_num_heads")))
        throw Error({.what = "inputs of 4 axes and numbers of heads as attributes", .fix = "leave q_num_heads and kv_num_heads out"});
}

void infer(Inference& c) {
    for (std::size_t i : {query, key, value}) {
        require_float(c, i);
        require_rank(c, i, 3, 4);
        if (c.rank(i) != c.rank(query)) require_rank(c, i, c.rank(query), c.rank(query));
    }
    require_same_type(c, key);
    require_same_type(c, past_key, key);
    require_same_type(c, past_value, value);
    check_attributes(c);
    Shape q = by_heads(c, query, "q_num_heads"), k = by_heads(c, key, "kv_num_heads"), v = by_heads(c, value, "kv_num_heads");
    unify(q[0], k[0], "Q and K differ in the batch");
    unify(q[0], v[0], "Q and V differ in the batch");
    unify(q[3], k[3], "Q and K differ in the size of a head");
    unify(k[1], v[1], "K and V differ in the number of heads");
    unify(k[2], v[2], "K and V differ in length");
    if (const auto heads = q[1].constant(), shared = k[1].constant(); heads && shared && (*shared == 0 ? *heads != 0 : *heads % *shared != 0))
        throw Error({.what = fmt::format("{} heads of queries cannot share {} of keys", *heads, *shared), .fix = "compare the numbers of heads"});
    Dim total = k[2];
    if (c.has(past_key) != c.has(past_value))
        throw Error({.what = fmt::format("past_{} is left out", c.has(past_key) ? "value" : "key"), .fix = "give both, or none"});
    if (c.has(past_key)) {
        if (c.has(lengths)) throw Error({.what = "past_key and nonpad_kv_seqlen are both given", .fix = "leave one of them out"});
        require_rank(c, past_key, 4, 4);
        require_rank(c, past_value, 4, 4);
        const Dim past = c.shape(past_key)[2];
        require_shape(c, past_key, {q[0], k[1], past, q[3]}, "past_key");
        require_shape(c, past_value, {q[0], k[1], past, v[3]}, "past_value");
        total = total + past;
    }
    if (c.has(lengths)) {
        if (c.dtype(lengths) != DType::i64)
            throw Error({.what = fmt::format("nonpad_kv_seqlen is {}", name_of(c.dtype(lengths))), .fix = "it must be i64"});
        require_shape(c, lengths, {q[0]}, "nonpad_kv_seqlen");
    }
    if (c.has(mask)) {
        if (c.dtype(mask) != DType::boolean) require_float(c, mask);
        require_rank(c, mask, 1, 4);
        const Shape &m = c.shape(mask), to{q[0], q[1], q[2], total};
        bool fits = true;  // the last axis may be shorter: the rest is out of sight
        for (std::size_t i = 0; i + 1 < m.size(); ++i) fits = fits && (m[i] == Dim(1) || may_equal(m[i], to[4 - m.size() + i]));
        if (const auto has = m.back().constant(), most = total.constant(); has && most) fits = fits && *has <= *most;
        if (!fits)
            throw Error({.what = fmt::format("attn_mask of shape [{}] does not broadcast to [{}]", text_of(m), text_of(to)),
                         .fix = "compare it with [batch, heads, queries, keys]"});
    }
    c.set(result, c.dtype(query), c.rank(query) == 4 ? Shape{q[0], q[1], q[2], v[3]} : Shape{q[0], q[2], q[1] * v[3]});
    c.set(present_key, c.dtype(key), {q[0], k[1], total, q[3]});
    c.set(present_value, c.dtype(value), {q[0], k[1], total, v[3]});
    c.set(scores, c.dtype(query), {q[0], q[1], q[2], total});
}

// Up to operator set 24, inputs of 4 axes could be given the numbers of heads, too.
void drop_numbers_of_heads(Graph& g, NodeId id) {
    const ValueId q = g.input(id, query);
    if (q == ValueId::none || g.value(q).type.shape.size() != 4) return;
    g.attributes(id).erase("q_num_heads");
    g.attributes(id).erase("kv_num_heads");
}

// ---- reference

// [B, S, heads*D] seen as [B, heads, S, D].
View by_heads(const View& v, std::int64_t heads) {
    if (v.rank() == 4) return v;
    require_at_run(heads > 0 && v.shape[2] % heads == 0, "the elements of a position cannot be shared out among the heads");
    View r = v;
    const std::int64_t size = v.shape[2] / heads;
    r.shape = {v.shape[0], heads, v.shape[1], size};
    r.strides = {v.strides[0], size * v.strides[2], v.strides[1], v.strides[2]};
    return r;
}

// What is past, then what is new, along axis 2.
struct Joined {
    View past{}, now{};
    std::int64_t past_length = 0;

    Joined(const View& p, const View& n) : past(p), now(n), past_length(p ? p.shape[2] : 0) {}
    std::int64_t length() const { return past_length + now.shape[2]; }
    double get(std::int64_t b, std::int64_t h, std::int64_t s, std::int64_t d) const {
        return s < past_length ? past.get({b, h, s, d}) : now.get({b, h, s - past_length, d});
    }
    void copy_to(const View& y) const {
        for (const Dims& i : indices(y.shape)) y.set(i, get(i[0], i[1], i[2], i[3]));
    }
};

View input(const Call& call, std::size_t i) { return call.has(i) ? call.in[i] : View(); }

std::size_t scratch_bytes(const Call& call) {
    const View& k = call.in[key];
    const View past = input(call, past_key);
    return sizeof(double) * static_cast<std::size_t>(k.shape[k.rank() - 2] + (past ? past.shape[2] : 0));
}

// What is added to the score of a query and a key.
class Bias {
public:
    Bias(const Call& call, const Dims& scores, std::int64_t past) : mask_(input(call, Input::mask)), lengths_(input(call, lengths)) {
        const Attributes& a = call.attributes();
        causal_ = a.integer("is_causal", 0) != 0;
        left_ = a.integer("left_window_size", -1);
        right_ = a.integer("right_window_size", -1);
        if (mask_) {
            require_at_run(mask_.shape.back() <= scores[3], "attn_mask is longer than the keys");
            Dims to = scores;
            to[3] = mask_.shape.back();
            mask_ = checked_broadcast(mask_, to, "attn_mask does not broadcast to [batch, heads, queries, keys]");
        }
        offset_ = past;
        queries_ = scores[2];
    }
    double at(std::int64_t b, std::int64_t h, std::int64_t q, std::int64_t k) const {
        const std::int64_t held = lengths_ ? lengths_.get_int({b}) : 0;
        const std::int64_t position = lengths_ ? saturated(held, q - queries_) : q + offset_;
        const bool seen = (!lengths_ || k < held) && (!causal_ || k <= position) && (left_ < 0 || saturated(position, -left_) <= k) &&
                          (right_ < 0 || k <= saturated(position, right_)) && (!mask_ || k < mask_.shape[3]);
        if (!seen) return -HUGE_VAL;
        if (!mask_) return 0;
        const double m = mask_.get({b, h, q, k});
        return mask_.dtype == DType::boolean ? (m != 0 ? 0 : -HUGE_VAL) : m;
    }

private:
    static std::int64_t saturated(std::int64_t a, std::int64_t b) {
        std::int64_t sum = 0;
        return __builtin_add_overflow(a, b, &sum) ? (b < 0 ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max()) : sum;
    }
    View mask_, lengths_;
    bool causal_ = false;
    std::int64_t left_ = -1, right_ = -1, offset_ = 0, queries_ = 0;
};

// Scores become weights that sum to 1, or to 0 where nothing is seen.
void softmax(double* s, std::int64_t n, bool sees_nothing) {
    double most = -HUGE_VAL, sum = 0;
    for (std::int64_t k = 0; k < n; ++k)
        if (s[k] > most || std::isnan(s[k])) most = s[k];
    const bool none = sees_nothing || most == -HUGE_VAL;
    for (std::int64_t k = 0; k < n; ++k) sum += s[k] = none ? 0 : std::exp(s[k] - most);
    for (std::int64_t k = 0; k < n && !none; ++k) s[k] /= sum;
}

void reference(const Call& call) {
    const Attributes& a = call.attributes();
    const View q = by_heads(call.in[query], a.integer("q_num_heads", 0));
    const Joined k(input(call, past_key), by_heads(call.in[key], a.integer("kv_num_heads", 0)));
    const Joined v(input(call, past_value), by_heads(call.in[value], a.integer("kv_num_heads", 0)));
    const std::int64_t batch = q.shape[0], heads = q.shape[1], queries = q.shape[2], size = q.shape[3], total = k.length();
    const std::int64_t groups = k.now.shape[1], value_size = v.now.shape[3];
    require_at_run(k.now.shape == Dims({batch, groups, k.now.shape[2], size}), "K does not fit Q");
    require_at_run(v.now.shape == Dims({batch, groups, k.now.shape[2], value_size}), "V does not fit K");
    require_at_run(!k.past || k.past.shape == Dims({batch, groups, k.past_length, size}), "past_key does not fit K");
    require_at_run(!v.past || v.past.shape == Dims({batch, groups, k.past_length, value_size}), "past_value does not fit V");
    require_at_run(!call.has(lengths) || call.in[lengths].shape == Dims({batch}), "nonpad_kv_seqlen does not fit the batch");
    require_at_run(groups > 0 ? heads % groups == 0 : heads == 0, "the heads of queries cannot share those of keys");
    if (call.wants(present_key)) k.copy_to(call.out[present_key]);
    if (call.wants(present_value)) v.copy_to(call.out[present_value]);
    const Bias bias(call, {batch, heads, queries, total}, k.past_length);
    const double scale = a.has("scale") ? static_cast<double>(a.real("scale", 1)) : 1 / std::sqrt(static_cast<double>(size)), cap = a.real("softcap", 0);
    const std::int64_t mode = a.integer("qk_matmul_output_mode", 0);
    const View y = call.wants(result) ? by_heads(call.out[result], heads) : View();
    auto* s = reinterpret_cast<double*>(call.scratch.data());
    for (const Dims& i : indices({batch, heads, queries})) {
        const std::int64_t b = i[0], h = i[1], g = groups == heads ? h : h / (heads / groups);
        const auto show = [&](std::int64_t stage) {
            if (!call.wants(scores) || stage != mode) return;
            for (std::int64_t n = 0; n < total; ++n) call.out[scores].set({b, h, i[2], n}, s[n]);
        };
        for (std::int64_t n = 0; n < total; ++n) {
            double sum = 0;
            for (std::int64_t d = 0; d < size; ++d) sum += q.get({b, h, i[2], d}) * k.get(b, g, n, d);
            s[n] = sum * scale;
        }
        show(0);
        for (std::int64_t n = 0; n < total && cap > 0; ++n) s[n] = cap * std::tanh(s[n] / cap);
        show(1);
        bool sees_nothing = true;
        for (std::int64_t n = 0; n < total; ++n) {
            const double more = bias.at(b, h, i[2], n);
            sees_nothing = sees_nothing && more == -HUGE_VAL;
            s[n] += more;
        }
        show(2);
        softmax(s, total, sees_nothing);
        show(3);
        for (std::int64_t d = 0; y && d < value_size; ++d) {
            double sum = 0;
            for (std::int64_t n = 0; n < total && !sees_nothing; ++n) sum += s[n] * v.get(b, g, n, d);
            y.set({b, h, i[2], d}, sum);
        }
    }
}

const RegisteredOp attention{{.name = "Attention", .versions = {{23}, {24}, {25, drop_numbers_of_heads}}, .inputs = {3, 7}, .outputs = {1, 4},
                              .attributes = {{"is_causal", AttributeKind::integer}, {"kv_num_heads", AttributeKind::integer},
                                             {"left_window_size", AttributeKind::integer}, {"q_num_heads", AttributeKind::integer},
                                             {"qk_matmul_output_mode", AttributeKind::integer}, {"right_window_size", AttributeKind::integer},
                                             {"scale", AttributeKind::real}, {"softcap", AttributeKind::real}, {"softmax_precision", AttributeKind::integer}},
                              .infer = infer, .reference = reference, .scratch_bytes = scratch_bytes}};

}  // namespace
}  // namespace tercet
