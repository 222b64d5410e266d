// SPDX-License-Identifier: Apache-2.0
// Normalizations written out, over the last axis or several last ones, become operators:
//     d = x - mean(x);  d / sqrt(mean(d^2) + epsilon) * gamma + beta     =>  LayerNormalization(x, gamma, beta)
//     x / sqrt(mean(x^2) + epsilon) * gamma                              =>  RMSNormalization(x, gamma)
// Squares are Pow or Mul. The root divides, or its inverse (Reciprocal, 1/s, Pow) is multiplied: to the value, or to gamma first,
// m = inverse * gamma, with d*m or x*m + (beta - mean(x)*m) then.
#include "passes/passes.h"
#include "passes/rewrite.h"

#include <algorithm>

namespace tercet {
namespace {

// The one element of a constant.
std::optional<double> number(const Graph& g, ValueId v) {
    const Tensor* t = v == ValueId::none ? nullptr : g.constant(v);
    return t && t->count() == 1 && is_float(t->dtype()) ? std::optional(t->get(0)) : std::nullopt;
}

// The other operand, where `v` is one of the two of a node with that operator.
ValueId other(const Graph& g, NodeId id, std::string_view op, ValueId v) {
    if (!g.is(id, op) || g.node(id).attributes.has("tail")) return ValueId::none;
    const ValueId a = g.input(id, 0), b = g.input(id, 1);
    return a == v ? b : b == v ? a : ValueId::none;
}

struct Mean {
    ValueId of = ValueId::none;
    int axes = 0;  // how many last ones
};

std::optional<Mean> mean_of(const Graph& g, ValueId v) {
    const NodeId id = g.producer(v);
    if (!g.is(id, "ReduceMean") || g.node(id).attributes.integer("keepdims", 1) == 0) return std::nullopt;
    const ValueId x = g.input(id, 0);
    const auto rank = static_cast<int>(g.value(x).type.shape.size());
    auto axes = constant_ints(g, id, 1);
    if (!axes || axes->empty() || !is_float(g.value(x).type.dtype)) return std::nullopt;
    for (std::int64_t& a : *axes) a = checked_axis(a, rank);
    std::ranges::sort(*axes);
    const auto count = static_cast<int>(axes->size());
    for (int i = 0; i < count; ++i)
        if ((*axes)[static_cast<std::size_t>(i)] != rank - count + i) return std::nullopt;
    return Mean{x, count};
}

// t, where v is its square.
ValueId square_root(const Graph& g, ValueId v) {
    const NodeId id = g.producer(v);
    if (g.is(id, "Mul") && g.input(id, 0) == g.input(id, 1)) return g.input(id, 0);
    return g.is(id, "Pow") && number(g, g.input(id, 1)) == 2.0 ? g.input(id, 0) : ValueId::none;
}

class Match {
public:
    Match(Graph& graph, NodeId root) : g_(graph), root_(root) {}

    bool rewrite() {
        if (!find_mean_square() || !find_difference() || !find_result()) return false;
        if (gamma_ == ValueId::none) take_factor();
        if (centered_ && beta_ == ValueId::none && gamma_ != ValueId::none) take_summand();
        return replace();
    }

private:
    // The root is that of mean(t^2) + epsilon.
    bool find_mean_square() {
        const NodeId sum = g_.producer(g_.input(root_, 0));
        if (!g_.is(sum, "Add")) return false;
        for (std::size_t i : {0, 1}) {
            const auto epsilon = number(g_, g_.input(sum, i));
            const auto squares = mean_of(g_, g_.input(sum, 1 - i));
            if (!epsilon || !squares) continue;
            t_ = square_root(g_, squares->of);
            epsilon_ = *epsilon;
            axes_ = squares->axes;
            return t_ != ValueId::none && g_.value(t_).type == g_.value(squares->of).type;
        }
        return false;
    }

    // t is x - mean(x), or else x itself.
    bool find_difference() {
        x_ = t_;
        const NodeId sub = g_.producer(t_);
        if (!g_.is(sub, "Sub")) return true;
        const auto mean = mean_of(g_, g_.input(sub, 1));
        if (!mean || mean->of != g_.input(sub, 0) || mean->axes != axes_) return true;
        x_ = mean->of;
        mean_ = g_.input(sub, 1);
        centered_ = true;
        return true;
    }

    // Follows the root to the normalized value, and to gamma and beta where they come in on the way.
    bool find_result() {
        ValueId v = g_.output(root_);
        if (!g_.is(root_, "Pow")) {
            const NodeId user = g_.only_user(v);
            if (g_.is(user, "Div") && g_.input(user, 0) == t_ && g_.input(user, 1) == v) return found(user);
            const bool inverts = g_.is(user, "Reciprocal") || (g_.is(user, "Div") && g_.input(user, 1) == v && number(g_, g_.input(user, 0)) == 1.0);
            if (!inverts) return false;
            v = g_.output(user);
        }
        if (const NodeId user = g_.only_user(v); user != NodeId::none) {
            const ValueId factor = other(g_, user, "Mul", v);
            if (factor == t_) return found(user);
            if (!is_parameter(factor)) return false;
            gamma_ = factor;
            v = g_.output(user);
            if (const NodeId next = g_.only_user(v); next != NodeId::none) return other(g_, next, "Mul", v) == t_ && found(next);
        }
        return find_expanded(v);
    }

    // x*m + (beta - mean*m), or x*m - mean*m
    bool find_expanded(ValueId m) {
        const auto& users = g_.value(m).users;
        if (!centered_ || users.size() != 2 || g_.is_output(m)) return false;
        for (std::size_t i : {0, 1}) {
            const NodeId scaled = users[i], shift = users[1 - i];
            if (other(g_, scaled, "Mul", m) != x_ || other(g_, shift, "Mul", m) != mean_) continue;
            const ValueId a = g_.output(scaled), b = g_.output(shift);
            const NodeId sub = g_.only_user(b), sum = g_.only_user(a);
            if (!g_.is(sub, "Sub") || g_.input(sub, 1) != b) return false;
            if (sub == sum) return g_.input(sub, 0) == a && found(sub);
            if (!is_parameter(g_.input(sub, 0)) || g_.only_user(g_.output(sub)) != sum || other(g_, sum, "Add", a) != g_.output(sub)) return false;
            beta_ = g_.input(sub, 0);
            return found(sum);
        }
        return false;
    }

    bool found(NodeId last) {
        last_ = last;
        return g_.value(g_.output(last)).type.shape == g_.value(x_).type.shape;
    }

    // The normalized axes of x, which gamma and beta have, behind extents of 1 in a constant.
    Shape inner() const {
        const Shape& s = g_.value(x_).type.shape;
        return {s.end() - axes_, s.end()};
    }
    bool is_parameter(ValueId v) const {
        if (v == ValueId::none || g_.value(v).type.dtype != g_.value(x_).type.dtype) return false;
        const Shape &s = g_.value(v).type.shape, to = inner();
        if (s == to) return true;
        if (!g_.constant(v) || s.size() <= to.size() || s.size() > g_.value(x_).type.shape.size()) return false;
        const auto ones = static_cast<std::ptrdiff_t>(s.size() - to.size());
        return std::all_of(s.begin(), s.begin() + ones, [](const Dim& d) { return d == Dim(1); }) && Shape(s.begin() + ones, s.end()) == to;
    }
    void take_factor() {
        const ValueId y = g_.output(last_);
        const NodeId user = g_.only_user(y);
        if (const ValueId v = other(g_, user, "Mul", y); is_parameter(v) && v != y) gamma_ = v, last_ = user;
    }
    void take_summand() {
        const ValueId y = g_.output(last_);
        const NodeId user = g_.only_user(y);
        if (const ValueId v = other(g_, user, "Add", y); is_parameter(v) && v != y) beta_ = v, last_ = user;
    }

    ValueId parameter(ValueId v) {
        const Tensor* t = g_.constant(v);
        if (!t || g_.value(v).type.shape.size() == static_cast<std::size_t>(axes_)) return v;
        return g_.add_constant(g_.value(v).name, t->reshaped(t->shape().part(t->shape().size() - axes_)));
    }
    bool replace() {
        const ValueId y = g_.output(last_);
        if (g_.value(y).type != g_.value(x_).type) return false;
        std::vector<ValueId> inputs{x_};
        if (gamma_ == ValueId::none) {
            const auto shape = constant_shape(inner());
            if (!shape || count_of(*shape) > 1 << 24) return false;  // a shape in a file is a mere claim
            Tensor ones = Tensor::zeros(g_.value(x_).type.dtype, *shape);
            for (std::int64_t i = 0; i < ones.count(); ++i) ones.writable().set_at(i, 1);
            inputs.push_back(g_.add_constant(g_.value(y).name + "_scale", std::move(ones)));
        } else {
            inputs.push_back(parameter(gamma_));
        }
        if (beta_ != ValueId::none) inputs.push_back(parameter(beta_));
        const std::string name = g_.value(y).name;
        supersede(g_, y, emit(g_, {.op = centered_ ? "LayerNormalization" : "RMSNormalization", .inputs = std::move(inputs), .outputs = {},
                                   .attributes = {{"axis", std::int64_t{-axes_}}, {"epsilon", static_cast<float>(epsilon_)}}, .name = g_.node(last_).name,
                                   .layers = layers_of(g_, {root_, last_})}, name, last_));
        return true;
    }

    Graph& g_;
    NodeId root_, last_ = NodeId::none;
    ValueId t_ = ValueId::none, x_ = ValueId::none, mean_ = ValueId::none, gamma_ = ValueId::none, beta_ = ValueId::none;
    double epsilon_ = 0;
    int axes_ = 0;
    bool centered_ = false;
};

bool rewrite(Graph& g, NodeId id) {
    const bool root = g.is(id, "Sqrt") || (g.is(id, "Pow") && number(g, g.input(id, 1)) == -0.5);
    return root && Match(g, id).rewrite();
}

}  // namespace

int recognize_normalization(Graph& g, int limit) { return rewrite_each(g, limit, rewrite); }

}  // namespace tercet
