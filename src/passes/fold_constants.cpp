// SPDX-License-Identifier: Apache-2.0
// Nodes that read constants only are computed by their reference implementation; values of shape arithmetic whose elements
// inference knows become constants. What would make the model larger (ConstantOfShape, Expand, Tile, ...) is bounded, and
// quantized weights stay quantized.
#include "passes/passes.h"
#include "passes/rewrite.h"

#include <algorithm>

namespace tercet {
namespace {

constexpr std::int64_t largest_bytes = std::int64_t{64} << 20;
constexpr double largest_work = 4e9;  // of a product: outputs times weights, a bound of its multiplications

bool reads_constants_only(const Graph& g, NodeId id) {
    return std::ranges::all_of(g.node(id).inputs, [&](ValueId v) { return v == ValueId::none || g.constant(v); });
}

bool is_product(const Graph& g, NodeId id) {
    return g.is(id, "Conv") || g.is(id, "Gemm") || g.is(id, "MatMul") || g.is(id, "ConvTranspose") || g.is(id, "Einsum");
}

// The outputs' shapes are known and not too large to be kept, nor too expensive to be computed here.
bool is_affordable(const Graph& g, NodeId id) {
    std::int64_t in_bytes = 0, out_bytes = 0;
    for (ValueId v : g.node(id).inputs)
        if (const Tensor* t = g.constant(v)) in_bytes += static_cast<std::int64_t>(t->bytes());
    for (ValueId v : g.node(id).outputs) {
        if (v == ValueId::none) continue;
        const Type& type = g.value(v).type;
        const auto shape = constant_shape(type.shape);
        if (!shape || !computes(type.dtype)) return false;
        std::int64_t bytes = bits_of(type.dtype) / 8;
        for (std::int64_t d : *shape)
            if (__builtin_mul_overflow(bytes, d, &bytes)) return false;
        if (__builtin_add_overflow(out_bytes, bytes, &out_bytes)) return false;
    }
    if (out_bytes > largest_bytes && out_bytes > in_bytes) return false;
    return !is_product(g, id) || static_cast<double>(out_bytes) * static_cast<double>(in_bytes) < 16 * largest_work;
}

// Empty where the reference finds fault with the elements: the run will say so.
std::vector<Tensor> compute(const Graph& g, NodeId id) {
    Graph alone;
    Node node = g.node(id);
    for (ValueId& v : node.inputs)
        if (v != ValueId::none) v = alone.add_constant("", *g.constant(v));
    for (ValueId& v : node.outputs) {
        if (v == ValueId::none) continue;
        v = alone.add_value("", g.value(v).type);
        alone.add_output("", v);
    }
    alone.add_node(std::move(node));
    try {
        return evaluate(alone, {});
    } catch (const Error&) {
        return {};
    }
}

bool fold_node(Graph& g, NodeId id) {
    if (!reads_constants_only(g, id) || g.is(id, "DequantizeLinear") || !is_affordable(g, id)) return false;
    const std::vector<Tensor> results = compute(g, id);
    if (results.empty()) return false;
    std::size_t next = 0;
    for (ValueId v : std::vector(g.node(id).outputs))
        if (v != ValueId::none) g.set_constant(v, results[next++]);
    if (g.is_alive(id)) g.remove(id);
    return true;
}

// The value as a tensor, if all of its elements are known integers.
std::optional<Tensor> known_value(const Value& v) {
    if (!v.content || v.constant) return std::nullopt;
    if (!is_integer(v.type.dtype) && v.type.dtype != DType::boolean) return std::nullopt;
    const auto shape = constant_shape(v.type.shape);
    if (!shape || count_of(*shape) != static_cast<std::int64_t>(v.content->size())) return std::nullopt;
    Tensor t = Tensor::zeros(v.type.dtype, *shape);
    for (std::size_t i = 0; i < v.content->size(); ++i) {
        const auto c = (*v.content)[i].constant();
        if (!c) return std::nullopt;
        t.writable().set_int_at(static_cast<std::int64_t>(i), *c);
    }
    return t;
}

bool fold_content(Graph& g, NodeId id) {
    bool folded = false;
    for (ValueId v : std::vector(g.node(id).outputs)) {
        if (v == ValueId::none || !g.is_alive(id) || g.uses(v) == 0) continue;
        if (auto t = known_value(g.value(v))) {
            g.set_constant(v, std::move(*t));
            folded = true;
        }
    }
    return folded;
}

}  // namespace

int fold_constants(Graph& g, int limit) {
    int folded = 0;
    for (NodeId id : std::vector(g.order())) {
        if (folded == limit) break;
        if (g.is_alive(id)) folded += fold_node(g, id) || fold_content(g, id);
    }
    return folded;
}

}  // namespace tercet
