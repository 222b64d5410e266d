// SPDX-License-Identifier: Apache-2.0
// Operators that only give another shape (Reshape, Flatten, Squeeze, Unsqueeze), one behind the other, become one Reshape.
#include "passes/passes.h"
#include "passes/rewrite.h"

namespace tercet {
namespace {

bool is_view(const Graph& g, NodeId id) {
    return g.is(id, "Reshape") || g.is(id, "Flatten") || g.is(id, "Squeeze") || g.is(id, "Unsqueeze");
}

}  // namespace

int merge_views(Graph& g, int limit) {
    int merged = 0;
    for (NodeId id : std::vector(g.order())) {
        if (merged == limit) break;
        if (!is_view(g, id)) continue;
        const NodeId first = g.producer(g.input(id, 0));
        if (first == NodeId::none || !is_view(g, first) || decides(g, first) || decides(g, id)) continue;
        const ValueId x = g.input(first, 0), y = g.output(id);
        const auto target = reshape_target(g.value(x).type.shape, g.value(y).type.shape);
        if (!target) continue;
        const std::string name = g.value(y).name;
        const ValueId size = add_ints(g, name + "_shape", *target);
        const ValueId by = emit(g, {.op = "Reshape", .inputs = {x, size}, .outputs = {}, .name = g.node(id).name,
                                    .layers = layers_of(g, {first, id})}, name, id);
        if (g.value(by).type != g.value(y).type) {
            g.remove(g.producer(by));
            continue;
        }
        supersede(g, y, by);
        ++merged;
    }
    return merged;
}

}  // namespace tercet
