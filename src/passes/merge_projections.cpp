// SPDX-License-Identifier: Apache-2.0
// Queries, keys and values that one Attention alone reads, products of one value with constant weights, become one product:
//     Attention(x*wq + bq, x*wk + bk, x*wv + bv)  =>  Attention(Split(x * [wq wk wv] + [bq bk bv]))
// The products are MatMul with or without an Add behind it, or Gemm with a Reshape behind it.
#include "ops/moves.h"
#include "passes/passes.h"
#include "passes/rewrite.h"

#include <algorithm>
#include <array>

namespace tercet {
namespace {

struct Projection {
    NodeId product = NodeId::none, add = NodeId::none;
    ValueId x = ValueId::none;
    Tensor weights, bias;  // [K,N], or [N,K] if transposed; N elements, or false: none
    bool transposed = false;
    std::int64_t depth = 0, columns = 0;
};

bool is_plain(const Graph& g, NodeId id, std::string_view op) { return g.is(id, op) && !g.node(id).attributes.has("tail"); }

// A constant that is one row of n elements; else false.
Tensor row(const Graph& g, ValueId v, std::int64_t n) {
    const Tensor* t = g.constant(v);
    return t && t->count() == n && !t->shape().empty() && t->shape().back() == n ? *t : Tensor();
}

std::optional<Projection> projection(const Graph& g, ValueId v, NodeId reader) {
    Projection p;
    const Type type = g.value(v).type;
    const auto columns = type.shape.empty() ? std::nullopt : type.shape.back().constant();
    if (!columns || type.shape.size() != 3 || g.only_user(v) != reader) return std::nullopt;
    p.columns = *columns;
    NodeId id = g.producer(v);
    if (is_plain(g, id, "Add")) {
        const std::size_t constant = g.constant(id, 1) ? 1 : 0;
        p.bias = row(g, g.input(id, constant), p.columns);
        if (!p.bias || g.value(g.input(id, 1 - constant)).type != type) return std::nullopt;
        p.add = id;
        v = g.input(id, 1 - constant);
        id = g.producer(v);
    }
    const bool viewed = p.add == NodeId::none && is_plain(g, id, "Reshape");
    if (viewed) {
        v = g.input(id, 0);
        id = g.producer(v);
    }
    const bool gemm = is_plain(g, id, "Gemm");
    if ((!gemm && !is_plain(g, id, "MatMul")) || gemm != viewed || g.uses(v) != 1) return std::nullopt;
    const Attributes& a = g.node(id).attributes;
    if (a.real("alpha", 1) != 1 || a.real("beta", 1) != 1 || a.integer("transA", 0) != 0) return std::nullopt;
    p.transposed = gemm && a.integer("transB", 0) != 0;
    if (!g.constant(id, 1)) return std::nullopt;
    p.weights = *g.constant(id, 1);
    if (p.weights.shape().size() != 2 || p.weights.dtype() != type.dtype || !is_float(type.dtype) || g.uses(g.input(id, 1)) != 1) return std::nullopt;
    p.depth = p.weights.shape()[p.transposed ? 1 : 0];
    if (p.weights.shape()[p.transposed ? 0 : 1] != p.columns) return std::nullopt;
    if (gemm && g.input(id, 2) != ValueId::none && !(p.bias = row(g, g.input(id, 2), p.columns))) return std::nullopt;
    p.product = id;
    p.x = g.input(id, 0);
    return p;
}

using Projections = std::array<Projection, 3>;

Tensor side_by_side(const Projections& all, std::int64_t columns) {
    Tensor w = Tensor::zeros(all[0].weights.dtype(), {all[0].depth, columns});
    View part = w.writable();
    for (const Projection& p : all) {
        part.shape[1] = p.columns;
        copy_view(p.transposed ? p.weights.view().permuted({1, 0}) : p.weights.view(), part);
        part.data = part.address(p.columns);
    }
    return w;
}

Tensor end_to_end(const Projections& all, std::int64_t columns) {
    Tensor b = Tensor::zeros(all[0].weights.dtype(), {columns});
    View part = b.writable();
    for (const Projection& p : all) {
        part.shape[0] = p.columns;
        if (p.bias) copy_view(p.bias.reshaped({p.columns}).view(), part);
        part.data = part.address(p.columns);
    }
    return b;
}

bool rewrite(Graph& g, NodeId id) {
    if (!g.is(id, "Attention")) return false;
    Projections all;
    for (std::size_t i = 0; i < 3; ++i) {
        const auto p = projection(g, g.input(id, i), id);
        if (!p || (i > 0 && (p->x != all[0].x || p->depth != all[0].depth || g.node(p->product).op != g.node(all[0].product).op))) return false;
        all[i] = *p;
    }
    const std::array sizes{all[0].columns, all[1].columns, all[2].columns};
    const std::int64_t columns = sizes[0] + sizes[1] + sizes[2];
    const bool gemm = g.is(all[0].product, "Gemm"), biased = std::ranges::any_of(all, [](const Projection& p) { return static_cast<bool>(p.bias); });
    Shape type = g.value(g.input(id, 0)).type.shape;
    type.back() = columns;
    for (std::size_t i = 1; i < 3; ++i)
        for (std::size_t d = 0; d < 2; ++d)
            if (g.value(g.input(id, i)).type.shape[d] != type[d]) return false;
    const std::string name = g.value(g.input(id, 0)).name + "_kv";
    auto layers = layers_of(g, {all[0].product, all[1].product, all[2].product});
    for (const Projection& p : all)
        if (p.add != NodeId::none)
            for (const std::string& l : g.layers(p.add))
                if (std::ranges::find(layers, l) == layers.end()) layers.push_back(l);
    std::optional<std::vector<std::int64_t>> target;
    if (gemm && !(target = reshape_target({g.value(all[0].x).type.shape[0], Dim(columns)}, type))) return false;

    const ValueId w = g.add_constant(g.value(g.input(all[0].product, 1)).name + "_kv", side_by_side(all, columns));
    const ValueId b = biased ? g.add_constant(name + "_bias", end_to_end(all, columns)) : ValueId::none;
    Node product{.op = gemm ? "Gemm" : "MatMul", .inputs = {all[0].x, w}, .outputs = {}, .layers = layers};
    if (gemm && biased) product.inputs.push_back(b);
    ValueId v = emit(g, std::move(product), name, id);
    if (gemm) v = emit(g, {.op = "Reshape", .inputs = {v, add_ints(g, name + "_shape", *target)}, .outputs = {}, .layers = layers}, name + "_view", id);
    else if (biased) v = emit(g, {.op = "Add", .inputs = {v, b}, .outputs = {}, .layers = layers}, name + "_sum", id);
    const ValueId first = emit(g, {.op = "Split", .inputs = {v, add_ints(g, name + "_sizes", sizes)}, .outputs = {}, .attributes = {{"axis", std::int64_t{-1}}}, .layers = layers},
                               name + "_part", id, 3);
    const NodeId split = g.producer(first);
    for (std::size_t i = 0; i < 3; ++i) supersede(g, g.input(id, i), g.output(split, i));
    return true;
}

}  // namespace

int merge_projections(Graph& g, int limit) { return rewrite_each(g, limit, rewrite); }

}  // namespace tercet
