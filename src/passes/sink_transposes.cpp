// SPDX-License-Identifier: Apache-2.0
// A Transpose from channels-last to channels-first moves down, behind the operator that reads it, which then works on
// channels-last data: element-wise operators (constants are transposed with them), operators with a `layout`, Concat, Split,
// Slice, Pad, reductions, Softmax, ArgMax on another axis, and a Reshape that only joins neighbouring axes.
//     f(Transpose(x), Transpose(z), const[C,1,1])  =>  Transpose(f(x, z, const[C]))
#include "ops/pointwise_table.h"
#include "passes/passes.h"
#include "passes/rewrite.h"

#include <algorithm>
#include <array>

namespace tercet {
namespace {

constexpr std::array<std::string_view, 28> more_elementwise{
    "And", "BitShift", "BitwiseAnd", "BitwiseNot", "BitwiseOr", "BitwiseXor", "Cast", "Clip", "Dropout", "Equal", "Gelu", "Greater",
    "GreaterOrEqual", "Identity", "IsInf", "IsNaN", "Less", "LessOrEqual", "Mean", "Mod", "Not", "Or",
    "Pow", "QuantizeLinear", "DequantizeLinear", "Swish", "Where", "Xor"};

bool is_elementwise(const Graph& g, NodeId id) {
    const Node& n = g.node(id);
    if (n.domain == "tercet") return n.op == "Pointwise";
    if (!n.domain.empty()) return false;
    return find_pointwise_op(n.op) || std::ranges::find(more_elementwise, n.op) != more_elementwise.end();
}

int rank_of(const Graph& g, ValueId v) { return static_cast<int>(g.value(v).type.shape.size()); }

// x, where v = Transpose<channels-last to channels-first>(x); else none.
ValueId below(const Graph& g, ValueId v) {
    const NodeId p = g.producer(v);
    if (!g.is(p, "Transpose") || rank_of(g, v) < 3) return ValueId::none;
    if (transpose_order(g, p) != to_channels_first_order(rank_of(g, v))) return ValueId::none;
    return g.input(p, 0);
}

// `node` computes, axes ordered anew, what node `id` did: axis k of an old output is axis order[k] of a new one.
bool put_in_place(Graph& g, NodeId id, Node node, const Dims& order) {
    node.layers = g.layers(id);
    const NodeId by = emit_like(g, id, std::move(node), "_nhwc");
    std::vector<std::pair<ValueId, ValueId>> pairs;
    bool fits = true;
    for (std::size_t i = 0; i < g.node(id).outputs.size(); ++i) {
        const ValueId old = g.output(id, i);
        if (old == ValueId::none || g.uses(old) == 0) continue;
        ValueId v = g.output(by, i);
        if (!std::ranges::is_sorted(order))
            v = emit(g, transpose_node(v, order, g.layers(id)), g.value(old).name, id);
        fits = fits && g.value(v).type == g.value(old).type;
        pairs.emplace_back(old, v);
    }
    if (!fits) {
        for (const auto& [old, v] : pairs)
            if (g.producer(v) != by) g.remove(g.producer(v));
        g.remove(by);
        return false;
    }
    for (const auto& [old, v] : pairs) supersede(g, old, v);
    return true;
}

// ---- element-wise operators

// A constant of channels-first form in channels-last form, leading extents of 1 left out.
Tensor channels_last(const Tensor& t, int rank) {
    Dims full = Dims::filled(rank - t.shape().size(), 1);
    for (std::int64_t d : t.shape()) full.push_back(d);
    const Tensor r = transposed(t.reshaped(full), to_channels_last_order(rank));
    int ones = 0;
    while (ones < rank && r.shape()[ones] == 1) ++ones;
    return r.reshaped(r.shape().part(ones));
}

bool sink_through_elementwise(Graph& g, NodeId id) {
    if (!is_elementwise(g, id) || g.node(id).attributes.has("tail") || g.node(id).outputs[0] == ValueId::none) return false;
    const int rank = rank_of(g, g.output(id));
    if (rank < 3) return false;
    const Dims to_last = to_channels_last_order(rank);
    enum class How { as_is, below, constant, transposed };
    std::vector<How> how;
    bool any = false;
    for (ValueId v : g.node(id).inputs) {
        if (v == ValueId::none || (is_single(g.value(v).type) && rank_of(g, v) <= rank)) how.push_back(How::as_is);
        else if (rank_of(g, v) == rank && below(g, v) != ValueId::none) how.push_back(How::below), any = true;
        else if (const Tensor* t = g.constant(v); t && rank_of(g, v) <= rank && computes(t->dtype())) how.push_back(How::constant);
        else if (rank_of(g, v) == rank && moves_only_ones(g.value(v).type.shape, to_last)) how.push_back(How::transposed);
        else return false;
    }
    if (!any) return false;
    const bool quantizes = g.is(id, "QuantizeLinear") || g.is(id, "DequantizeLinear");
    if (quantizes && std::ranges::any_of(how.begin() + 1, how.end(), [](How h) { return h != How::as_is; })) return false;
    Node node = g.node(id);
    for (std::size_t i = 0; i < how.size(); ++i) {
        ValueId& v = node.inputs[i];
        const std::string name = v == ValueId::none ? "" : g.value(v).name;
        if (how[i] == How::below) v = below(g, v);
        else if (how[i] == How::constant) v = g.add_constant(name, channels_last(*g.constant(v), rank));
        else if (how[i] == How::transposed)
            v = emit(g, transpose_node(v, to_last, g.layers(id)), name + "_nhwc", id);
    }
    return put_in_place(g, id, std::move(node), to_channels_first_order(rank));
}

// ---- operators with a layout

bool sink_through_channels(Graph& g, NodeId id) {
    const OpDef* def = find_op(g.node(id).op, g.node(id).domain);
    const Attributes& a = g.node(id).attributes;
    if (!def || !def->channels || a.has("layout") || a.has("tail") || g.node(id).outputs.size() != 1) return false;
    const ValueId x = below(g, g.input(id, 0));
    if (x == ValueId::none || rank_of(g, g.output(id)) != rank_of(g, x)) return false;
    Node node = g.node(id);
    node.inputs[0] = x;
    node.attributes.set("layout", std::string("NHWC"));
    return put_in_place(g, id, std::move(node), to_channels_first_order(rank_of(g, x)));
}

// ---- operators along axes

bool sink_through_concat(Graph& g, NodeId id) {
    if (!g.is(id, "Concat")) return false;
    const int rank = rank_of(g, g.output(id));
    Node node = g.node(id);
    bool any = false;
    for (ValueId& v : node.inputs) {
        if (const ValueId x = below(g, v); x != ValueId::none) {
            v = x;
            any = true;
        } else if (!g.constant(v) || !computes(g.constant(v)->dtype())) {
            return false;
        }
    }
    if (!any) return false;
    for (ValueId& v : node.inputs)
        if (const Tensor* t = g.constant(v)) v = g.add_constant(g.value(v).name, transposed(*t, to_channels_last_order(rank)));
    const Dims order = to_channels_first_order(rank);
    node.attributes.set("axis", order[checked_axis(node.attributes.integer("axis", 0), rank)]);
    return put_in_place(g, id, std::move(node), order);
}

bool sink_through_axis(Graph& g, NodeId id) {
    const bool split = g.is(id, "Split"), softmax = g.is(id, "Softmax") || g.is(id, "LogSoftmax") || g.is(id, "Hardmax");
    if (!split && !softmax) return false;
    const ValueId x = below(g, g.input(id, 0));
    if (x == ValueId::none) return false;
    const int rank = rank_of(g, x), axis = checked_axis(g.node(id).attributes.integer("axis", split ? 0 : -1), rank);
    if (softmax && axis == rank - 1) return false;  // contiguous now, scattered then
    Node node = g.node(id);
    node.inputs[0] = x;
    const Dims order = to_channels_first_order(rank);
    node.attributes.set("axis", order[axis]);
    return put_in_place(g, id, std::move(node), order);
}

// The axes that an operator names, or all of them in order.
std::optional<std::vector<std::int64_t>> named_axes(const Graph& g, NodeId id, std::size_t input, std::size_t missing, int rank) {
    std::vector<std::int64_t> axes;
    if (g.input(id, input) == ValueId::none) {
        for (std::size_t i = 0; i < missing; ++i) axes.push_back(static_cast<std::int64_t>(i));
        return axes;
    }
    auto given = constant_ints(g, id, input);
    if (given)
        for (std::int64_t& a : *given) a = checked_axis(a, rank);
    return given;
}

bool sink_through_slice_or_pad(Graph& g, NodeId id) {
    const bool slice = g.is(id, "Slice");
    if (!slice && !g.is(id, "Pad")) return false;
    const ValueId x = below(g, g.input(id, 0));
    if (x == ValueId::none) return false;
    const int rank = rank_of(g, x);
    const Shape& list = g.value(g.input(id, 1)).type.shape;  // starts, or pads
    const auto count = list.size() == 1 ? list[0].constant() : std::nullopt;
    if (!count) return false;
    auto axes = named_axes(g, id, 3, static_cast<std::size_t>(slice ? *count : *count / 2), rank);
    if (!axes) return false;
    const Dims order = to_channels_first_order(rank);
    for (std::int64_t& a : *axes) a = order[static_cast<int>(a)];
    Node node = g.node(id);
    node.inputs[0] = x;
    if (node.inputs.size() < 4) node.inputs.resize(4, ValueId::none);
    node.inputs[3] = add_ints(g, g.label(id) + "_axes", *axes);
    return put_in_place(g, id, std::move(node), order);
}

bool sink_through_reduction(Graph& g, NodeId id) {
    const bool arg = g.is(id, "ArgMax") || g.is(id, "ArgMin");
    if (!arg && (!g.node(id).op.starts_with("Reduce") || !g.node(id).domain.empty())) return false;
    const ValueId x = below(g, g.input(id, 0));
    if (x == ValueId::none) return false;
    const int rank = rank_of(g, x);
    const bool keep = g.node(id).attributes.integer("keepdims", 1) != 0;
    auto axes = arg ? std::vector<std::int64_t>{checked_axis(g.node(id).attributes.integer("axis", 0), rank)}
                    : named_axes(g, id, 1, 0, rank).value_or(std::vector<std::int64_t>{});
    if (axes.empty()) return false;
    const Dims order = to_channels_first_order(rank);
    std::vector<std::int64_t> left;  // the axes of x that the result keeps, in the result's order
    for (int i = 0; i < rank; ++i)
        if (keep || std::ranges::find(axes, i) == axes.end()) left.push_back(order[i]);
    std::vector<std::int64_t> sorted = left;
    std::ranges::sort(sorted);
    Dims result;
    for (std::int64_t a : left) result.push_back(std::ranges::find(sorted, a) - sorted.begin());
    for (std::int64_t& a : axes) a = order[static_cast<int>(a)];
    std::ranges::sort(axes);
    Node node = g.node(id);
    node.inputs[0] = x;
    if (arg) node.attributes.set("axis", axes[0]);
    else node.inputs[1] = add_ints(g, g.label(id) + "_axes", axes);
    return put_in_place(g, id, std::move(node), result);
}

// ---- Reshape

// For every extent of `to` the neighbouring axes of `from` that are joined to it; empty if axes are also split.
std::vector<std::vector<int>> joined_axes(const Shape& from, const Shape& to) {
    std::vector<std::vector<int>> groups;
    std::size_t next = 0;
    for (const Dim& extent : to) {
        std::vector<int> group;
        Dim product = 1;
        while (next < from.size() && (group.empty() || product != extent)) {
            product = product * from[next];
            group.push_back(static_cast<int>(next++));
        }
        if (product != extent || group.empty()) return {};
        groups.push_back(std::move(group));
    }
    return next == from.size() ? groups : std::vector<std::vector<int>>{};
}

bool sink_through_reshape(Graph& g, NodeId id) {
    if ((!g.is(id, "Reshape") && !g.is(id, "Flatten")) || decides(g, id)) return false;
    const ValueId x = below(g, g.input(id, 0)), y = g.output(id);
    if (x == ValueId::none) return false;
    const Shape to = g.value(y).type.shape;
    const auto groups = joined_axes(g.value(g.input(id, 0)).type.shape, to);
    if (groups.empty()) return false;
    const Dims order = to_channels_first_order(rank_of(g, x));
    std::vector<std::pair<std::int64_t, int>> firsts;  // of each group: its first axis of x
    for (std::size_t k = 0; k < groups.size(); ++k) {
        for (std::size_t i = 1; i < groups[k].size(); ++i)
            if (order[groups[k][i]] != order[groups[k][i - 1]] + 1) return false;
        firsts.emplace_back(order[groups[k][0]], static_cast<int>(k));
    }
    std::ranges::sort(firsts);
    Shape shape;
    Dims result = Dims::filled(static_cast<int>(firsts.size()), 0);
    for (std::size_t i = 0; i < firsts.size(); ++i) {
        shape.push_back(to[static_cast<std::size_t>(firsts[i].second)]);
        result[firsts[i].second] = static_cast<std::int64_t>(i);
    }
    const auto target = reshape_target(g.value(x).type.shape, shape);
    if (!target) return false;
    const ValueId size = add_ints(g, g.value(y).name + "_shape", *target);
    return put_in_place(g, id, {.op = "Reshape", .inputs = {x, size}, .outputs = {}, .name = g.node(id).name}, result);
}

}  // namespace

int sink_transposes(Graph& g, int limit) {
    int sunk = 0;
    for (NodeId id : std::vector(g.order())) {
        for (const auto step : {sink_through_elementwise, sink_through_channels, sink_through_concat, sink_through_axis,
                                sink_through_slice_or_pad, sink_through_reduction, sink_through_reshape}) {
            if (sunk == limit) return sunk;
            if (!step(g, id)) continue;
            ++sunk;
            break;
        }
    }
    return sunk;
}

}  // namespace tercet
