// SPDX-License-Identifier: Apache-2.0
// A QuantizeLinear of a whole tensor moves up, over operators that only move elements or choose among them, so that these work
// on bytes:
//     QuantizeLinear(MaxPool(x))  =>  MaxPool(QuantizeLinear(x))
// It keeps the order of values, so that nothing changes but the cost. And QuantizeLinear(DequantizeLinear(q)) by equal scales
// is q.
#include "ops/op.h"
#include "passes/passes.h"
#include "passes/quantization.h"
#include "passes/rewrite.h"

namespace tercet {
namespace {

bool drop_pair(Graph& g, NodeId id) {
    const auto by = quantization_of(g, id, "QuantizeLinear");
    const auto from = dequantized(g, g.input(id, 0));
    if (!by || !from || *by != from->by) return false;
    g.replace(g.output(id), from->q);
    g.remove(id);
    return true;
}

bool hoist(Graph& g, NodeId id) {
    if (!quantization_of(g, id, "QuantizeLinear")) return false;
    const ValueId moved = g.input(id, 0), y = g.output(id);
    const NodeId move = g.producer(moved);
    if (!moves_elements(g, move) || g.only_user(moved) != id || decides(g, move)) return false;
    const std::size_t count = g.is(move, "Concat") ? g.node(move).inputs.size() : 1;
    Node node = g.node(move);
    node.layers = layers_of(g, {move, id});
    for (std::size_t i = 0; i < count; ++i) {
        Node quantize = g.node(id);
        quantize.layers = g.layers(id);
        quantize.inputs[0] = node.inputs[i];
        quantize.outputs.clear();
        quantize.name.clear();
        node.inputs[i] = emit(g, std::move(quantize), g.value(node.inputs[i]).name + "_quantized", id);
    }
    node.outputs.clear();
    const std::string name = g.value(y).name;
    supersede(g, y, emit(g, std::move(node), name, id));
    return true;
}

}  // namespace

int hoist_quantization(Graph& g, int limit) {
    return rewrite_each(g, limit, [](Graph& graph, NodeId id) { return graph.is_alive(id) && (drop_pair(graph, id) || hoist(graph, id)); });
}

}  // namespace tercet
