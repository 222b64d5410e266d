// SPDX-License-Identifier: Apache-2.0
// A QuantizeLinear of a whole tensor moves up, over operators that only move elements or choose among them, so that these work
// on bytes:
//     QuantizeLinear(MaxPool(x))  =>  MaxPool(QuantizeLinear(x))
// and a DequantizeLinear moves down, as over the Transpose in front of an imported model's first convolution:
//     Transpose(DequantizeLinear(q))  =>  DequantizeLinear(Transpose(q))
// Both keep the order of values, so that nothing changes but the cost. And QuantizeLinear(DequantizeLinear(q)) by equal scales
// is q.
#include "ops/op.h"
#include "passes/passes.h"
#include "passes/quantization.h"
#include "passes/rewrite.h"

namespace tercet {
namespace {

// Of a node that quantizes a whole tensor: it does so whatever the shape is, also where its scale is a list of one.
void quantize_any_shape(Graph& g, Node& node) {
    node.attributes.erase("axis");
    for (std::size_t i = 1; i < node.inputs.size(); ++i)
        if (const Tensor* t = g.constant(node.inputs[i]); t && !t->shape().empty()) node.inputs[i] = g.add_constant(g.value(node.inputs[i]).name, t->reshaped({}));
}

std::size_t moved_inputs(const Graph& g, NodeId move) { return g.is(move, "Concat") ? g.node(move).inputs.size() : 1; }

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
    Node node = g.node(move);
    node.layers = layers_of(g, {move, id});
    for (std::size_t i = 0; i < moved_inputs(g, move); ++i) {
        Node quantize = g.node(id);
        quantize_any_shape(g, quantize);
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

bool sink(Graph& g, NodeId id) {
    if (!moves_elements(g, id) || decides(g, id)) return false;
    const auto first = dequantized(g, g.input(id, 0));
    if (!first) return false;
    Node node = g.node(id);
    node.layers = g.layers(id);
    for (std::size_t i = 0; i < moved_inputs(g, id); ++i) {
        const auto from = dequantized(g, node.inputs[i]);
        if (!from || from->by != first->by) return false;
        node.inputs[i] = from->q;
    }
    const NodeId by = g.producer(g.input(id, 0));
    const ValueId y = g.output(id);
    const std::string name = g.value(y).name;
    Node dequantize = g.node(by);
    dequantize.layers = g.layers(by);
    quantize_any_shape(g, dequantize);
    node.outputs.clear();
    dequantize.outputs.clear();
    dequantize.name.clear();
    dequantize.inputs[0] = emit(g, std::move(node), name + "_quantized", id);
    supersede(g, y, emit(g, std::move(dequantize), name, id));
    return true;
}

}  // namespace

int hoist_quantization(Graph& g, int limit) {
    return rewrite_each(g, limit, [](Graph& graph, NodeId id) { return graph.is_alive(id) && (drop_pair(graph, id) || hoist(graph, id) || sink(graph, id)); });
}

}  // namespace tercet
