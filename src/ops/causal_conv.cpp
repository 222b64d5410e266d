// SPDX-License-Identifier: Apache-2.0
// CausalConvWithState: with z = past_state (k - 1 zeros if not given) followed by x along the last axis,
//     y[b,c,t] = f(bias[c] + sum over j in [0, k) of z[b,c,t+j] * w[c,0,j]),   f(v) = v, or v / (1 + exp(-v)) if `activation` is silu
//     present_state = the last k - 1 elements of z
// x [B, C, L], w [C, 1, k], past_state [B, C, k - 1]
#include "ops/op.h"
#include "ops/require.h"

#include <fmt/format.h>

#include <cmath>

namespace tercet {
namespace {

bool is_silu(const Attributes& a) {
    const std::string_view name = a.text("activation", "none");
    return name == "silu" || name == "swish";
}

void infer(Inference& c) {
    require_float(c, 0);
    require_rank(c, 0, 3, 3);
    require_rank(c, 1, 3, 3);
    for (std::size_t i : {1, 2, 3}) require_same_type(c, i);
    const Shape &x = c.shape(0), &w = c.shape(1);
    if (const auto name = c.attributes().text("activation", "none"); name != "none" && !is_silu(c.attributes()))
        throw Error({.what = fmt::format("unknown activation '{}'", name), .fix = "none, silu and swish exist"});
    require_shape(c, 1, {x[1], 1, w[2]}, "the weights");
    if (w[2] == Dim(0)) throw Error({.what = "the kernel is empty", .fix = "it must have at least one element"});
    require_shape(c, 2, {x[1]}, "the bias");
    const Shape state{x[0], x[1], w[2] - Dim(1)};
    require_shape(c, 3, state, "past_state");
    c.set(0, c.dtype(0), x);
    c.set(1, c.dtype(0), state);
}

void reference(const Call& call) {
    const View &x = call.in[0], &w = call.in[1], &y = call.out[0];
    const bool silu = is_silu(call.attributes());
    const std::int64_t k = w.shape[2];
    require_at_run(k >= 1 && w.shape == Dims{x.shape[1], 1, k} && (!call.has(2) || call.in[2].shape == Dims{x.shape[1]}) &&
                       (!call.has(3) || call.in[3].shape == Dims{x.shape[0], x.shape[1], k - 1}), "weights, bias or state do not fit the input");
    const auto z = [&](std::int64_t b, std::int64_t c, std::int64_t t) {
        if (t >= k - 1) return x.get({b, c, t - (k - 1)});
        return call.has(3) ? call.in[3].get({b, c, t}) : 0.0;
    };
    for (const Dims& o : indices(y.shape)) {
        double sum = call.has(2) ? call.in[2].get({o[1]}) : 0;
        for (std::int64_t j = 0; j < k; ++j) sum += z(o[0], o[1], o[2] + j) * w.get({o[1], 0, j});
        y.set(o, silu ? sum / (1 + std::exp(-sum)) : sum);
    }
    if (!call.wants(1)) return;
    for (const Dims& o : indices(call.out[1].shape)) call.out[1].set(o, z(o[0], o[1], x.shape[2] + o[2]));
}

const RegisteredOp causal_conv{{.name = "CausalConvWithState", .versions = {{27}}, .inputs = {2, 4}, .outputs = {1, 2},
                                .attributes = {{"activation", AttributeKind::text}}, .infer = infer, .reference = reference}};

}  // namespace
}  // namespace tercet
