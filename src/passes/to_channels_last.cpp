// SPDX-License-Identifier: Apache-2.0
// Convolutions and pools with fast kernels for channels-last data get layout = "NHWC", between two transposes:
//     y = Conv(x, w)  =>  y = Transpose<NHWC to NCHW>(Conv<layout = "NHWC">(Transpose<NCHW to NHWC>(x), w))
// sink_transposes and simplify_transposes then make most of the transposes meet and vanish. Other operators with channels
// follow there, where a transpose comes their way.
#include "passes/passes.h"
#include "passes/rewrite.h"

namespace tercet {
namespace {

// Known, or dequantized from what is.
bool is_known(const Graph& g, ValueId w) {
    const NodeId by = g.producer(w);
    return g.constant(w) || (g.is(by, "DequantizeLinear") && g.constant(by, 0));
}

bool pays(const Graph& g, NodeId id) {
    const Node& node = g.node(id);
    if (!node.domain.empty() || node.attributes.has("layout") || node.outputs.size() != 1) return false;
    const bool conv = g.is(id, "Conv"), pool = g.is(id, "MaxPool") || g.is(id, "AveragePool");
    if (!conv && !pool) return false;
    if (conv && !is_known(g, g.input(id, 1))) return false;
    const Type& x = g.value(g.input(id, 0)).type;
    return x.dtype == DType::f32 && x.shape.size() >= 3 && x.shape.size() <= 5;
}

}  // namespace

int to_channels_last(Graph& g, int limit) {
    int converted = 0;
    for (NodeId id : std::vector(g.order())) {
        if (converted == limit) break;
        if (!pays(g, id)) continue;
        const ValueId x = g.input(id, 0), y = g.output(id);
        const auto rank = static_cast<int>(g.value(x).type.shape.size());
        const std::string name = g.value(y).name;
        Node node = g.node(id);
        node.layers = g.layers(id);
        node.attributes.set("layout", std::string("NHWC"));
        node.inputs[0] = emit(g, transpose_node(x, to_channels_last_order(rank), g.layers(id)), g.value(x).name + "_to_nhwc", id);
        const NodeId by = emit_like(g, id, std::move(node), "_nhwc");
        supersede(g, y, emit(g, transpose_node(g.output(by), to_channels_first_order(rank), g.layers(id)), name, id));
        ++converted;
    }
    return converted;
}

}  // namespace tercet
