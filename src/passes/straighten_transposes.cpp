// SPDX-License-Identifier: Apache-2.0
// A Transpose between two views that join axes, or add axes of 1, and take them apart again is one Transpose of the axes:
//     Reshape(Transpose<0, 2, 1>(Reshape(x [N,H,S,D] to [N*H,S,D])) to [N,H,D,S])  =>  Transpose<0, 1, 3, 2>(x)
#include "passes/passes.h"
#include "passes/rewrite.h"

#include <algorithm>

namespace tercet {
namespace {

bool is_view(const Graph& g, NodeId id) { return g.is(id, "Reshape") || g.is(id, "Flatten") || g.is(id, "Squeeze") || g.is(id, "Unsqueeze"); }

// For every extent of `to` the neighbouring axes of `from` that are joined to it; empty if axes are also split, or come from nowhere.
std::vector<std::vector<int>> joined_axes(const Shape& from, const Shape& to) {
    std::vector<std::vector<int>> groups;
    std::size_t next = 0;
    for (const Dim& extent : to) {
        std::vector<int> group;
        Dim product = 1;
        while (next < from.size() && product != extent) {
            product = product * from[next];
            group.push_back(static_cast<int>(next++));
        }
        if (product != extent) return {};
        groups.push_back(std::move(group));
    }
    while (next < from.size() && from[next] == Dim(1) && !groups.empty()) groups.back().push_back(static_cast<int>(next++));
    return next == from.size() ? groups : std::vector<std::vector<int>>{};
}

bool rewrite(Graph& g, NodeId id) {
    const NodeId transpose = is_view(g, id) ? g.producer(g.input(id, 0)) : NodeId::none;
    if (!g.is(transpose, "Transpose")) return false;
    const NodeId first = g.producer(g.input(transpose, 0));
    if (first == NodeId::none || !is_view(g, first)) return false;
    const ValueId x = g.input(first, 0), y = g.output(id);
    const Type type = g.value(y).type;
    const Shape shape = g.value(x).type.shape;
    if (shape.size() != type.shape.size()) return false;
    const auto groups = joined_axes(shape, g.value(g.input(transpose, 0)).type.shape);
    if (groups.empty()) return false;
    Dims order;
    for (std::int64_t k : transpose_order(g, transpose))
        for (int axis : groups[static_cast<std::size_t>(k)]) order.push_back(axis);
    for (int i = 0; i < order.size(); ++i)
        if (shape[static_cast<std::size_t>(order[i])] != type.shape[static_cast<std::size_t>(i)]) return false;
    if (std::ranges::is_sorted(order)) return false;  // two views, which others see to
    const std::string name = g.value(y).name;
    supersede(g, y, emit(g, transpose_node(x, order, layers_of(g, {first, transpose, id})), name, id));
    return true;
}

}  // namespace

int straighten_transposes(Graph& g, int limit) { return rewrite_each(g, limit, rewrite); }

}  // namespace tercet
