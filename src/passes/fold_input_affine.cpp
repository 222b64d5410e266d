// SPDX-License-Identifier: Apache-2.0
// The normalization of an image, x -> s[c]*x + t[c] -> Conv, maybe with a Transpose between, goes into the convolution:
//     w'[m,c] = w[m,c]*s[c],   b'[m] = b[m] + sum over c and taps of w[m,c]*t[c]
// The bias is exact only where no tap reads padding, since the padding's zeros are not shifted. Elsewhere the weights take
// the scale, and what remains before the convolution is one addition: x -> x + t[c]/s[c] -> Conv.
#include "passes/affine.h"
#include "passes/passes.h"
#include "passes/rewrite.h"

#include <algorithm>
#include <cmath>

namespace tercet {
namespace {

struct Chain {
    ValueId source;                    // x
    NodeId transpose = NodeId::none;   // between the arithmetic and the convolution, or nowhere
    std::vector<NodeId> nodes;         // the arithmetic, the last one first
    int axis = 1;                      // of the source's channels
    ChannelAffine affine;
};

std::optional<Chain> chain_before(const Graph& g, NodeId conv) {
    const ValueId x = g.input(conv, 0);
    const auto& shape = g.value(x).type.shape;
    Chain c{.source = x, .affine = {}};
    if (g.node(conv).attributes.text("layout", "NCHW") == "NHWC") c.axis = static_cast<int>(shape.size()) - 1;
    const auto channels = shape[static_cast<std::size_t>(c.axis)].constant();
    if (!channels) return std::nullopt;
    c.affine = ChannelAffine::identity(*channels);
    for (NodeId user = conv; g.only_user(c.source) == user;) {
        const NodeId p = g.producer(c.source);
        if (p == NodeId::none) break;
        if (g.is(p, "Transpose") && c.transpose == NodeId::none && c.nodes.empty()) {
            c.transpose = user = p;
            c.axis = static_cast<int>(transpose_order(g, p)[c.axis]);
            c.source = g.input(p, 0);
            continue;
        }
        ValueId from = g.input(p, 0);
        if (g.constant(from) && g.node(p).inputs.size() == 2) from = g.input(p, 1);
        const auto step = from == ValueId::none || g.constant(from) ? std::nullopt : affine_of(g, p, from, c.axis);
        if (!step) break;
        c.affine = step->then(c.affine);
        c.nodes.push_back(p);
        c.source = from;
        user = p;
    }
    return c.nodes.empty() ? std::nullopt : std::optional(c);
}

bool reads_padding(const Attributes& a) {
    if (a.text("auto_pad", "NOTSET").starts_with("SAME")) return true;
    return std::ranges::any_of(a.integers("pads"), [](std::int64_t p) { return p != 0; });
}

// b[m] + sum over the weights [M, C/group, taps...] times the shift of the channel they read
std::optional<Tensor> shifted_bias(const Graph& g, NodeId conv, const Tensor& w, const std::vector<double>& shift) {
    const Tensor* b = g.constant(conv, 2);
    const std::int64_t rows = w.shape()[0], channels = w.shape()[1], taps = count_of(w.shape().part(2));
    const std::int64_t per_group = std::max<std::int64_t>(rows / g.node(conv).attributes.integer("group", 1), 1);
    std::vector<double> bias;
    for (std::int64_t m = 0; m < rows; ++m) {
        double sum = b ? b->get(m) : 0;
        for (std::int64_t c = 0; c < channels; ++c)
            for (std::int64_t k = 0; k < taps; ++k)
                sum += w.get((m * channels + c) * taps + k) * shift[static_cast<std::size_t>(m / per_group * channels + c)];
        bias.push_back(sum);
    }
    return vector_of(w.dtype(), bias);
}

std::optional<Tensor> scaled_channels(const Graph& g, NodeId conv, const Tensor& w, const std::vector<double>& scale) {
    const std::int64_t rows = w.shape()[0], channels = w.shape()[1];
    const std::int64_t per_group = std::max<std::int64_t>(rows / g.node(conv).attributes.integer("group", 1), 1);
    std::vector<double> per_row_and_channel;
    for (std::int64_t m = 0; m < rows; ++m)
        for (std::int64_t c = 0; c < channels; ++c)
            per_row_and_channel.push_back(scale[static_cast<std::size_t>(m / per_group * channels + c)]);
    const auto r = scaled(w.reshaped({rows * channels, count_of(w.shape().part(2))}), 0, per_row_and_channel);
    return r ? std::optional(r->reshaped(w.shape())) : std::nullopt;
}

// What remains: t/s, [C, 1...] behind the channels' axis, or one number if all are equal. Empty if it cannot be divided.
std::optional<Tensor> rest(const Chain& c, DType dtype, int rank) {
    std::vector<double> shift;
    for (std::size_t i = 0; i < c.affine.shift.size(); ++i) {
        if (std::fabs(c.affine.scale[i]) < 1e-30 || std::fabs(c.affine.scale[i]) > 1e30) return std::nullopt;
        shift.push_back(c.affine.shift[i] / c.affine.scale[i]);
    }
    const auto t = vector_of(dtype, shift);
    if (!t) return std::nullopt;
    if (std::ranges::all_of(shift, [&](double v) { return v == shift[0]; })) return Tensor::scalar(dtype, shift[0]);
    Dims shape{t->count()};
    for (int i = c.axis + 1; i < rank; ++i) shape.push_back(1);
    return t->reshaped(shape);
}

bool fold(Graph& g, NodeId conv) {
    const Tensor* w = g.constant(conv, 1);
    const ValueId b = g.input(conv, 2);
    if (!w || !is_float(w->dtype()) || (b != ValueId::none && !g.constant(b))) return false;
    const auto c = chain_before(g, conv);
    if (!c) return false;
    const bool shift_stays = c->affine.shifts() && reads_padding(g.node(conv).attributes);
    if (shift_stays && !c->affine.scales()) return false;
    const Type source = g.value(c->source).type;
    const auto weights = scaled_channels(g, conv, *w, c->affine.scale);
    const auto remainder = shift_stays ? rest(*c, source.dtype, static_cast<int>(source.shape.size())) : std::nullopt;
    const auto bias = shift_stays ? std::nullopt : shifted_bias(g, conv, *w, c->affine.shift);
    if (!weights || (shift_stays ? !remainder : !bias)) return false;

    ValueId x = c->source;
    std::vector<std::string> layers;
    for (auto it = c->nodes.rbegin(); it != c->nodes.rend(); ++it)
        for (const std::string& l : g.layers(*it)) layers.push_back(l);
    if (shift_stays) {
        const std::string name = g.value(g.output(c->nodes.front())).name;
        const ValueId t = g.add_constant(name + "_shift", *remainder);
        x = emit(g, {.op = "Add", .inputs = {x, t}, .outputs = {}, .layers = layers}, name + "_shifted", c->nodes.front());
    }
    if (c->affine.scales()) g.set_input(conv, 1, g.add_constant(g.value(g.input(conv, 1)).name, *weights));
    if (!shift_stays && c->affine.shifts())
        g.set_input(conv, 2, g.add_constant(b != ValueId::none ? g.value(b).name : g.label(conv) + "_bias", *bias));
    g.set_input(c->transpose != NodeId::none ? c->transpose : conv, 0, x);
    g.add_layers(conv, layers);
    for (NodeId n : c->nodes) g.remove(n);
    return true;
}

}  // namespace

int fold_input_affine(Graph& g, int limit) {
    int folded = 0;
    for (NodeId conv : g.nodes("Conv")) {
        if (folded == limit) break;
        folded += fold(g, conv);
    }
    return folded;
}

}  // namespace tercet
