// SPDX-License-Identifier: Apache-2.0
#include "passes/rewrite.h"

#include "ops/moves.h"

#include <algorithm>

namespace tercet {

void supersede(Graph& g, ValueId old, ValueId by) {
    const NodeId producer = g.producer(old);
    const std::string name = g.value(old).name;
    g.replace(old, by);
    if (g.value(by).name != name) {
        g.rename(old, name + ".old");
        g.rename(by, name);
    }
    if (producer == NodeId::none) return;
    const auto& outputs = g.node(producer).outputs;
    if (std::ranges::none_of(outputs, [&](ValueId v) { return v != ValueId::none && g.uses(v) > 0; })) g.remove(producer);
}

NodeId emit_like(Graph& g, NodeId like, Node node, std::string_view suffix) {
    node.outputs.clear();
    for (ValueId v : std::vector(g.node(like).outputs)) {
        std::string name = v == ValueId::none ? "" : g.value(v).name;
        if (!name.ends_with(suffix)) name += suffix;
        node.outputs.push_back(v == ValueId::none ? v : g.add_value(name));
    }
    const NodeId id = g.insert_before(like, std::move(node));
    infer_types(g, id);
    return id;
}

std::vector<std::string> layers_of(const Graph& g, std::initializer_list<NodeId> nodes) {
    std::vector<std::string> all;
    for (NodeId id : nodes)
        for (const std::string& l : g.layers(id))
            if (std::ranges::find(all, l) == all.end()) all.push_back(l);
    return all;
}

ValueId add_ints(Graph& g, std::string_view name, std::span<const std::int64_t> values) {
    return g.add_constant(name, Tensor::ints(values));
}

std::optional<std::vector<std::int64_t>> constant_ints(const Graph& g, NodeId id, std::size_t input) {
    const Tensor* t = g.constant(id, input);
    if (!t || !is_integer(t->dtype())) return std::nullopt;
    return t->to_ints();
}

std::optional<std::vector<std::int64_t>> reshape_target(const Shape& from, const Shape& to) {
    std::vector<std::int64_t> target;
    bool open = false;
    for (std::size_t i = 0; i < to.size(); ++i) {
        if (const auto c = to[i].constant()) {
            if (*c == 0) return std::nullopt;  // would be read as "stays"
            target.push_back(*c);
        } else if (i < from.size() && from[i] == to[i]) {
            target.push_back(0);
        } else if (!open) {
            target.push_back(-1);
            open = true;
        } else {
            return std::nullopt;
        }
    }
    return target;
}

bool is_single(const Type& t) {
    return std::ranges::all_of(t.shape, [](const Dim& d) { return d == Dim(1); });
}

bool is_f32(const Graph& g, NodeId id) {
    const auto fits = [&](ValueId v) { return v == ValueId::none || g.value(v).type.dtype == DType::f32; };
    return std::ranges::all_of(g.node(id).inputs, fits) && std::ranges::all_of(g.node(id).outputs, fits);
}

Dims transpose_order(const Graph& g, NodeId transpose) {
    if (const auto perm = g.node(transpose).attributes.integers("perm"); !perm.empty()) return Dims(perm);
    Dims reversed;
    for (int i = static_cast<int>(g.value(g.output(transpose)).type.shape.size()) - 1; i >= 0; --i) reversed.push_back(i);
    return reversed;
}

Dims inverse(const Dims& order) {
    Dims r = order;
    for (int i = 0; i < order.size(); ++i) r[static_cast<int>(order[i])] = i;
    return r;
}

bool moves_only_ones(const Shape& x, const Dims& order) {
    std::int64_t last = -1;
    for (std::int64_t axis : order) {
        if (x[static_cast<std::size_t>(axis)] == Dim(1)) continue;
        if (axis < last) return false;
        last = axis;
    }
    return true;
}

Tensor transposed(const Tensor& t, const Dims& order) {
    const View from = t.view().permuted(order);
    Tensor r = Tensor::zeros(t.dtype(), from.shape);
    copy_view(from, r.writable());
    return r;
}

Node transpose_node(ValueId x, const Dims& order, std::vector<std::string> layers) {
    return {.op = "Transpose", .inputs = {x}, .outputs = {},
            .attributes = {{"perm", std::vector<std::int64_t>(order.begin(), order.end())}}, .layers = std::move(layers)};
}

Dims to_channels_first_order(int rank) {
    Dims order{0, rank - 1};
    for (int i = 1; i < rank - 1; ++i) order.push_back(i);
    return order;
}

Dims to_channels_last_order(int rank) { return inverse(to_channels_first_order(rank)); }

}  // namespace tercet
