// SPDX-License-Identifier: Apache-2.0
// A Pointwise node that only another one reads becomes part of it, as long as the expression fits:
//     Pointwise<"relu(x0)">(Pointwise<"add(x0, x1)">(a, b))  =>  Pointwise<"relu(add(x0, x1))">(a, b)
// Their shapes are equal: a value that is broadcast is computed once, where it is small.
#include "passes/fusion.h"
#include "passes/passes.h"
#include "passes/rewrite.h"

namespace tercet {
namespace {

bool is_pointwise(const Graph& g, NodeId id) {
    return id != NodeId::none && g.node(id).op == "Pointwise" && g.node(id).domain == "tercet" && !g.node(id).attributes.has("tail");
}

Expr expr_of(const Graph& g, NodeId id) { return Expr::parse(g.node(id).attributes.text("expr", "")); }

bool fuse_an_input(Graph& g, NodeId id) {
    const ValueId y = g.output(id);
    const Type type = g.value(y).type;
    for (ValueId v : std::vector(g.node(id).inputs)) {
        const NodeId p = g.producer(v);
        if (!is_pointwise(g, p) || g.only_user(v) != id || g.value(v).type != type) continue;
        const auto both = fused(expr_of(g, id), g.node(id).inputs, v, expr_of(g, p), g.node(p).inputs);
        if (!both) continue;
        const std::string name = g.value(y).name;
        const ValueId by = emit(g, {.op = "Pointwise", .inputs = both->inputs, .outputs = {},
                                    .attributes = {{"expr", both->expr.text()}}, .name = g.node(id).name, .domain = "tercet",
                                    .layers = layers_of(g, {p, id})}, name, id);
        if (g.value(by).type != type) {
            g.remove(g.producer(by));
            continue;
        }
        supersede(g, y, by);
        g.remove(p);
        return true;
    }
    return false;
}

}  // namespace

int fuse_pointwise(Graph& g, int limit) {
    int made = 0;
    // From the end: what takes its inputs in is not taken in itself before it is whole.
    const std::vector<NodeId> order = g.order();
    for (auto it = order.rbegin(); it != order.rend(); ++it) {
        NodeId id = *it;
        while (made < limit && g.is_alive(id) && is_pointwise(g, id)) {
            const ValueId y = g.output(id);
            const std::string name = g.value(y).name;
            if (!fuse_an_input(g, id)) break;
            id = g.producer(g.find(name));
            ++made;
        }
    }
    return made;
}

}  // namespace tercet
