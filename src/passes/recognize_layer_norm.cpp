// SPDX-License-Identifier: Apache-2.0
// LayerNormalization and RMSNormalization over the last axes, written out, with or without their scale and bias:
//     d = x - ReduceMean(x);  d / Sqrt(ReduceMean(d^2) + epsilon) * scale + bias  =>  LayerNormalization(x, scale, bias)
//     x / Sqrt(ReduceMean(x^2) + epsilon) * scale                                 =>  RMSNormalization(x, scale)
// The square is Pow or Mul; the division also a product with Reciprocal, with 1 / Sqrt or with Pow to -0.5. TensorFlow multiplies out:
//     r = scale / Sqrt(..);  x * r + (bias - ReduceMean(x) * r)
#include "passes/passes.h"
#include "passes/rewrite.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace tercet {
namespace {

constexpr std::int64_t most_elements = 1 << 20;  // of a scale of ones that has to be made

bool is_plain(const Graph& g, NodeId id, std::string_view op) { return g.is(id, op) && !g.node(id).attributes.has("tail"); }

std::optional<double> number(const Graph& g, NodeId id, std::size_t input) {
    const Tensor* t = g.constant(id, input);
    return t && t->count() == 1 && is_float(t->dtype()) ? std::optional(t->get(0)) : std::nullopt;
}

// The other input of a node with two, of which `v` is one; none if it is not.
ValueId other(const Graph& g, NodeId id, ValueId v) {
    return g.input(id, 0) == v ? g.input(id, 1) : g.input(id, 1) == v ? g.input(id, 0) : ValueId::none;
}

// x and the first of its last axes, where id = ReduceMean(x) over these, which stay with extent 1.
struct Mean {
    ValueId x = ValueId::none;
    int axis = 0;
};
std::optional<Mean> mean_of(const Graph& g, NodeId id) {
    if (!is_plain(g, id, "ReduceMean") || g.node(id).attributes.integer("keepdims", 1) == 0) return std::nullopt;
    const ValueId x = g.input(id, 0);
    const auto rank = static_cast<int>(g.value(x).type.shape.size());
    const auto axes = constant_ints(g, id, 1);
    if (!axes || axes->empty() || static_cast<int>(axes->size()) > rank) return std::nullopt;
    std::vector<int> sorted;
    for (std::int64_t a : *axes) sorted.push_back(checked_axis(a, rank));
    std::ranges::sort(sorted);
    const int axis = rank - static_cast<int>(sorted.size());
    for (int i = axis; i < rank; ++i)
        if (sorted[static_cast<std::size_t>(i - axis)] != i) return std::nullopt;
    return Mean{x, axis};
}

// d, where the value is d^2.
ValueId root_of(const Graph& g, ValueId square) {
    const NodeId id = g.producer(square);
    if (is_plain(g, id, "Mul") && g.input(id, 0) == g.input(id, 1)) return g.input(id, 0);
    return is_plain(g, id, "Pow") && number(g, id, 1) == 2.0 ? g.input(id, 0) : ValueId::none;
}

// A normalization, found from the root of the mean square on.
class Recognition {
public:
    explicit Recognition(Graph& g) : g_(g) {}

    bool run(NodeId id) {
        const bool inverse = is_plain(g_, id, "Pow") && number(g_, id, 1) == -0.5;
        if (!inverse && !is_plain(g_, id, "Sqrt") && !(is_plain(g_, id, "Pow") && number(g_, id, 1) == 0.5)) return false;
        if (!mean_square(g_.input(id, 0))) return false;
        at_ = id;
        const ValueId root = g_.output(id);
        if (inverse) return behind_inverse(root);
        for (NodeId user : std::vector(g_.value(root).users)) {
            if (is_plain(g_, user, "Div") && g_.input(user, 1) == root && g_.input(user, 0) == centered_) return normalized(user);
            const bool one_over = is_plain(g_, user, "Div") && g_.input(user, 1) == root && number(g_, user, 0) == 1.0;
            if ((one_over || is_plain(g_, user, "Reciprocal")) && behind_inverse(g_.output(user))) return true;
        }
        return false;
    }

private:
    // sum = ReduceMean(d^2) + epsilon, where d is x, or x - ReduceMean(x).
    bool mean_square(ValueId sum) {
        const NodeId add = g_.producer(sum);
        if (!is_plain(g_, add, "Add")) return false;
        const std::size_t constant = number(g_, add, 1) ? 1 : 0;
        const auto epsilon = number(g_, add, constant);
        const auto square = mean_of(g_, g_.producer(g_.input(add, 1 - constant)));
        if (!epsilon || !(*epsilon >= 0) || !square || g_.value(sum).type != g_.value(g_.input(add, 1 - constant)).type) return false;
        centered_ = root_of(g_, square->x);
        if (centered_ == ValueId::none || !is_float(g_.value(centered_).type.dtype)) return false;
        x_ = centered_;
        axis_ = square->axis;
        epsilon_ = *epsilon;
        mean_ = ValueId::none;
        if (const NodeId sub = g_.producer(centered_); is_plain(g_, sub, "Sub"))
            if (const auto mean = mean_of(g_, g_.producer(g_.input(sub, 1))); mean && mean->x == g_.input(sub, 0) && mean->axis == axis_) {
                x_ = mean->x;
                mean_ = g_.input(sub, 1);
            }
        return true;
    }

    bool behind_inverse(ValueId inverse) {
        for (NodeId user : std::vector(g_.value(inverse).users)) {
            if (!is_plain(g_, user, "Mul")) continue;
            const ValueId with = other(g_, user, inverse);
            if (with == centered_) return normalized(user);
            if (mean_ != ValueId::none && multiplied_out(g_.output(user), with)) return true;
        }
        return false;
    }

    // A scale or bias as the operators have it, over the normalized axes.
    std::optional<ValueId> over_axes(ValueId v) const {
        const Tensor* t = g_.constant(v);
        const Shape& x = g_.value(x_).type.shape;
        if (!t || t->dtype() != g_.value(x_).type.dtype) return std::nullopt;
        const Shape normalized(x.begin() + axis_, x.end());
        int ones = 0;
        while (ones < t->shape().size() && t->shape()[ones] == 1) ++ones;
        const Dims inner = t->shape().part(ones);
        const auto all = constant_shape(normalized);
        if (!all || inner.size() > all->size() || count_of(*all) > most_elements) return std::nullopt;
        for (int i = 0; i < inner.size(); ++i)
            if (inner[i] != 1 && inner[i] != (*all)[all->size() - inner.size() + i]) return std::nullopt;
        if (t->shape() == *all) return v;
        Tensor full = Tensor::zeros(t->dtype(), *all);
        const View from = t->reshaped(inner).view().broadcast_to(*all), to = full.writable();
        for (const Dims& i : indices(*all)) to.set(i, from.get(i));
        return g_.add_constant(g_.value(v).name, full);
    }

    // `id` gives the normalized value, which a scale and a bias may follow.
    bool normalized(NodeId id) {
        ValueId y = g_.output(id), scale = ValueId::none, bias = ValueId::none;
        if (g_.value(y).type != g_.value(x_).type) return false;
        const auto follow = [&](std::string_view op, ValueId& operand) {
            const NodeId next = g_.only_user(y);
            if (!is_plain(g_, next, op) || g_.value(g_.output(next)).type != g_.value(y).type) return;
            const auto c = over_axes(other(g_, next, y));
            if (!c) return;
            operand = *c;
            y = g_.output(next);
        };
        follow("Mul", scale);
        if (mean_ != ValueId::none) follow("Add", bias);
        return put_in_place(y, scale, bias);
    }

    // r = scale / root; y = x * r + (bias - mean * r).
    bool multiplied_out(ValueId r, ValueId scale) {
        const auto all_scale = over_axes(scale);
        if (!all_scale) return false;
        for (NodeId product : g_.value(r).users) {
            if (!is_plain(g_, product, "Mul") || other(g_, product, r) != x_) continue;
            const NodeId sum = g_.only_user(g_.output(product));
            if (!is_plain(g_, sum, "Add")) continue;
            const NodeId sub = g_.producer(other(g_, sum, g_.output(product)));
            if (!is_plain(g_, sub, "Sub")) continue;
            const NodeId shift = g_.producer(g_.input(sub, 1));
            const auto bias = over_axes(g_.input(sub, 0));
            if (!bias || !is_plain(g_, shift, "Mul") || other(g_, shift, r) != mean_) continue;
            if (g_.value(g_.output(sum)).type == g_.value(x_).type) return put_in_place(g_.output(sum), *all_scale, *bias);
        }
        return false;
    }

    bool put_in_place(ValueId y, ValueId scale, ValueId bias) {
        const Type type = g_.value(x_).type;
        const NodeId last = g_.producer(y);
        if (scale == ValueId::none) {
            const auto shape = constant_shape(Shape(type.shape.begin() + axis_, type.shape.end()));
            if (!shape || count_of(*shape) > most_elements) return false;
            Tensor ones = Tensor::zeros(type.dtype, *shape);
            for (std::int64_t i = 0; i < ones.count(); ++i) ones.writable().set_at(i, 1);
            scale = g_.add_constant(g_.value(y).name + "_scale", ones);
        }
        Node node{.op = mean_ == ValueId::none ? "RMSNormalization" : "LayerNormalization", .inputs = {x_, scale}, .outputs = {},
                  .attributes = {{"axis", std::int64_t{axis_} - static_cast<std::int64_t>(type.shape.size())}, {"epsilon", static_cast<float>(epsilon_)}},
                  .layers = layers_of(g_, {at_, last})};
        if (bias != ValueId::none) node.inputs.push_back(bias);
        supersede(g_, y, emit(g_, std::move(node), g_.value(y).name, last));
        return true;
    }

    Graph& g_;
    NodeId at_ = NodeId::none;
    ValueId x_ = ValueId::none, centered_ = ValueId::none, mean_ = ValueId::none;  // mean: none if it is not subtracted
    int axis_ = 0;
    double epsilon_ = 0;
};

}  // namespace

int recognize_layer_norm(Graph& g, int limit) {
    return rewrite_each(g, limit, [](Graph& graph, NodeId id) { return graph.is_alive(id) && Recognition(graph).run(id); });
}

}  // namespace tercet
