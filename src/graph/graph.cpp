// SPDX-License-Identifier: Apache-2.0
#include "graph/graph.h"

#include "tercet/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <queue>
#include <set>
#include <stdexcept>

namespace tercet {

std::string text_of(const Type& t) { return fmt::format("{}[{}]", name_of(t.dtype), text_of(t.shape)); }

std::optional<Dims> constant_shape(const Shape& shape) {
    Dims d;
    for (const Dim& x : shape) {
        const auto c = x.constant();
        if (!c) return std::nullopt;
        d.push_back(*c);
    }
    return d;
}

std::string Graph::unique_name(std::string_view wish) {
    std::string name(wish);
    while (name.empty() || names_.contains(name)) name = fmt::format("{}_{}", wish.empty() ? "v" : wish, ++suffixes_.try_emplace(std::string(wish), 1).first->second);
    return name;
}

ValueId Graph::add_value(std::string_view name, Type type) {
    const auto id = static_cast<ValueId>(values_.size());
    values_.push_back({.name = unique_name(name), .type = std::move(type)});
    names_.emplace(values_.back().name, id);
    return id;
}

ValueId Graph::add_input(std::string_view name, Type type) {
    inputs_.push_back(add_value(name, std::move(type)));
    return inputs_.back();
}

ValueId Graph::add_constant(std::string_view name, Tensor t) {
    const Dims shape = t.shape();
    const ValueId v = add_value(name, {t.dtype(), Shape(shape.begin(), shape.end())});
    at(v).constant = std::move(t);
    return v;
}

void Graph::link(NodeId id) {
    for (ValueId v : node(id).inputs)
        if (v != ValueId::none) at(v).users.push_back(id);
    for (ValueId v : node(id).outputs)
        if (v != ValueId::none) at(v).producer = id;
}

NodeId Graph::add_node(Node n) {
    const auto id = static_cast<NodeId>(nodes_.size());
    nodes_.push_back(std::move(n));
    alive_.push_back(true);
    order_.push_back(id);
    link(id);
    return id;
}

NodeId Graph::insert_before(NodeId before, Node n) {
    const NodeId id = add_node(std::move(n));
    order_.pop_back();
    order_.insert(std::ranges::find(order_, before), id);
    return id;
}

std::vector<NodeId> Graph::nodes(std::string_view op) const {
    std::vector<NodeId> found;
    for (NodeId id : order_)
        if (is(id, op)) found.push_back(id);
    return found;
}

std::string Graph::label(NodeId id) const {
    const Node& n = node(id);
    if (!n.name.empty()) return n.name;
    for (ValueId v : n.outputs)
        if (v != ValueId::none) return value(v).name;
    return n.op;
}

std::vector<std::string> Graph::layers(NodeId id) const {
    return node(id).layers.empty() ? std::vector{label(id)} : node(id).layers;
}

std::string Graph::where(NodeId id) const { return fmt::format("{} ({})", label(id), node(id).op); }

ValueId Graph::input(NodeId id, std::size_t i) const {
    const auto& in = node(id).inputs;
    return i < in.size() ? in[i] : ValueId::none;
}

bool Graph::is_output(ValueId v) const {
    return std::ranges::any_of(outputs_, [&](const GraphOutput& o) { return o.value == v; });
}

int Graph::uses(ValueId v) const {
    const auto outputs = std::ranges::count(outputs_, v, &GraphOutput::value);
    return static_cast<int>(value(v).users.size()) + static_cast<int>(outputs);
}

NodeId Graph::only_user(ValueId v) const {
    return value(v).users.size() == 1 && !is_output(v) ? value(v).users[0] : NodeId::none;
}

const Tensor* Graph::constant(ValueId v) const {
    return v != ValueId::none && value(v).constant ? &value(v).constant : nullptr;
}

ValueId Graph::find(std::string_view value_name) const {
    const auto it = names_.find(value_name);
    return it == names_.end() ? ValueId::none : it->second;
}

void Graph::drop_user(ValueId v, NodeId user) {
    if (v == ValueId::none) return;
    auto& users = at(v).users;
    if (const auto it = std::ranges::find(users, user); it != users.end()) users.erase(it);
}

void Graph::set_constant(ValueId v, Tensor t) {
    const NodeId p = value(v).producer;
    at(v).constant = std::move(t);
    at(v).producer = NodeId::none;
    if (p == NodeId::none) return;
    bool needed = false;
    for (ValueId& out : nodes_[static_cast<std::size_t>(p)].outputs) {
        if (out == v) out = ValueId::none;
        needed = needed || (out != ValueId::none && uses(out) > 0);
    }
    if (!needed) remove(p);
}

void Graph::set_op(NodeId id, std::string_view op, std::string_view domain) {
    Node& n = nodes_[static_cast<std::size_t>(id)];
    n.op = op;
    n.domain = domain;
}

void Graph::set_input(NodeId id, std::size_t i, ValueId v) {
    auto& in = nodes_[static_cast<std::size_t>(id)].inputs;
    if (in.size() <= i) in.resize(i + 1, ValueId::none);
    drop_user(in[i], id);
    in[i] = v;
    if (v != ValueId::none) at(v).users.push_back(id);
    while (!in.empty() && in.back() == ValueId::none) in.pop_back();
}

void Graph::add_layers(NodeId id, const std::vector<std::string>& more) {
    std::vector<std::string> all = layers(id);
    for (const std::string& m : more)
        if (std::ranges::find(all, m) == all.end()) all.push_back(m);
    nodes_[static_cast<std::size_t>(id)].layers = std::move(all);
}

void Graph::replace(ValueId old, ValueId by) {
    if (value(old).type != value(by).type)
        throw std::logic_error(fmt::format("replace: '{}' is {}, '{}' is {}", value(old).name, text_of(value(old).type),
                                           value(by).name, text_of(value(by).type)));
    for (NodeId user : std::vector(value(old).users))
        for (std::size_t i = 0; i < node(user).inputs.size(); ++i)
            if (node(user).inputs[i] == old) set_input(user, i, by);
    const bool was_output = is_output(old), by_is_output = is_output(by);
    for (GraphOutput& o : outputs_)
        if (o.value == old) o.value = by;
    if (was_output && !by_is_output && value(by).producer != NodeId::none) {
        const std::string a = value(old).name, b = value(by).name;
        std::swap(at(old).name, at(by).name);
        names_[a] = by;
        names_[b] = old;
    }
}

void Graph::remove(NodeId id) {
    for (ValueId v : node(id).inputs) drop_user(v, id);
    for (ValueId v : node(id).outputs)
        if (v != ValueId::none && value(v).producer == id) at(v).producer = NodeId::none;
    alive_[static_cast<std::size_t>(id)] = false;
    if (const auto it = std::ranges::find(order_, id); it != order_.end()) order_.erase(it);
}

void Graph::rename(ValueId v, std::string_view name) {
    if (value(v).name == name) return;
    names_.erase(value(v).name);
    at(v).name = unique_name(name);
    names_.emplace(value(v).name, v);
}

bool Graph::sort() {
    std::vector<int> waits(nodes_.size(), 0);
    std::vector<std::size_t> position(nodes_.size(), 0);
    const auto by_position = [&](NodeId a, NodeId b) {
        return position[static_cast<std::size_t>(a)] > position[static_cast<std::size_t>(b)];
    };
    std::priority_queue<NodeId, std::vector<NodeId>, decltype(by_position)> ready(by_position);
    for (std::size_t i = 0; i < order_.size(); ++i) {
        const auto n = static_cast<std::size_t>(order_[i]);
        position[n] = i;
        for (ValueId v : nodes_[n].inputs) waits[n] += producer(v) != NodeId::none;
        if (waits[n] == 0) ready.push(order_[i]);
    }
    std::vector<NodeId> sorted;
    while (!ready.empty()) {
        const NodeId id = ready.top();
        ready.pop();
        sorted.push_back(id);
        for (ValueId v : node(id).outputs)
            if (v != ValueId::none)
                for (NodeId user : value(v).users)
                    if (--waits[static_cast<std::size_t>(user)] == 0) ready.push(user);
    }
    if (sorted.size() != order_.size()) return false;
    order_ = std::move(sorted);
    return true;
}

int Graph::remove_dead() {
    int removed = 0;
    std::vector<NodeId> kept;
    for (auto it = order_.rbegin(); it != order_.rend(); ++it) {
        const Node& n = node(*it);
        if (std::ranges::any_of(n.outputs, [&](ValueId v) { return v != ValueId::none && uses(v) > 0; })) {
            kept.push_back(*it);
            continue;
        }
        for (ValueId v : n.inputs) drop_user(v, *it);
        for (ValueId v : n.outputs)
            if (v != ValueId::none) at(v).producer = NodeId::none;
        alive_[static_cast<std::size_t>(*it)] = false;
        ++removed;
    }
    order_.assign(kept.rbegin(), kept.rend());
    for (std::size_t i = 0; i < values_.size(); ++i)
        if (values_[i].constant && uses(static_cast<ValueId>(i)) == 0) values_[i].constant = {};
    return removed;
}

void verify(const Graph& g) {
    const auto require = [](bool holds, std::string_view what, std::string_view where) {
        if (!holds) throw std::logic_error(fmt::format("graph: {}: {}", where, what));
    };
    const auto in_range = [&](ValueId v) { return static_cast<std::size_t>(v) < g.value_count(); };
    std::set<ValueId> known(g.inputs().begin(), g.inputs().end());
    std::map<ValueId, int> uses;
    std::set<std::string_view> names;
    for (NodeId id : g.order()) {
        const std::string label = g.label(id);
        require(g.is_alive(id), "a removed node stands in the order", label);
        for (ValueId v : g.node(id).inputs) {
            if (v == ValueId::none) continue;
            require(in_range(v), "an input does not exist", label);
            require(known.contains(v) || g.constant(v), "reads a value before it is computed", label);
            ++uses[v];
        }
        for (ValueId v : g.node(id).outputs) {
            if (v == ValueId::none) continue;
            require(in_range(v), "an output does not exist", label);
            require(known.insert(v).second && !g.constant(v), "an output is computed twice", label);
            require(g.producer(v) == id, "an output names another producer", label);
            require(static_cast<bool>(g.value(v).type), "an output has no type", label);
            require(names.insert(g.value(v).name).second, "two values have one name", g.value(v).name);
        }
    }
    for (const GraphOutput& o : g.outputs())
        require(known.contains(o.value) || g.constant(o.value), "an output of the graph is not computed", o.name);
    for (const auto& [v, n] : uses)
        require(static_cast<int>(g.value(v).users.size()) == n, "readers are miscounted", g.value(v).name);
}

}  // namespace tercet
