// SPDX-License-Identifier: Apache-2.0
#include "onnx/known_values.h"

#include "ops/op.h"

#include <algorithm>

namespace tercet::onnx {
namespace {

constexpr std::int64_t most_elements = 4096;
constexpr int longest_chain = 100;  // of nodes from a value back to what is known

std::optional<Dims> small_shape(const Type& type) {
    const auto shape = constant_shape(type.shape);
    if (!shape || !computes(type.dtype)) return std::nullopt;
    std::int64_t count = 1;
    for (std::int64_t d : *shape)
        if (__builtin_mul_overflow(count, d, &count) || count > most_elements) return std::nullopt;
    return shape;
}

std::optional<Tensor> from_content(const Value& v) {
    const auto shape = small_shape(v.type);
    if (!v.content || !shape || count_of(*shape) != static_cast<std::int64_t>(v.content->size())) return std::nullopt;
    if (!is_integer(v.type.dtype) && v.type.dtype != DType::boolean) return std::nullopt;
    Tensor t = Tensor::zeros(v.type.dtype, *shape);
    for (std::size_t i = 0; i < v.content->size(); ++i) {
        const auto c = (*v.content)[i].constant();
        if (!c) return std::nullopt;
        t.writable().set_int_at(static_cast<std::int64_t>(i), *c);
    }
    return t;
}

}  // namespace

std::optional<Tensor> KnownValues::find(ValueId v, int depth) {
    if (const Tensor* t = graph_.constant(v)) return small_shape(graph_.value(v).type) ? std::optional(*t) : std::nullopt;
    if (auto t = from_content(graph_.value(v))) return t;
    if (graph_.producer(v) == NodeId::none || depth == longest_chain) return std::nullopt;
    if (const auto known = found_.find(v); known != found_.end()) return known->second;
    auto t = compute(v, depth);
    found_[v] = t;
    return t;
}

// By the reference implementation of its producer.
std::optional<Tensor> KnownValues::compute(ValueId v, int depth) {
    Node node = graph_.node(graph_.producer(v));
    const auto is_small = [&](ValueId o) { return o == ValueId::none || small_shape(graph_.value(o).type).has_value(); };
    if (!std::ranges::all_of(node.outputs, is_small)) return std::nullopt;
    Graph alone;
    for (ValueId& i : node.inputs) {
        if (i == ValueId::none) continue;
        auto t = find(i, depth + 1);
        if (!t) return std::nullopt;
        i = alone.add_constant("", std::move(*t));
    }
    for (ValueId& o : node.outputs) {
        if (o == ValueId::none) continue;
        const ValueId original = o;
        o = alone.add_value("", graph_.value(o).type);
        if (original == v) alone.add_output("", o);
    }
    alone.add_node(std::move(node));
    try {
        return evaluate(alone, {}).at(0);
    } catch (const Error&) {
        return std::nullopt;  // its elements are at fault: the run will say so
    }
}

}  // namespace tercet::onnx
