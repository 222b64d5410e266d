// SPDX-License-Identifier: Apache-2.0
// Parts of a transposed value, if nothing else of it is read, are chosen before they are transposed, each for itself: then those
// that meet an operator which takes them untransposed need not be moved.
//     Gather<axis = 0>(Transpose<2, 0, 3, 1, 4>(x), 1)  =>  Transpose<0, 2, 1, 3>(Gather<axis = 2>(x, 1))
// Gather of a single index, Slice, Split; and Squeeze, which chooses all there is.
#include "passes/passes.h"
#include "passes/rewrite.h"

#include <algorithm>

namespace tercet {
namespace {

int rank_of(const Graph& g, ValueId v) { return static_cast<int>(g.value(v).type.shape.size()); }

bool is_gather(const Graph& g, NodeId id) { return g.is(id, "Gather") && g.constant(id, 1) && g.constant(id, 1)->shape().empty(); }
bool is_slice(const Graph& g, NodeId id) { return g.is(id, "Slice") && g.constant(id, 1) && g.constant(id, 2) && constant_ints(g, id, 3); }
bool is_squeeze(const Graph& g, NodeId id) { return g.is(id, "Squeeze") && constant_ints(g, id, 1); }

bool selects(const Graph& g, NodeId id, ValueId from) {
    if (g.input(id, 0) != from || std::ranges::count(g.node(id).inputs, from) != 1) return false;
    return is_gather(g, id) || is_slice(g, id) || g.is(id, "Split") || is_squeeze(g, id);
}

// The order of the axes that are left when some of the input's go.
Dims without(const Dims& order, const std::vector<std::int64_t>& gone) {
    Dims r;
    for (std::int64_t axis : order)
        if (std::ranges::find(gone, axis) == gone.end())
            r.push_back(axis - std::ranges::count_if(gone, [&](std::int64_t other) { return other < axis; }));
    return r;
}

bool rewrite(Graph& g, NodeId id) {
    const ValueId from = g.input(id, 0);
    const NodeId transpose = g.producer(from);
    if (!g.is(transpose, "Transpose") || g.is_output(from)) return false;
    if (!std::ranges::all_of(g.value(from).users, [&](NodeId user) { return selects(g, user, from); })) return false;
    const int rank = rank_of(g, from);
    const Dims order = transpose_order(g, transpose);
    Dims left = order;
    Node node = g.node(id);
    node.inputs[0] = g.input(transpose, 0);
    const auto below = [&](std::vector<std::int64_t> axes) {
        for (std::int64_t& a : axes) a = order[checked_axis(a, rank)];
        return axes;
    };
    if (is_squeeze(g, id)) {
        const auto gone = below(*constant_ints(g, id, 1));
        node.inputs[1] = add_ints(g, g.label(id) + "_axes", gone);
        left = without(order, gone);
    } else if (is_slice(g, id)) {
        node.inputs[3] = add_ints(g, g.label(id) + "_axes", below(*constant_ints(g, id, 3)));
    } else {
        const std::int64_t axis = below({node.attributes.integer("axis", 0)})[0];
        node.attributes.set("axis", axis);
        if (is_gather(g, id)) left = without(order, {axis});
    }
    node.layers = layers_of(g, {transpose, id});
    const NodeId by = emit_like(g, id, std::move(node), "_untransposed");
    for (std::size_t i = 0; i < g.node(by).outputs.size(); ++i) {
        const ValueId old = g.output(id, i), part = g.output(by, i);
        if (old == ValueId::none) continue;
        const std::string name = g.value(old).name;
        supersede(g, old, std::ranges::is_sorted(left) ? part : emit(g, transpose_node(part, left, g.layers(transpose)), name, id));
    }
    return true;
}

}  // namespace

int select_before_transposes(Graph& g, int limit) { return rewrite_each(g, limit, rewrite); }

}  // namespace tercet
