// SPDX-License-Identifier: Apache-2.0
// LinearAttention: per batch and key head a state S [d_k, d_v], from past_state or 0, runs over the tokens t:
//     S *= exp(g[t]) (gated rules);   v = v[t], or beta[t] * (v[t] - transpose(S) * k[t]) (delta rules);   S += k[t] * transpose(v)
//     y[t] = scale * transpose(S) * q[t] for every query head that shares it, q_num_heads/kv_num_heads neighbours
// q [B, T, Hq*d_k], k [B, T, H*d_k], v [B, T, H*d_v], decay g [B, T, H*d_k or H], beta [B, T, H or 1], states [B, H, d_k, d_v],
// y [B, T, Hq*d_v]; `scale` is 1/sqrt(d_k) if 0 or absent. The running state is kept in double.
#include "ops/op.h"
#include "ops/require.h"

#include <fmt/format.h>

#include <cmath>

namespace tercet {
namespace {

enum Input : std::size_t { query, key, value, past, decay, beta };

struct Rule {
    bool gated = false, delta = false;
    explicit Rule(const Attributes& a) {
        const std::string_view name = a.text("update_rule", "gated_delta");
        gated = name == "gated" || name == "gated_delta";
        delta = name == "delta" || name == "gated_delta";
        if (!gated && !delta && name != "linear")
            throw Error({.what = fmt::format("unknown update_rule '{}'", name), .fix = "linear, gated, delta and gated_delta exist"});
    }
};

Dim per_head(const Inference& c, std::size_t i, std::int64_t heads) {
    const Dim& d = c.shape(i)[2];
    if (const auto n = d.constant(); n && *n % heads != 0)
        throw Error({.what = fmt::format("input {} has {} elements per token for {} heads", i, *n, heads), .fix = "compare q_num_heads and kv_num_heads with the shapes"});
    return floor_div(d, Dim(heads));
}

void require_either(const Inference& c, std::size_t i, const Dim& a, const Dim& b, std::string_view what) {
    require_rank(c, i, 3, 3);
    if (may_equal(c.shape(i)[2], a) || may_equal(c.shape(i)[2], b)) return require_shape(c, i, {c.shape(query)[0], c.shape(query)[1], c.shape(i)[2]}, what);
    throw Error({.what = fmt::format("{} (input {}) has {} elements per token", what, i, c.shape(i)[2].text()), .fix = fmt::format("it must have {} or {}", a.text(), b.text())});
}

void infer(Inference& c) {
    const Attributes& a = c.attributes();
    const std::int64_t q_heads = a.integer("q_num_heads", 0), heads = a.integer("kv_num_heads", 0);
    if (heads < 1 || q_heads < 1 || q_heads % heads != 0)
        throw Error({.what = fmt::format("{} query heads and {} key heads", q_heads, heads), .fix = "the first must be a positive multiple of the second"});
    const Rule rule(a);
    require_float(c, query);
    for (std::size_t i : {key, value, decay, beta}) require_same_type(c, i);
    for (std::size_t i : {query, key, value}) require_rank(c, i, 3, 3);
    if (c.has(past)) require_float(c, past);
    for (const auto& [input, wanted, name] : {std::tuple{decay, rule.gated, "decay"}, {beta, rule.delta, "beta"}})
        if (c.has(input) != wanted)
            throw Error({.what = fmt::format("update_rule '{}' {} {} (input {})", a.text("update_rule", "gated_delta"), wanted ? "needs" : "does not read", name, static_cast<std::size_t>(input)),
                         .fix = "compare the rule with the inputs"});
    const Dim d_k = per_head(c, query, q_heads), d_v = per_head(c, value, heads);
    const Dim &batch = c.shape(query)[0], &tokens = c.shape(query)[1];
    require_shape(c, key, {batch, tokens, d_k * Dim(heads)}, "the key");
    require_shape(c, value, {batch, tokens, d_v * Dim(heads)}, "the value");
    const Shape state{batch, heads, d_k, d_v};
    require_shape(c, past, state, "past_state");
    if (rule.gated) require_either(c, decay, d_k * Dim(heads), Dim(heads), "the decay");
    if (rule.delta) require_either(c, beta, Dim(heads), Dim(1), "beta");
    c.set(0, c.dtype(query), {batch, tokens, d_v * Dim(q_heads)});
    c.set(1, c.has(past) ? c.dtype(past) : c.dtype(query), state);
}

// One head's state, and the value that is added to it.
std::size_t scratch_bytes(const Call& call) {
    const Attributes& a = call.attributes();
    const auto d_k = call.in[query].shape[2] / a.integer("q_num_heads", 1), d_v = call.in[value].shape[2] / a.integer("kv_num_heads", 1);
    return static_cast<std::size_t>((d_k + 1) * d_v) * sizeof(double);
}

void reference(const Call& call) {
    const Attributes& a = call.attributes();
    const Rule rule(a);
    const View &q = call.in[query], &k = call.in[key], &v = call.in[value], &y = call.out[0];
    const std::int64_t q_heads = a.integer("q_num_heads", 1), heads = a.integer("kv_num_heads", 1), shared = q_heads / heads;
    const std::int64_t batch = q.shape[0], tokens = q.shape[1], d_k = q.shape[2] / q_heads, d_v = v.shape[2] / heads;
    bool fits = q.shape[2] == d_k * q_heads && k.shape == Dims{batch, tokens, d_k * heads} && v.shape == Dims{batch, tokens, d_v * heads};
    fits = fits && (!call.has(past) || call.in[past].shape == Dims{batch, heads, d_k, d_v});
    if (rule.gated) fits = fits && (call.in[decay].shape == Dims{batch, tokens, d_k * heads} || call.in[decay].shape == Dims{batch, tokens, heads});
    if (rule.delta) fits = fits && (call.in[beta].shape == Dims{batch, tokens, heads} || call.in[beta].shape == Dims{batch, tokens, 1});
    require_at_run(fits, "query, key, value and what goes with them differ in shape");
    const bool decay_per_key = rule.gated && call.in[decay].shape[2] == d_k * heads, beta_per_head = rule.delta && call.in[beta].shape[2] == heads;
    const double given = a.real("scale", 0), scale = given == 0 ? 1 / std::sqrt(static_cast<double>(d_k)) : given;
    auto* const state = reinterpret_cast<double*>(call.scratch.data());  // [d_k, d_v]
    double* const added = state + d_k * d_v;                            // [d_v]
    for (const Dims& bh : indices({batch, heads})) {
        const std::int64_t b = bh[0], h = bh[1];
        for (std::int64_t i = 0; i < d_k; ++i)
            for (std::int64_t j = 0; j < d_v; ++j) state[i * d_v + j] = call.has(past) ? call.in[past].get({b, h, i, j}) : 0;
        for (std::int64_t t = 0; t < tokens; ++t) {
            for (std::int64_t i = 0; rule.gated && i < d_k; ++i) {
                const double factor = std::exp(call.in[decay].get({b, t, decay_per_key ? h * d_k + i : h}));
                for (std::int64_t j = 0; j < d_v; ++j) state[i * d_v + j] *= factor;
            }
            for (std::int64_t j = 0; j < d_v; ++j) {
                added[j] = v.get({b, t, h * d_v + j});
                if (!rule.delta) continue;
                for (std::int64_t i = 0; i < d_k; ++i) added[j] -= state[i * d_v + j] * k.get({b, t, h * d_k + i});
                added[j] *= call.in[beta].get({b, t, beta_per_head ? h : 0});
            }
            for (std::int64_t i = 0; i < d_k; ++i)
                for (std::int64_t j = 0; j < d_v; ++j) state[i * d_v + j] += k.get({b, t, h * d_k + i}) * added[j];
            for (std::int64_t n = h * shared; n < (h + 1) * shared; ++n)
                for (std::int64_t j = 0; j < d_v; ++j) {
                    double sum = 0;
                    for (std::int64_t i = 0; i < d_k; ++i) sum += state[i * d_v + j] * q.get({b, t, n * d_k + i});
                    y.set({b, t, n * d_v + j}, scale * sum);
                }
        }
        for (std::int64_t i = 0; call.wants(1) && i < d_k; ++i)
            for (std::int64_t j = 0; j < d_v; ++j) call.out[1].set({b, h, i, j}, state[i * d_v + j]);
    }
}

const RegisteredOp linear_attention{{.name = "LinearAttention", .versions = {{27}}, .inputs = {3, 6}, .outputs = {1, 2},
                                     .attributes = {{"chunk_size", AttributeKind::integer}, {"kv_num_heads", AttributeKind::integer, true},
                                                    {"q_num_heads", AttributeKind::integer, true}, {"scale", AttributeKind::real}, {"update_rule", AttributeKind::text}},
                                     .infer = infer, .reference = reference, .scratch_bytes = scratch_bytes}};

}  // namespace
}  // namespace tercet
