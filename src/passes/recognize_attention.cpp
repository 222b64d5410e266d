// SPDX-License-Identifier: Apache-2.0
// Scaled dot product attention written out becomes one operator:
//     MatMul(Softmax(scale * MatMul(q, transposed k) + mask), v)  =>  Attention(q, k, v, mask)
// The scale is a Mul or Div, behind the product or before it, on q, on k or on both. Masks are added, or a Where puts -inf, or
// a number that swallows all scores, where they hide a key. NaNs of queries that see nothing may be replaced by zeros behind the
// softmax: such queries give zeros then, and without, where there were NaNs.
//
// Where q, k and v are [B, S, H, D] with axes 1 and 2 exchanged and the result is exchanged back, no Transpose is left: the
// operator gets [B, S, H*D]. Products of three axes are one head each.
#include "passes/passes.h"
#include "passes/rewrite.h"

#include <algorithm>
#include <cmath>

namespace tercet {
namespace {

constexpr double swallows_scores = -1e30;  // a score plus this is this

std::optional<double> number(const Graph& g, ValueId v) {
    const Tensor* t = v == ValueId::none ? nullptr : g.constant(v);
    return t && t->count() == 1 && is_float(t->dtype()) ? std::optional(t->get(0)) : std::nullopt;
}

bool is_plain(const Graph& g, NodeId id, std::string_view op) { return g.is(id, op) && !g.node(id).attributes.has("tail"); }

// A value, its axes in another order: axis k is axis order[k] of `of`.
struct Ordered {
    ValueId of = ValueId::none;
    Dims order{};
};

const Dims as_is{0, 1, 2, 3}, heads_first{0, 2, 1, 3};

class Match {
public:
    Match(Graph& graph, NodeId softmax) : g_(graph), softmax_(softmax) {}

    bool rewrite() {
        if (!find_result() || !find_masks()) return false;
        ValueId scores = unscaled(scores_);
        const NodeId product = g_.producer(scores);
        if (!is_plain(g_, product, "MatMul") || g_.only_user(scores) == NodeId::none) return false;
        if (rank(scores) != rank(g_.input(product, 0)) || rank(scores) != rank(g_.input(product, 1)) || rank(scores) != rank(v_)) return false;
        if (rank(scores) != 3 && rank(scores) != 4) return false;
        q_ = ordered(unscaled(g_.input(product, 0)), true);
        k_ = ordered(unscaled(g_.input(product, 1)), true);
        v_order_ = ordered(v_, false);
        if (!same_leading_axes(g_.input(product, 0), g_.input(product, 1), v_) || !masks_fit(g_.value(scores).type.shape)) return false;
        layers_ = layers_of(g_, {product, softmax_, last_});
        return rank(scores) == 3 ? replace_single_heads() : replace_heads();
    }

private:
    int rank(ValueId v) const { return static_cast<int>(g_.value(v).type.shape.size()); }

    // The softmax is over the last axis and what a single product reads, but for NaNs made zeros.
    bool find_result() {
        ValueId p = g_.output(softmax_);
        if (g_.node(softmax_).attributes.has("tail")) return false;
        if (checked_axis(g_.node(softmax_).attributes.integer("axis", -1), rank(p)) != rank(p) - 1) return false;
        if (const auto& users = g_.value(p).users; users.size() == 2 && !g_.is_output(p)) {
            const NodeId test = g_.is(users[0], "IsNaN") ? users[0] : users[1], where = g_.is(users[0], "IsNaN") ? users[1] : users[0];
            if (!g_.is(test, "IsNaN") || !g_.is(where, "Where") || g_.only_user(g_.output(test)) != where) return false;
            if (g_.input(where, 0) != g_.output(test) || number(g_, g_.input(where, 1)) != 0.0 || g_.input(where, 2) != p) return false;
            if (g_.value(g_.output(where)).type != g_.value(p).type) return false;
            p = g_.output(where);
        }
        last_ = g_.only_user(p);
        if (!is_plain(g_, last_, "MatMul") || g_.input(last_, 0) != p || g_.input(last_, 1) == p) return false;
        v_ = g_.input(last_, 1);
        scores_ = g_.input(softmax_, 0);
        return is_float(g_.value(p).type.dtype);
    }

    // Whether the value is a product, but for scales and masks.
    bool leads_to_product(ValueId v) const {
        for (int steps = 0; steps < 8; ++steps) {
            const NodeId p = g_.producer(v);
            if (is_plain(g_, p, "MatMul")) return true;
            if ((g_.is(p, "Mul") || g_.is(p, "Div") || g_.is(p, "Add")) && !g_.node(p).attributes.has("tail")) {
                const bool second = g_.producer(g_.input(p, 0)) == NodeId::none || (!g_.is(p, "Div") && number(g_, g_.input(p, 0)));
                v = g_.input(p, second ? 1 : 0);
            } else if (g_.is(p, "Where")) {
                v = g_.input(p, number(g_, g_.input(p, 1)) ? 2 : 1);
            } else {
                return false;
            }
        }
        return false;
    }

    struct Mask {
        ValueId of = ValueId::none;
        bool hides = false;   // bool: true where a key is hidden
        bool shows = false;   // bool: true where it is seen
        double fill = 0;      // of a bool one: what the hidden scores are
    };

    // Takes what is added to the scores, or put in their place.
    bool find_masks() {
        for (int steps = 0; steps < 4; ++steps) {
            const NodeId p = g_.producer(scores_);
            if (g_.only_user(scores_) == NodeId::none) return false;
            if (is_plain(g_, p, "Add")) {
                const std::size_t scores = leads_to_product(g_.input(p, 0)) ? 0 : 1;
                masks_.push_back({.of = g_.input(p, 1 - scores)});
                scores_ = g_.input(p, scores);
            } else if (g_.is(p, "Where")) {
                const std::size_t fill = number(g_, g_.input(p, 1)) ? 1 : 2;
                const auto value = number(g_, g_.input(p, fill));
                if (!value || !(*value <= swallows_scores)) return false;
                masks_.push_back({.of = g_.input(p, 0), .hides = fill == 1, .shows = fill == 2, .fill = *value});
                scores_ = g_.input(p, 3 - fill);
            } else {
                return true;
            }
        }
        return false;
    }

    // Numbers that multiply the value go into the scale.
    ValueId unscaled(ValueId v) {
        while (true) {
            const NodeId p = g_.producer(v);
            if (p == NodeId::none || g_.node(p).attributes.has("tail") || g_.only_user(v) == NodeId::none) return v;
            ValueId x = ValueId::none;
            std::optional<double> factor;
            if (g_.is(p, "Mul")) {
                const std::size_t constant = g_.constant(p, 0) ? 0 : 1;
                factor = number(g_, g_.input(p, constant));
                x = g_.input(p, 1 - constant);
            } else if (g_.is(p, "Div")) {
                factor = number(g_, g_.input(p, 1));
                if (factor) *factor = 1 / *factor;
                x = g_.input(p, 0);
            }
            if (!factor || !std::isfinite(*factor) || *factor <= 0 || g_.value(x).type != g_.value(v).type) return v;
            scale_ *= *factor;
            v = x;
        }
    }

    // Transposes on the way are taken along, and scales, if it `scales` the scores.
    Ordered ordered(ValueId v, bool scales) {
        Dims order;
        for (int i = 0; i < rank(v); ++i) order.push_back(i);
        while (g_.is(g_.producer(v), "Transpose")) {
            const Dims inner = transpose_order(g_, g_.producer(v));
            for (std::int64_t& k : order) k = inner[static_cast<int>(k)];
            v = g_.input(g_.producer(v), 0);
            if (scales) v = unscaled(v);
        }
        return {v, order};
    }

    // Nothing is broadcast; and queries and keys have the extents that they seem to have.
    bool same_leading_axes(ValueId q, ValueId k, ValueId v) const {
        const Shape &a = g_.value(q).type.shape, &b = g_.value(k).type.shape, &c = g_.value(v).type.shape;
        const std::size_t r = a.size();
        for (std::size_t i = 0; i + 2 < r; ++i)
            if (a[i] != b[i] || a[i] != c[i]) return false;
        return a[r - 1] == b[r - 2] && b[r - 1] == c[r - 2];
    }

    // The operator does not broadcast the last axis of a mask.
    bool masks_fit(const Shape& scores) const {
        return std::ranges::all_of(masks_, [&](const Mask& m) {
            const Shape& s = g_.value(m.of).type.shape;
            return !s.empty() && s.size() <= scores.size() && s.back() == scores.back() && broadcast(scores, s) == scores;
        });
    }

    ValueId emit_here(std::string_view op, std::vector<ValueId> inputs, std::string_view name, Attributes attributes = {}) {
        return emit(g_, {.op = std::string(op), .inputs = std::move(inputs), .outputs = {}, .attributes = std::move(attributes), .layers = layers_}, name, last_);
    }

    // One mask of all: bool where it is the only one and hidden scores were -inf, else what is to be added.
    ValueId mask() {
        const std::string name = g_.value(g_.output(softmax_)).name + "_mask";
        const DType dtype = g_.value(g_.output(softmax_)).type.dtype;
        if (masks_.size() == 1 && (masks_[0].hides || masks_[0].shows) && std::isinf(masks_[0].fill))
            return masks_[0].shows ? masks_[0].of : emit_here("Not", {masks_[0].of}, name);
        ValueId all = ValueId::none;
        for (const Mask& m : masks_) {
            ValueId one = m.of;
            if (m.hides || m.shows) {
                const ValueId fill = g_.add_constant(name + "_fill", Tensor::scalar(dtype, m.fill)), zero = g_.add_constant(name + "_zero", Tensor::scalar(dtype, 0));
                one = emit_here("Where", {m.of, m.shows ? zero : fill, m.shows ? fill : zero}, name);
            }
            all = all == ValueId::none ? one : emit_here("Add", {all, one}, name);
        }
        return all;
    }

    // A mask of three axes has batch first where every product is a head of its own.
    ValueId mask_of_single_heads() {
        const ValueId m = mask();
        if (rank(m) < 3) return m;
        const std::string name = g_.value(m).name + "_of_heads";
        return emit_here("Unsqueeze", {m, add_ints(g_, name + "_axis", std::vector<std::int64_t>{1})}, name);
    }

    ValueId reshaped(ValueId v, const Shape& to, std::string_view name) {
        if (g_.value(v).type.shape == to) return v;
        const auto target = reshape_target(g_.value(v).type.shape, to);
        return target ? emit_here("Reshape", {v, add_ints(g_, std::string(name) + "_shape", *target)}, name) : ValueId::none;
    }

    ValueId transposed_to(const Ordered& v, const Dims& order, std::string_view name) {
        Dims perm;
        for (std::int64_t k : order) perm.push_back(v.order[static_cast<int>(k)]);
        if (std::ranges::is_sorted(perm)) return v.of;
        return emit(g_, transpose_node(v.of, perm, layers_), name, last_);
    }

    bool put(ValueId old, ValueId by) {
        if (by == ValueId::none || g_.value(by).type != g_.value(old).type) return false;
        supersede(g_, old, by);
        return true;
    }

    ValueId attend(std::vector<ValueId> inputs, std::int64_t heads, ValueId y) {
        for (ValueId v : inputs)
            if (v == ValueId::none) return v;
        if (!masks_.empty()) inputs.push_back(heads == 1 && rank(g_.output(softmax_)) == 3 ? mask_of_single_heads() : mask());
        Attributes a{{"scale", static_cast<float>(scale_)}};
        if (heads > 0) a.set("kv_num_heads", heads), a.set("q_num_heads", heads);
        const std::string name = g_.value(y).name;
        return emit(g_, {.op = "Attention", .inputs = std::move(inputs), .outputs = {}, .attributes = std::move(a), .name = g_.node(softmax_).name, .layers = layers_},
                    name + "_packed", last_);
    }

    bool replace_single_heads() {
        const ValueId y = g_.output(last_);
        const std::string name = g_.value(y).name;
        return put(y, attend({transposed_to(q_, {0, 1, 2}, name + "_q"), transposed_to(k_, {0, 2, 1}, name + "_k"), transposed_to(v_order_, {0, 1, 2}, name + "_v")}, 1, y));
    }

    // [B, S, H, D] as [B, S, H*D]: as it was before it got four axes, if it was so, without a scale.
    ValueId three_axes(ValueId v, bool scales, std::string_view name) {
        const Shape& s = g_.value(v).type.shape;
        const Shape to{s[0], s[1], s[2] * s[3]};
        if (const NodeId p = g_.producer(v); g_.is(p, "Reshape") && g_.value(g_.input(p, 0)).type.shape == to)
            return scales ? unscaled(g_.input(p, 0)) : g_.input(p, 0);
        return reshaped(v, to, name);
    }

    bool replace_heads() {
        ValueId y = g_.output(last_);
        const std::string name = g_.value(y).name;
        const Dims key_order{0, 2, 3, 1};
        const NodeId back = g_.only_user(y);
        const Shape& shape = g_.value(v_order_.of).type.shape;
        const bool in_place = q_.order == heads_first && k_.order == key_order && v_order_.order == heads_first && g_.is(back, "Transpose") &&
                              transpose_order(g_, back) == heads_first;
        if (const auto heads = shape[2].constant(); in_place && heads && *heads > 0 && shape[3].is_constant() && g_.value(q_.of).type.shape[3].is_constant()) {
            y = g_.output(back);
            const Type type = g_.value(y).type;
            last_ = back;
            const ValueId q = three_axes(q_.of, true, name + "_q"), k = three_axes(k_.of, true, name + "_k"), v = three_axes(v_order_.of, false, name + "_v");
            const ValueId together = attend({q, k, v}, *heads, y);
            return put(y, together == ValueId::none ? together : reshaped(together, type.shape, name));
        }
        return put(y, attend({transposed_to(q_, as_is, name + "_q"), transposed_to(k_, {0, 1, 3, 2}, name + "_k"), transposed_to(v_order_, as_is, name + "_v")}, 0, y));
    }

    Graph& g_;
    NodeId softmax_, last_ = NodeId::none;
    ValueId scores_ = ValueId::none, v_ = ValueId::none;
    Ordered q_, k_, v_order_;
    std::vector<Mask> masks_;
    std::vector<std::string> layers_;
    double scale_ = 1;
};

bool rewrite(Graph& g, NodeId id) { return g.is(id, "Softmax") && Match(g, id).rewrite(); }

}  // namespace

int recognize_attention(Graph& g, int limit) { return rewrite_each(g, limit, rewrite); }

}  // namespace tercet
