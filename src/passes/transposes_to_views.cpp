// SPDX-License-Identifier: Apache-2.0
// A Transpose that only moves extents of 1 is a Reshape, which costs nothing:
//     Transpose<perm = [0, 3, 1, 2]>(x [N,28,28,1])  =>  Reshape(x, [0, 1, 28, 28])
#include "passes/passes.h"
#include "passes/rewrite.h"

namespace tercet {
namespace {

bool rewrite(Graph& g, NodeId id) {
    if (!g.is(id, "Transpose")) return false;
    const ValueId x = g.input(id, 0), y = g.output(id);
    const Type type = g.value(y).type;
    if (!moves_only_ones(g.value(x).type.shape, transpose_order(g, id))) return false;
    const auto target = reshape_target(g.value(x).type.shape, type.shape);
    if (!target) return false;
    const std::string name = g.value(y).name;
    const ValueId size = add_ints(g, name + "_shape", *target);
    const ValueId by = emit(g, {.op = "Reshape", .inputs = {x, size}, .outputs = {}, .name = g.node(id).name, .layers = g.layers(id)},
                            name, id);
    if (g.value(by).type != type) {
        g.remove(g.producer(by));
        return false;
    }
    supersede(g, y, by);
    return true;
}

}  // namespace

int transposes_to_views(Graph& g, int limit) { return rewrite_each(g, limit, rewrite); }

}  // namespace tercet
