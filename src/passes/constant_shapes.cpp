// SPDX-License-Identifier: Apache-2.0
// A Reshape or Expand to a shape that is computed from other shapes reads a constant instead, where symbolic extents stay in
// their place or at most one follows from the others:
//     Reshape(x [N,96,7,7], Concat(Slice(Shape(x)), [-1]))  =>  Reshape(x, [0, 96, 49])
// The arithmetic on shapes is then dead, and no longer keeps activations in a layout for its sake.
#include "passes/passes.h"
#include "passes/rewrite.h"

namespace tercet {
namespace {

// Expand keeps the extents of x where the target says 1.
std::optional<std::vector<std::int64_t>> expand_target(const Shape& x, const Shape& y) {
    std::vector<std::int64_t> target;
    for (std::size_t i = 0; i < y.size(); ++i) {
        const std::size_t missing = y.size() - x.size();
        if (const auto c = y[i].constant()) target.push_back(*c);
        else if (i >= missing && x[i - missing] == y[i]) target.push_back(1);
        else return std::nullopt;
    }
    return target;
}

}  // namespace

int constant_shapes(Graph& g, int limit) {
    int made = 0;
    for (NodeId id : std::vector(g.order())) {
        if (made == limit) break;
        const bool reshape = g.is(id, "Reshape");
        if ((!reshape && !g.is(id, "Expand")) || g.constant(id, 1) || decides(g, id)) continue;
        const Type x = g.value(g.input(id, 0)).type, y = g.value(g.output(id)).type;
        const auto target = reshape ? reshape_target(x.shape, y.shape) : expand_target(x.shape, y.shape);
        if (!target) continue;
        Node node = g.node(id);
        node.layers = g.layers(id);
        node.attributes.erase("allowzero");
        node.inputs[1] = add_ints(g, g.value(g.input(id, 1)).name, *target);
        const NodeId by = emit_like(g, id, std::move(node), "");
        if (g.value(g.output(by)).type != y) {
            g.remove(by);
            continue;
        }
        supersede(g, g.output(id), g.output(by));
        ++made;
    }
    return made;
}

}  // namespace tercet
