// SPDX-License-Identifier: Apache-2.0
// A Pointwise node that alone reads the result of a Conv, Gemm, MatMul or pool becomes its `tail`:
//     Pointwise<"relu(add(x0, x1))">(Conv(x, w, b), r)  =>  Conv<tail = "relu(add(x0, x1))">(x, w, b, r)
// Further inputs of a tail have the result's shape, or one element, or vary along the last axis only: that is what kernels
// apply row by row. Where two products meet, the later one takes the other as its input.
#include "passes/fusion.h"
#include "passes/passes.h"
#include "passes/rewrite.h"

#include <algorithm>

namespace tercet {
namespace {

bool takes_tails(const Graph& g, NodeId id) {
    if (id == NodeId::none || g.node(id).outputs.size() != 1 || g.value(g.output(id)).type.dtype != DType::f32) return false;
    constexpr std::string_view ops[] = {"Conv", "Gemm", "MatMul", "MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool"};
    return std::ranges::any_of(ops, [&](std::string_view op) { return g.is(id, op); }) && is_f32(g, id);
}

bool fits_in_rows(const Type& x, const Type& y) {
    if (x.dtype != y.dtype) return false;
    if (x.shape == y.shape) return !y.shape.empty();
    if (is_single(x)) return x.shape.size() <= y.shape.size();
    if (x.shape.size() > y.shape.size() || !x.shape.back().is_constant() || x.shape.back() != y.shape.back()) return false;
    return std::all_of(x.shape.begin(), x.shape.end() - 1, [](const Dim& d) { return d == Dim(1); });
}

// The product among the node's inputs that stands last, so that everything else is computed before it.
NodeId last_product(const Graph& g, NodeId id) {
    NodeId found = NodeId::none;
    const auto& order = g.order();
    const auto position = [&](NodeId n) { return std::ranges::find(order, n) - order.begin(); };
    for (ValueId v : g.node(id).inputs) {
        const NodeId p = g.producer(v);
        if (!takes_tails(g, p) || g.only_user(v) != id || g.value(v).type != g.value(g.output(id)).type) continue;
        if (found == NodeId::none || position(p) > position(found)) found = p;
    }
    return found;
}

bool fuse(Graph& g, NodeId id) {
    const NodeId product = last_product(g, id);
    if (product == NodeId::none) return false;
    const ValueId sums = g.output(product), y = g.output(id);
    const auto own = static_cast<std::size_t>(op_of(g.node(product)).inputs.max);
    Node node = g.node(product);
    // `sums` stands for x0, the product itself, within the old tail as well.
    std::vector<ValueId> tail_inputs{sums};
    for (std::size_t i = own; i < node.inputs.size(); ++i) tail_inputs.push_back(node.inputs[i]);
    const Expr tail = node.attributes.has("tail") ? Expr::parse(node.attributes.text("tail", "")) : Expr::input(0);
    const auto both = fused(Expr::parse(g.node(id).attributes.text("expr", "")), g.node(id).inputs, sums, tail, tail_inputs, {sums});
    if (!both) return false;
    const Type type = g.value(y).type;
    for (std::size_t i = 1; i < both->inputs.size(); ++i)
        if (!fits_in_rows(g.value(both->inputs[i]).type, type)) return false;
    node.attributes.set("tail", both->expr.text());
    node.layers = layers_of(g, {product, id});
    node.outputs.clear();
    if (both->inputs.size() > 1) {
        node.inputs.resize(own, ValueId::none);
        node.inputs.insert(node.inputs.end(), both->inputs.begin() + 1, both->inputs.end());
    }
    const std::string name = g.value(y).name;
    const ValueId by = emit(g, std::move(node), name, id);  // where the Pointwise stood, all that it reads is there
    supersede(g, y, by);
    g.remove(product);
    return true;
}

}  // namespace

int fuse_tails(Graph& g, int limit) {
    int fused_count = 0;
    for (NodeId id : std::vector(g.order())) {
        if (fused_count == limit) break;
        if (g.is_alive(id) && g.node(id).op == "Pointwise" && g.node(id).domain == "tercet") fused_count += fuse(g, id);
    }
    return fused_count;
}

}  // namespace tercet
