// SPDX-License-Identifier: Apache-2.0
#include "precision/set_precision.h"

#include "ops/expr.h"
#include "ops/op.h"
#include "ops/quantized.h"
#include "passes/quantization.h"
#include "precision/quantize_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <set>

namespace tercet {
namespace {

bool all_asked(const Graph& g, NodeId id, const AskedPrecision& asked, std::initializer_list<Precision> wanted) {
    const auto layers = g.layers(id);
    return std::ranges::all_of(layers, [&](const std::string& l) { return std::ranges::find(wanted, asked(l)) != wanted.end(); });
}

void refuse(const Graph& g, NodeId id, Refusals& refusals, const std::string& why) {
    for (const std::string& l : g.layers(id)) refusals.emplace(l, why);
}

// The axis of the output channels in a product's constant weights; empty if the node is none, or has none.
std::optional<int> channel_axis(const Graph& g, NodeId id) {
    const Tensor* w = g.constant(id, 1);
    if (!w || w->dtype() != DType::f32 || g.node(id).outputs.size() != 1 || g.node(id).attributes.has("stored")) return std::nullopt;
    if (g.is(id, "Conv")) return 0;
    if (w->shape().size() != 2) return std::nullopt;
    if (g.is(id, "MatMul")) return 1;
    if (g.is(id, "Gemm")) return g.node(id).attributes.integer("transB", 0) != 0 ? 0 : 1;
    return std::nullopt;
}

bool is_chain(const Graph& g, NodeId id) { return g.node(id).op == "Pointwise" && g.node(id).domain == "tercet" && !g.node(id).attributes.has("tail"); }
bool is_mean(const Graph& g, NodeId id) { return g.is(id, "AveragePool") || g.is(id, "GlobalAveragePool"); }

struct Channels {
    std::int64_t count, outer, inner;
    Channels(const Tensor& w, int axis) : count(w.shape()[axis]), outer(count_of(w.shape().part(0, axis))), inner(count_of(w.shape().part(axis + 1))) {}
    template <class F>
    void for_each(F&& f) const {  // f(channel, element)
        for (std::int64_t o = 0, i = 0; o < outer; ++o)
            for (std::int64_t c = 0; c < count; ++c)
                for (std::int64_t k = 0; k < inner; ++k, ++i) f(c, i);
    }
};

bool is_finite(const Tensor& t) {
    const View v = t.view();
    for (std::int64_t i = 0; i < t.count(); ++i)
        if (!std::isfinite(load<float>(v.address(i)))) return false;
    return true;
}

class Quantizer {
public:
    Quantizer(Graph& g, const AskedPrecision& asked, const Scales& scales, Refusals& refusals, const ChannelMeansByTensor& means)
        : g_(g), asked_(asked), given_scales_(scales), refusals_(refusals), means_(means) {
        for (std::size_t v = 0; v < g.value_count(); ++v) scales_.push_back(scale_of(scales, g.value(static_cast<ValueId>(v)).name));
        wanted_.resize(g.value_count());
    }

    int run() {
        for (NodeId id : g_.order())  // what moves elements keeps their scale
            if (moves_elements(g_, id) && !g_.is(id, "Concat") && has_scale(g_.input(id, 0))) scale(g_.output(id)) = scale(g_.input(id, 0));
        for (NodeId id : g_.order())
            if (can_be_integer(id)) products_.insert(id);
        const std::vector<NodeId> order = g_.order();
        for (auto it = order.rbegin(); it != order.rend(); ++it) want_inputs(*it);
        for (auto it = order.rbegin(); it != order.rend(); ++it)
            if (g_.is(*it, "Concat") && wanted(g_.output(*it)))
                for (ValueId v : g_.node(*it).inputs)
                    if (g_.only_user(v) == *it) scale(v) = scale(g_.output(*it));
        int made = 0;
        for (NodeId id : products_) correct_bias(id);
        for (std::size_t v = 0; v < wanted_.size(); ++v)
            if (wanted_[v]) insert_pair(static_cast<ValueId>(v)), ++made;
        for (NodeId id : products_) replace_weights(id), ++made;
        return made;
    }

private:
    float& scale(ValueId v) { return scales_[static_cast<std::size_t>(v)]; }
    bool has_scale(ValueId v) { return v != ValueId::none && scale(v) > 0; }
    bool wanted(ValueId v) const { return v != ValueId::none && wanted_[static_cast<std::size_t>(v)]; }
    bool is_activation(ValueId v) const { return v != ValueId::none && !g_.constant(v) && g_.value(v).type.dtype == DType::f32; }

    bool can_be_integer(NodeId id) {
        const auto axis = channel_axis(g_, id);
        if (!axis || !is_activation(g_.input(id, 0)) || !all_asked(g_, id, asked_, {Precision::int8})) return false;
        const Tensor& w = *g_.constant(id, 1);
        const ValueId x = g_.input(id, 0);
        if (const Attributes& a = g_.node(id).attributes; g_.is(id, "Gemm") && (a.integer("transA", 0) != 0 || a.real("alpha", 1) != 1 || a.real("beta", 1) != 1)) {
            refuse(g_, id, refusals_, "a Gemm with transA, alpha or beta has no int8 form");
        } else if (w.count() == 0 || w.count() / w.shape()[*axis] > longest_sum_of_bytes) {
            refuse(g_, id, refusals_, "sums of so many products could be greater than 32 bits hold");
        } else if (!is_finite(w)) {
            refuse(g_, id, refusals_, fmt::format("its weights '{}' hold NaN or infinity", g_.value(g_.input(id, 1)).name));
        } else if (!has_scale(x)) {
            refuse(g_, id, refusals_, fmt::format("no scale for tensor '{}'", g_.value(x).name));
        } else {
            return true;
        }
        return false;
    }

    void want(ValueId v) {
        if (is_activation(v) && has_scale(v)) wanted_[static_cast<std::size_t>(v)] = true;
    }

    void want_inputs(NodeId id) {
        const Node& n = g_.node(id);
        const ValueId y = n.outputs[0];
        if (products_.contains(id)) {
            want(n.inputs[0]);
            for (std::size_t i = static_cast<std::size_t>(op_of(n).inputs.max); i < n.inputs.size(); ++i)
                if (n.inputs[i] != ValueId::none && g_.value(n.inputs[i]).type == g_.value(y).type) want(n.inputs[i]);
        } else if (wanted(y) && (moves_elements(g_, id) || is_mean(g_, id)) && all_asked(g_, id, asked_, {Precision::int8})) {
            const std::size_t count = g_.is(id, "Concat") ? n.inputs.size() : 1;
            for (std::size_t i = 0; i < count; ++i) want(n.inputs[i]);
        } else if (wanted(y) && is_chain(g_, id) && all_asked(g_, id, asked_, {Precision::int8})) {
            for (ValueId v : n.inputs)
                if (v != ValueId::none && g_.value(v).type == g_.value(y).type && g_.producer(v) != NodeId::none) want(v);  // an input comes as f32 anyway
        }
    }

    void insert_pair(ValueId v) {
        const std::vector<NodeId> users = g_.value(v).users;
        if (users.empty()) return;
        const NodeId first = *std::ranges::find_if(g_.order(), [&](NodeId id) { return std::ranges::find(users, id) != users.end(); });
        const std::string name = g_.value(v).name;
        const ValueId s = g_.add_constant(name + "_scale", Tensor::scalar(DType::f32, scale(v)));
        const ValueId zero = g_.add_constant(name + "_zero", Tensor::scalar(DType::i8, 0));
        const std::vector<std::string> layers = g_.layers(g_.producer(v) != NodeId::none ? g_.producer(v) : first);
        const ValueId q = emit(g_, {.op = "QuantizeLinear", .inputs = {v, s, zero}, .outputs = {}, .layers = layers}, name + "_i8", first);
        const ValueId d = emit(g_, {.op = "DequantizeLinear", .inputs = {q, s, zero}, .outputs = {}, .layers = layers}, name + "_f32", first);
        for (NodeId user : users)
            for (std::size_t i = 0; i < g_.node(user).inputs.size(); ++i)
                if (g_.input(user, i) == v) g_.set_input(user, i, d);
    }

    // Empty where they are not known. By the exact tensor: every activation has a scale, few have means.
    std::span<const float> channel_means(ValueId v) const {
        const auto it = means_.find(tensor_of(g_.value(v).name, [&](std::string_view name) { return given_scales_.contains(name); }));
        if (it == means_.end() || !std::ranges::all_of(it->second, [](float m) { return std::isfinite(m); })) return {};
        return it->second;
    }

    bool is_channels_last(ValueId v) const {
        const std::string_view name = g_.value(v).name;
        return name.substr(tensor_of(name, [&](std::string_view n) { return given_scales_.contains(n); }).size()).find("nhwc") != std::string_view::npos;
    }

    // Of the `depth` channels that a product reads; empty where they are not known.
    std::vector<float> means_of(NodeId id, std::int64_t depth) const {
        const ValueId v = g_.input(id, 0);
        const std::span<const float> own = channel_means(v);
        if (g_.is(id, "Conv")) return std::ssize(own) == depth ? std::vector(own.begin(), own.end()) : std::vector<float>{};
        ValueId from = v;
        for (NodeId p = g_.producer(v); p != NodeId::none && op_of(g_.node(p)).pure_view; p = g_.producer(from)) from = g_.input(p, 0);
        const bool last = is_channels_last(from);
        if (!last && std::ssize(own) == depth) return {own.begin(), own.end()};
        // A classifier behind a Flatten: its rows count the channels and their places, in the order in which they now lie.
        const std::span<const float> channels = channel_means(from);
        const Shape& shape = g_.value(from).type.shape;
        if (from == v || shape.size() < 3 || channels.empty() || depth % std::ssize(channels) != 0 || (last ? shape.back() : shape[1]) != Dim(std::ssize(channels))) return {};
        std::vector<float> means;
        const std::int64_t places = depth / std::ssize(channels);
        for (std::int64_t k = 0; k < depth; ++k) means.push_back(channels[static_cast<std::size_t>(last ? k % std::ssize(channels) : k / places)]);
        return means;
    }

    void correct_bias(NodeId id) {
        const int axis = *channel_axis(g_, id);
        const Tensor& w = *g_.constant(id, 1);
        const bool conv = g_.is(id, "Conv");
        const Channels channels(w, axis);
        const std::int64_t groups = conv ? g_.node(id).attributes.integer("group", 1) : 1;
        const std::int64_t depth = conv ? w.shape()[1] : w.shape()[1 - axis], taps = conv ? count_of(w.shape().part(2)) : 1;
        const std::vector<float> means = means_of(id, depth * groups);
        if (means.empty()) return;
        const QuantizedWeights rounded = quantize_weights(w, axis);
        std::vector<double> shift(static_cast<std::size_t>(channels.count));
        const View from = w.view(), q = rounded.values.view();
        channels.for_each([&](std::int64_t m, std::int64_t i) {
            const std::int64_t c = conv ? m / (channels.count / groups) * depth + i / taps % depth : axis == 0 ? i % depth : i / channels.count;
            shift[static_cast<std::size_t>(m)] += (load<std::int8_t>(q.address(i)) * rounded.scales.get(m) - static_cast<double>(load<float>(from.address(i)))) * static_cast<double>(means[static_cast<std::size_t>(c)]);
        });
        add_to_bias(id, shift);
    }

    // bias -= shift. A MatMul has none: there it goes in front of the tail.
    void add_to_bias(NodeId id, std::span<const double> shift) {
        const Node& n = g_.node(id);
        const auto own = static_cast<std::size_t>(op_of(n).inputs.max), inputs = std::max(n.inputs.size(), own) - own;
        const auto count = std::ssize(shift);
        const bool has_bias = own > 2 && g_.input(id, 2) != ValueId::none;
        const Tensor* bias = has_bias ? g_.constant(id, 2) : nullptr;
        if (has_bias && (!bias || bias->count() != count || bias->shape().back() != count || bias->dtype() != DType::f32)) return;
        std::vector<float> corrected;
        for (std::int64_t m = 0; m < count; ++m) corrected.push_back(static_cast<float>((bias ? bias->get(m) : 0) - shift[static_cast<std::size_t>(m)]));
        const Dims shape = bias ? bias->shape() : Dims{count};
        if (own < 3) {
            const auto text = n.attributes.text("tail", "");
            std::vector<Expr> by{Expr::apply("add", std::array{Expr::input(0), Expr::input(static_cast<int>(inputs) + 1)})};
            for (std::size_t i = 1; i <= inputs; ++i) by.push_back(Expr::input(static_cast<int>(i)));
            if (inputs + 3 > static_cast<std::size_t>(Expr::max_inputs)) return;
            const Expr tail = (text.empty() ? Expr::input(0) : Expr::parse(text)).substituted(by);
            if (!tail.fits()) return;
            g_.attributes(id).set("tail", tail.text());
        }
        g_.set_input(id, own < 3 ? own + inputs : 2, g_.add_constant(g_.label(id) + "_corrected", Tensor::of<float>(DType::f32, shape, corrected)));
    }

    void replace_weights(NodeId id) {
        const int axis = *channel_axis(g_, id);
        const std::string name = g_.value(g_.input(id, 1)).name;
        QuantizedWeights w = quantize_weights(*g_.constant(id, 1), axis);
        const ValueId q = g_.add_constant(name + "_i8", std::move(w.values)), s = g_.add_constant(name + "_scales", std::move(w.scales));
        g_.set_input(id, 1, emit(g_, {.op = "DequantizeLinear", .inputs = {q, s}, .outputs = {}, .attributes = {{"axis", std::int64_t{axis}}}, .layers = g_.layers(id)}, name + "_f32", id));
    }

    Graph& g_;
    const AskedPrecision& asked_;
    const Scales& given_scales_;  // by tensor of the model as read
    Refusals& refusals_;
    std::vector<float> scales_;  // by value; 0: none
    std::vector<bool> wanted_;   // in bytes
    std::set<NodeId> products_;
    const ChannelMeansByTensor& means_;
};

// Elements as `to`; what it cannot hold is counted.
Tensor narrowed(const Tensor& t, DType to, NarrowWeights& found) {
    Tensor n = Tensor::zeros(to, t.shape());
    const View from = t.view(), v = n.writable();
    const double least_normal = to == DType::f16 ? 0x1p-14 : 0x1p-126;
    found.count = t.count();
    for (std::int64_t i = 0; i < t.count(); ++i) {
        const double x = from.get_at(i);
        v.set_at(i, x);
        found.overflowing += !std::isfinite(v.get_at(i)) && std::isfinite(x);
        found.subnormal += x != 0 && std::fabs(x) < least_normal;
    }
    return n;
}

// The 16-bit type of the layers that the step computes, where the model gives them one.
DType own_type(const Graph& g, NodeId id, const HalfLayers& own) {
    for (const std::string& l : g.layers(id))
        if (const auto it = own.find(l); it != own.end()) return it->second;
    return DType::f32;
}

bool holds(const Tensor& narrow, const Tensor& t) {
    const View a = narrow.view(), b = t.view();
    for (std::int64_t i = 0; i < t.count(); ++i)
        if (const double x = b.get_at(i); a.get_at(i) != x && !std::isnan(x)) return false;
    return true;
}

}  // namespace

std::string_view tensor_of(std::string_view value, const std::function<bool(std::string_view)>& known) {
    for (;;) {
        if (known(value)) return value;
        const auto last = value.rfind('_');
        // Values get such names where elements are moved (emit_like), or where a name is taken already.
        if (last == std::string_view::npos || last + 1 == value.size()) return {};
        const std::string_view suffix = value.substr(last + 1);
        if (suffix != "nhwc" && suffix.find_first_not_of("0123456789") != std::string_view::npos) return {};
        value = value.substr(0, last);
        if (value.ends_with("_to")) value.remove_suffix(3);
    }
}

float scale_of(const Scales& scales, std::string_view value) {
    const auto it = scales.find(tensor_of(value, [&](std::string_view name) { return scales.contains(name); }));
    return it != scales.end() && std::isfinite(it->second) && it->second > 0 ? it->second : 0;
}

int set_int8(Graph& g, const AskedPrecision& asked, const Scales& scales, Refusals& refusals, const ChannelMeansByTensor& means) {
    return Quantizer(g, asked, scales, refusals, means).run();
}

HalfLayers half_layers(const Graph& read) {
    HalfLayers own;
    for (NodeId id : read.order()) {
        const ValueId y = read.output(id);
        const DType t = y == ValueId::none ? DType::undefined : read.value(y).type.dtype;
        if (t == DType::f16 || t == DType::bf16) own.emplace(read.label(id), t);
    }
    return own;
}

int set_half(Graph& g, const AskedPrecision& asked, const HalfLayers& own, Refusals& refusals, std::vector<NarrowWeights>& found) {
    int made = 0;
    for (NodeId id : std::vector(g.order())) {
        const bool table = g.is(id, "Gather") && g.constant(id, 0) && g.constant(id, 0)->dtype() == DType::f32 && g.value(g.output(id)).type.shape.size() > 1;
        if (!table && !channel_axis(g, id)) continue;
        DType to = all_asked(g, id, asked, {Precision::fp16}) ? DType::f16 : all_asked(g, id, asked, {Precision::bf16}) ? DType::bf16 : DType::f32;
        const std::size_t input = table ? 0 : 1;
        const std::string name = g.value(g.input(id, input)).name;
        NarrowWeights weights{.tensor = name};
        Tensor t;
        const DType models = to == DType::f32 ? own_type(g, id, own) : to;
        if (models != DType::f32) t = narrowed(*g.constant(id, input), models, weights);
        const bool lossless = models != DType::f32 && holds(t, *g.constant(id, input));
        if (to == DType::f32 && lossless) to = models;
        if (to == DType::f32) continue;
        if (!lossless && (weights.overflowing || weights.subnormal)) found.push_back(weights);
        if (weights.overflowing) {
            refuse(g, id, refusals, fmt::format("{} of the weights '{}' are greater than {} holds", weights.overflowing, name, name_of(to)));
            continue;
        }
        const ValueId narrow = g.add_constant(fmt::format("{}_{}", name, name_of(to)), std::move(t));
        ++made;
        if (!table) {
            g.set_input(id, 1, narrow);
            g.attributes(id).set("stored", std::string("f32"));
            continue;
        }
        const ValueId y = g.output(id);
        Node gather = g.node(id);
        gather.inputs[0] = narrow;
        gather.layers = g.layers(id);
        gather.outputs.clear();
        const ValueId picked = emit(g, std::move(gather), g.value(y).name + "_picked", id);
        const ValueId by = emit(g, {.op = "Pointwise", .inputs = {picked}, .outputs = {}, .attributes = {{"expr", std::string("x0")}, {"stored", std::string("f32")}}, .domain = "tercet",
                                    .layers = g.layers(id)}, g.value(y).name, id);
        g.replace(y, by);
        g.remove(id);
    }
    return made;
}

std::vector<LayerPlan> layers_of_precisions(const Graph& read, const Graph& made, const AskedPrecision& asked, const Refusals& refusals) {
    struct Run {
        Precision precision;
        std::string op;
    };
    std::map<std::string, Run, std::less<>> runs;
    for (NodeId id : made.order()) {
        const Node& n = made.node(id);
        Precision p = Precision::fp32;
        for (ValueId v : n.inputs) {
            const DType t = v == ValueId::none ? DType::undefined : made.value(v).type.dtype;
            if (t == DType::i8 || t == DType::u8) p = Precision::int8;
            if (t == DType::f16 && p == Precision::fp32) p = Precision::fp16;
            if (t == DType::bf16 && p == Precision::fp32) p = Precision::bf16;
        }
        const bool casts = n.op == "Pointwise" && n.attributes.has("stored");  // a mere change of type says nothing of a layer that others run, too
        for (const std::string& l : made.layers(id))
            if (const auto it = runs.find(l); it == runs.end() || (it->second.op == "Pointwise" && !casts)) runs.insert_or_assign(l, Run{p, n.op});
    }
    const HalfLayers own = half_layers(read);
    std::vector<LayerPlan> layers;
    for (NodeId id : read.order()) {
        LayerPlan l{.layer = read.label(id), .op = read.node(id).op};
        l.asked = l.chosen = asked(l.layer);
        const auto run = runs.find(l.layer);
        const auto half = own.find(l.layer);
        if (run != runs.end() && half != own.end() && run->second.precision == Precision::fp32) run->second.precision = half->second == DType::f16 ? Precision::fp16 : Precision::bf16;
        if (run == runs.end()) {
            l.reason = "folded into its neighbours or into constants";
        } else if (run->second.precision != l.asked) {
            l.chosen = run->second.precision;
            const auto why = refusals.find(l.layer);
            const bool models = half != own.end() && l.chosen != Precision::int8;
            const bool stands_in = !models && l.asked == Precision::int8 && (l.chosen == Precision::fp16 || l.chosen == Precision::bf16);
            l.reason = stands_in                ? fmt::format("{}; {} instead", why != refusals.end() ? why->second : fmt::format("{} has no int8 form", run->second.op), name_of(l.chosen))
                       : why != refusals.end() ? why->second
                       : models                ? fmt::format("the model has {} in {}", l.op, name_of(l.chosen))
                       : l.chosen == Precision::int8 ? fmt::format("{} reads what is stored in bytes, by the model itself or for others", l.op)
                       : l.asked == Precision::int8 ? fmt::format("{} computes in fp32", l.op)
                                                    : fmt::format("{} has no weights to store in 16 bits", l.op);
        }
        layers.push_back(std::move(l));
    }
    return layers;
}

}  // namespace tercet
