// SPDX-License-Identifier: Apache-2.0
// Transpose(Transpose(x)) becomes one; a Transpose that moves nothing goes; the Shape of a transposed value is the Shape of
// the value, its elements in another order.
#include "passes/passes.h"
#include "passes/rewrite.h"

#include <algorithm>

namespace tercet {
namespace {

bool merge_with_producer(Graph& g, NodeId id) {
    const NodeId first = g.producer(g.input(id, 0));
    if (!g.is(first, "Transpose")) return false;
    const Dims inner = transpose_order(g, first), outer = transpose_order(g, id);
    std::vector<std::int64_t> order;
    for (std::int64_t k : outer) order.push_back(inner[static_cast<int>(k)]);
    g.set_input(id, 0, g.input(first, 0));
    g.attributes(id).set("perm", order);
    return true;
}

bool remove_if_nothing_moves(Graph& g, NodeId id) {
    if (!std::ranges::is_sorted(transpose_order(g, id))) return false;
    g.replace(g.output(id), g.input(id, 0));
    g.remove(id);
    return true;
}

bool reorder_shape(Graph& g, NodeId id) {
    const NodeId transpose = g.producer(g.input(id, 0));
    if (!g.is(transpose, "Transpose") || !g.node(id).attributes.empty()) return false;
    const ValueId y = g.output(id);
    const Dims order = transpose_order(g, transpose);
    const std::string name = g.value(y).name;
    const ValueId shape = emit(g, {.op = "Shape", .inputs = {g.input(transpose, 0)}, .outputs = {}, .layers = g.layers(id)},
                               name + "_unordered", id);
    const ValueId indices = add_ints(g, name + "_order", order);
    const ValueId by = emit(g, {.op = "Gather", .inputs = {shape, indices}, .outputs = {}, .layers = g.layers(id)}, name, id);
    supersede(g, y, by);
    return true;
}

}  // namespace

int simplify_transposes(Graph& g, int limit) {
    int changed = 0;
    for (NodeId id : std::vector(g.order())) {
        if (g.is(id, "Shape") && changed < limit) changed += reorder_shape(g, id);
        if (!g.is(id, "Transpose")) continue;
        for (const auto step : {merge_with_producer, remove_if_nothing_moves})
            if (changed < limit && g.is_alive(id)) changed += step(g, id);
    }
    return changed;
}

}  // namespace tercet
