// SPDX-License-Identifier: Apache-2.0
// A Select whose condition is known gives the one value, and one of two equal values gives that. The other branch is dead then.
//     "tercet":Select(bool{1}, a, b)  =>  a
#include "passes/passes.h"
#include "passes/rewrite.h"

namespace tercet {
namespace {

ValueId chosen(const Graph& g, NodeId id) {
    const ValueId a = g.input(id, 1), b = g.input(id, 2);
    if (const Tensor* condition = g.constant(id, 0)) return condition->get(0) != 0 ? a : b;
    if (a == b) return a;
    const Tensor *x = g.constant(a), *y = g.constant(b);
    return x && y && *x == *y ? a : ValueId::none;
}

bool rewrite(Graph& g, NodeId id) {
    if (g.node(id).op != "Select" || g.node(id).domain != "tercet" || g.node(id).attributes.has("tail")) return false;
    const ValueId x = chosen(g, id), y = g.output(id);
    if (x == ValueId::none || g.value(x).type != g.value(y).type) return false;
    if (const NodeId p = g.producer(x); p != NodeId::none) g.add_layers(p, g.layers(id));
    g.replace(y, x);
    g.remove(id);
    return true;
}

}  // namespace

int fold_selects(Graph& g, int limit) { return rewrite_each(g, limit, rewrite); }

}  // namespace tercet
