// SPDX-License-Identifier: Apache-2.0
// Nodes that give back an input: Identity, Dropout, Cast to the same type, moves that move nothing, x*1, x/1, x + 0, x - 0,
// and Concat, Sum, Max, ... of one value.
#include "passes/passes.h"
#include "passes/rewrite.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace tercet {
namespace {

bool is_one_of(const Graph& g, NodeId id, std::initializer_list<std::string_view> ops) {
    return std::ranges::any_of(ops, [&](std::string_view op) { return g.is(id, op); });
}

bool all_equal(const Tensor* t, double value) {
    if (!t || !computes(t->dtype())) return false;
    for (std::int64_t i = 0; i < t->count(); ++i)
        if (t->get(i) != value) return false;
    return true;
}

bool all_ints(const Graph& g, NodeId id, std::size_t input, std::int64_t value) {
    if (g.input(id, input) == ValueId::none) return false;
    const auto v = constant_ints(g, id, input);
    return v && std::ranges::all_of(*v, [&](std::int64_t x) { return x == value; });
}

// The input that the node gives back, its type being that of the output; -1 if it may do something.
int given_back(const Graph& g, NodeId id) {
    if (is_one_of(g, id, {"Identity", "Dropout", "Cast", "CastLike", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Expand", "Tile"}))
        return 0;
    if (is_one_of(g, id, {"Concat", "Sum", "Max", "Min", "Mean"})) return g.node(id).inputs.size() == 1 ? 0 : -1;
    if (g.is(id, "Split")) return g.node(id).outputs.size() == 1 ? 0 : -1;
    if (g.is(id, "Transpose")) return std::ranges::is_sorted(transpose_order(g, id)) ? 0 : -1;
    if (g.is(id, "Slice")) return g.input(id, 4) == ValueId::none || all_ints(g, id, 4, 1) ? 0 : -1;  // a step of -1 reverses
    if (g.is(id, "Pad")) return all_ints(g, id, 1, 0) ? 0 : -1;                                       // -1 and 1 would shift
    const double neutral = is_one_of(g, id, {"Mul", "Div"}) ? 1 : 0;
    if (is_one_of(g, id, {"Mul", "Add", "Div", "Sub"}) && all_equal(g.constant(id, 1), neutral)) return 0;
    if (is_one_of(g, id, {"Mul", "Add"}) && all_equal(g.constant(id, 0), neutral)) return 1;
    return -1;
}

}  // namespace

int remove_identities(Graph& g, int limit) {
    int removed = 0;
    for (NodeId id : std::vector(g.order())) {
        if (removed == limit) break;
        if (g.node(id).attributes.has("tail") || g.node(id).outputs[0] == ValueId::none) continue;
        const int i = given_back(g, id);
        if (i < 0) continue;
        const ValueId x = g.input(id, static_cast<std::size_t>(i)), y = g.output(id);
        if (x == ValueId::none || g.value(x).type != g.value(y).type || decides(g, id)) continue;
        const auto read = [&](ValueId v) { return v != ValueId::none && v != y && g.uses(v) > 0; };
        if (std::ranges::any_of(g.node(id).outputs, read)) continue;
        if (const NodeId p = g.producer(x); p != NodeId::none) g.add_layers(p, g.layers(id));
        g.replace(y, x);
        g.remove(id);
        ++removed;
    }
    return removed;
}

}  // namespace tercet
