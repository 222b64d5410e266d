// SPDX-License-Identifier: Apache-2.0
#include "passes/quantization.h"

#include "ops/op.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace tercet {
namespace {

bool is_byte(DType t) { return t == DType::i8 || t == DType::u8; }

const Tensor* single(const Graph& g, NodeId id, std::size_t input) {
    const Tensor* t = g.constant(id, input);
    return t && t->count() == 1 ? t : nullptr;
}

}  // namespace

std::optional<Quantization> quantization_of(const Graph& g, NodeId id, std::string_view op) {
    if (!g.is(id, op)) return std::nullopt;
    const Attributes& a = g.node(id).attributes;
    const ValueId q = op == "QuantizeLinear" ? g.output(id) : g.input(id, 0), real = op == "QuantizeLinear" ? g.input(id, 0) : g.output(id);
    const Tensor* scale = single(g, id, 1);
    if (!scale || scale->dtype() != DType::f32 || a.has("block_size") || a.has("precision") || a.has("stored")) return std::nullopt;
    if (g.value(real).type.dtype != DType::f32 || !is_byte(g.value(q).type.dtype)) return std::nullopt;
    Quantization by{.scale = static_cast<float>(scale->get(0)), .zero = 0, .dtype = g.value(q).type.dtype};
    if (!(by.scale > 0) || !std::isfinite(by.scale)) return std::nullopt;
    if (g.input(id, 2) != ValueId::none) {
        const Tensor* zero = single(g, id, 2);
        if (!zero) return std::nullopt;
        by.zero = zero->to_ints()[0];
    }
    return by;
}

std::optional<Dequantized> dequantized(const Graph& g, ValueId v) {
    const NodeId id = g.producer(v);
    const auto by = quantization_of(g, id, "DequantizeLinear");
    if (!by) return std::nullopt;
    return Dequantized{g.input(id, 0), *by};
}

NodeId only_quantize(const Graph& g, ValueId v) {
    const NodeId user = g.only_user(v);
    return user != NodeId::none && g.input(user, 0) == v && quantization_of(g, user, "QuantizeLinear") ? user : NodeId::none;
}

bool moves_elements(const Graph& g, NodeId id) {
    constexpr std::array<std::string_view, 12> moves{"Concat", "DepthToSpace", "Expand", "Flatten", "MaxPool", "Reshape", "Slice", "SpaceToDepth", "Squeeze", "Tile", "Transpose", "Unsqueeze"};
    if (id == NodeId::none || !g.node(id).domain.empty() || g.node(id).outputs.size() != 1 || g.node(id).attributes.has("tail")) return false;
    // A crop of TensorFlow's gives a value of its own beside the input.
    if (g.is(id, "Resize")) return g.node(id).attributes.text("mode", "nearest") == "nearest" && g.node(id).attributes.text("coordinate_transformation_mode", "") != "tf_crop_and_resize";
    return std::ranges::find(moves, g.node(id).op) != moves.end();
}

std::optional<ByteWeights> quantized_weights(const Graph& g, ValueId v, int axis) {
    const NodeId id = g.producer(v);
    if (!g.is(id, "DequantizeLinear")) return std::nullopt;
    const Tensor *q = g.constant(id, 0), *scale = g.constant(id, 1), *zero = g.constant(id, 2);
    const Attributes& a = g.node(id).attributes;
    if (!q || !scale || !is_byte(q->dtype()) || scale->dtype() != DType::f32 || a.has("block_size") || g.value(v).type.dtype != DType::f32) return std::nullopt;
    if (g.input(id, 2) != ValueId::none && !zero) return std::nullopt;
    const std::int64_t channels = q->shape()[axis];
    if (scale->count() != 1 && (scale->count() != channels || checked_axis(a.integer("axis", 1), q->shape().size()) != axis)) return std::nullopt;
    ByteWeights w{.values = Tensor::zeros(DType::i8, q->shape()), .scales = {}};
    for (std::int64_t c = 0; c < channels; ++c) w.scales.push_back(static_cast<float>(scale->get(scale->count() == 1 ? 0 : c)));
    if (std::ranges::any_of(w.scales, [](float s) { return !(s > 0) || !std::isfinite(s); })) return std::nullopt;
    const auto from = q->to_ints();
    const std::vector<std::int64_t> zeros = zero ? zero->to_ints() : std::vector<std::int64_t>{0};
    auto* to = reinterpret_cast<std::int8_t*>(w.values.writable().data);
    const std::int64_t inner = count_of(q->shape().part(axis + 1));
    for (std::size_t i = 0; i < from.size(); ++i) {
        const std::int64_t channel = static_cast<std::int64_t>(i) / inner % channels;
        const std::int64_t value = from[i] - zeros[zeros.size() == 1 ? 0 : static_cast<std::size_t>(channel)];
        if (value < -128 || value > 127) return std::nullopt;
        to[i] = static_cast<std::int8_t>(value);
    }
    return w;
}

}  // namespace tercet
