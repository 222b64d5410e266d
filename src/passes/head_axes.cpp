// SPDX-License-Identifier: Apache-2.0
#include "passes/head_axes.h"

#include "passes/rewrite.h"

#include <algorithm>

namespace tercet {
namespace {

const Shape& shape_of(const Graph& g, ValueId v) { return g.value(v).type.shape; }

bool is_view(const Graph& g, NodeId id) {
    return g.is(id, "Reshape") || g.is(id, "Flatten") || g.is(id, "Squeeze") || g.is(id, "Unsqueeze");
}

std::vector<Axis> permuted(const std::vector<Axis>& axes, const Dims& order) {
    std::vector<Axis> r;
    for (std::int64_t k : order) r.push_back(axes[static_cast<std::size_t>(k)]);
    return r;
}

bool has(const std::vector<Axis>& axes, Role role) {
    return std::ranges::any_of(axes, [&](const Axis& a) { return std::ranges::find(a, role, &Factor::role) != a.end(); });
}

// Outer and inner factor of one that is seen apart.
std::optional<std::pair<Role, Role>> roles_within(Role r) {
    if (r == Role::batch_and_head) return std::pair{Role::batch, Role::head};
    if (r == Role::head) return std::pair{Role::head, Role::repeat};
    return std::nullopt;
}

// One index of an axis: Gather with a number, Split into parts of extent 1.
std::optional<Waypoint> whole(const Graph& g, NodeId id, const Waypoint& p) {
    if (has(p.axes, Role::part)) return std::nullopt;
    Waypoint w = p;
    w.value = g.input(id, 0);
    const auto rank = static_cast<int>(shape_of(g, w.value).size());
    const auto axis = static_cast<std::size_t>(checked_axis(g.node(id).attributes.integer("axis", 0), rank));
    const auto parts = shape_of(g, w.value)[axis].constant();
    if (!parts || *parts < 2) return std::nullopt;
    const Axis factor{{Role::part, *parts}};
    if (g.is(id, "Gather")) {
        const Tensor* index = g.constant(id, 1);
        if (!index || index->count() != 1 || index->shape().size() > 1) return std::nullopt;
        w.part = index->to_ints()[0];
        if (w.part < 0) w.part += *parts;
        if (index->shape().empty()) w.axes.insert(w.axes.begin() + static_cast<std::ptrdiff_t>(axis), factor);
        else w.axes[axis] = factor;
        return w;
    }
    const auto& outputs = g.node(id).outputs;
    if (static_cast<std::int64_t>(outputs.size()) != *parts || shape_of(g, p.value)[axis] != Dim(1)) return std::nullopt;
    w.part = std::ranges::find(outputs, p.value) - outputs.begin();
    w.axes[axis] = factor;
    return w;
}

// Copies of heads as they were before.
std::optional<Waypoint> unrepeated(const Graph& g, NodeId id, const Waypoint& p) {
    Waypoint w = p;
    w.value = g.input(id, 0);
    const Shape &from = shape_of(g, w.value), &to = shape_of(g, p.value);
    if (from.size() != to.size()) return std::nullopt;
    for (std::size_t i = 0; i < to.size(); ++i) {
        if (from[i] == to[i]) continue;
        if (from[i] != Dim(1) || w.axes[i].size() != 1 || w.axes[i][0].role != Role::repeat) return std::nullopt;
        w.axes[i].clear();
    }
    return w;
}

std::optional<Waypoint> source(const Graph& g, const Waypoint& p, bool scales) {
    const NodeId id = g.producer(p.value);
    if (id == NodeId::none || g.node(id).attributes.has("tail")) return std::nullopt;
    if (g.is(id, "Gather") || g.is(id, "Split")) return whole(g, id, p);
    if (g.is(id, "Expand")) return unrepeated(g, id, p);
    Waypoint w = p;
    w.value = g.input(id, 0);
    if (is_view(g, id)) {
        auto axes = regrouped(p.axes, shape_of(g, w.value));
        if (!axes) return std::nullopt;
        w.axes = std::move(*axes);
        return w;
    }
    if (g.is(id, "Transpose")) {
        w.axes = permuted(p.axes, inverse(transpose_order(g, id)));
        return w;
    }
    if (const auto factor = scales ? factor_of(g, id, w.value) : std::nullopt; factor && shape_of(g, w.value) == shape_of(g, p.value)) {
        w.scale *= *factor;
        return w;
    }
    return std::nullopt;
}

}  // namespace

std::vector<Axis> axes_of(const Shape& shape, std::initializer_list<Role> roles) {
    std::vector<Axis> axes;
    for (std::size_t i = 0; i < shape.size(); ++i)
        axes.push_back(shape[i] == Dim(1) ? Axis{} : Axis{{roles.begin()[i], shape[i]}});
    return axes;
}

std::vector<Factor> factors_of(const std::vector<Axis>& axes) {
    std::vector<Factor> all;
    for (const Axis& a : axes) all.insert(all.end(), a.begin(), a.end());
    return all;
}

Dim extent_of(const std::vector<Axis>& axes, Role role) {
    for (const Factor& f : factors_of(axes))
        if (f.role == role) return f.extent;
    return 1;
}

std::optional<std::vector<Axis>> regrouped(const std::vector<Axis>& axes, const Shape& to) {
    std::vector<Factor> left = factors_of(axes);
    if (std::ranges::any_of(left, [](const Factor& f) { return f.extent == Dim(0); })) return std::nullopt;
    std::ranges::reverse(left);  // the next one is last
    std::vector<Axis> result;
    for (const Dim& extent : to) {
        Axis axis;
        Dim product = 1;
        while (product != extent) {
            if (left.empty()) return std::nullopt;
            Factor& next = left.back();
            if (const auto parts = roles_within(next.role); parts && product * next.extent != extent) {
                const Dim needed = floor_div(extent, product), rest = needed == Dim(0) ? Dim(0) : floor_div(next.extent, needed);
                if (needed != Dim(1) && product * needed == extent && rest * needed == next.extent) {
                    axis.push_back({parts->first, needed});
                    next = {parts->second, rest};
                    break;
                }
            }
            product = product * next.extent;
            axis.push_back(next);
            left.pop_back();
        }
        result.push_back(std::move(axis));
    }
    if (!left.empty()) return std::nullopt;
    return result;
}

std::vector<Waypoint> sources(const Graph& g, Waypoint from, bool scales) {
    std::vector<Waypoint> all{std::move(from)};
    while (auto next = source(g, all.back(), scales)) all.push_back(std::move(*next));
    return all;
}

std::vector<Waypoint> results(const Graph& g, Waypoint from) {
    std::vector<Waypoint> all{std::move(from)};
    for (;;) {
        const Waypoint& p = all.back();
        const NodeId id = g.only_user(p.value);
        if (id == NodeId::none || g.input(id, 0) != p.value || g.node(id).attributes.has("tail")) return all;
        Waypoint w{g.output(id), {}};
        if (is_view(g, id)) {
            auto axes = regrouped(p.axes, shape_of(g, w.value));
            if (!axes) return all;
            w.axes = std::move(*axes);
        } else if (g.is(id, "Transpose")) {
            w.axes = permuted(p.axes, transpose_order(g, id));
        } else {
            return all;
        }
        all.push_back(std::move(w));
    }
}

std::optional<double> factor_of(const Graph& g, NodeId id, ValueId& x) {
    const bool mul = g.is(id, "Mul");
    if ((!mul && !g.is(id, "Div")) || g.node(id).attributes.has("tail")) return std::nullopt;
    for (std::size_t i : {1, 0}) {
        const Tensor* c = g.constant(id, i);
        if (!c || c->count() != 1 || !is_float(c->dtype()) || (i == 0 && !mul)) continue;
        x = g.input(id, 1 - i);
        return mul ? c->get(0) : 1 / c->get(0);
    }
    return std::nullopt;
}

}  // namespace tercet
