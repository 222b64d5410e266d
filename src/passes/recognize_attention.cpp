// SPDX-License-Identifier: Apache-2.0
// Scaled dot-product attention written out becomes one Attention:
//     MatMul(Softmax(MatMul(q, Transpose(k)) * scale + mask), v)
// The scale may stand at q, k or their product, as Mul or Div by a number; masks are added or chosen by Where; a Where that makes
// rows without a key 0 is part of it. Where q, k and v are moved from [B,S,H*D] to their heads and the result is moved back, the
// moves go: Attention reads and writes [B,S,H*D] itself. A constant mask that hides all later keys becomes `is_causal`.
#include "passes/head_axes.h"
#include "passes/passes.h"
#include "passes/rewrite.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace tercet {
namespace {

const Shape& shape_of(const Graph& g, ValueId v) { return g.value(v).type.shape; }

// A score that is at most this has a weight of 0 beside one of any size that occurs.
constexpr double hidden = -1e4;

struct Mask {
    ValueId value;
    Shape scores;           // the shape of what it is joined to
    bool boolean = false;   // else it is added
    bool inverted = false;  // true: hidden
    double fill = 0;        // finite: what hidden scores become
};

struct Scores {
    NodeId product = NodeId::none;
    double scale = 1;
    std::vector<Mask> masks;  // the last one is applied first
};

bool is_plain(const Graph& g, NodeId id, std::string_view op) { return g.is(id, op) && !g.node(id).attributes.has("tail"); }

// A mask that Attention reads without another meaning: one element for every key, broadcast over the rest.
bool fits_scores(const Graph& g, ValueId mask, const Shape& scores) {
    const Shape& m = shape_of(g, mask);
    if (m.empty() || m.size() > scores.size() || m.back() != scores.back()) return false;
    for (std::size_t i = 0; i < m.size(); ++i)
        if (m[i] != Dim(1) && m[i] != scores[scores.size() - m.size() + i]) return false;
    return true;
}

std::optional<Mask> mask_of_where(const Graph& g, NodeId id, std::size_t kept, const Shape& scores) {
    const Tensor* fill = g.constant(id, 3 - kept);
    if (!fill || fill->count() != 1) return std::nullopt;
    const double f = fill->get(0);
    if (!(f <= -1e30)) return std::nullopt;  // a row without a key would see its scores
    return Mask{.value = g.input(id, 0), .scores = scores, .boolean = true, .inverted = kept == 2, .fill = std::isinf(f) ? 0 : f};
}

// How the scores v, which `reader` alone reads, come from a product.
std::optional<Scores> scores_of(const Graph& g, ValueId v, int depth = 0) {
    const NodeId id = g.producer(v);
    if (id == NodeId::none || g.uses(v) != 1 || g.node(id).attributes.has("tail") || depth > 16) return std::nullopt;
    const Shape shape = shape_of(g, v);
    if (g.is(id, "MatMul")) return Scores{.product = id};
    if (g.is(id, "Reshape") || g.is(id, "Unsqueeze") || g.is(id, "Squeeze")) {
        const Shape& from = shape_of(g, g.input(id, 0));
        if (from.size() < 3 || shape.size() < 3 || !std::equal(from.end() - 2, from.end(), shape.end() - 2)) return std::nullopt;
        return scores_of(g, g.input(id, 0), depth + 1);
    }
    ValueId x = ValueId::none;
    if (const auto factor = factor_of(g, id, x)) {
        auto s = shape_of(g, x) == shape ? scores_of(g, x, depth + 1) : std::nullopt;
        if (!s || !s->masks.empty()) return std::nullopt;
        s->scale *= *factor;
        return s;
    }
    for (std::size_t i = 0; i < g.node(id).inputs.size(); ++i) {
        const ValueId from = g.input(id, i);
        std::optional<Mask> mask;
        if (g.is(id, "Add")) mask = Mask{.value = g.input(id, 1 - i), .scores = shape};
        else if (g.is(id, "Where") && i > 0) mask = mask_of_where(g, id, i, shape);
        if (!mask || shape_of(g, from) != shape || !fits_scores(g, mask->value, shape)) continue;
        auto s = scores_of(g, from, depth + 1);
        if (!s) continue;
        s->masks.push_back(*mask);
        return s;
    }
    return std::nullopt;
}

// One constant mask that hides exactly the keys behind each query.
bool is_causal(const Graph& g, const std::vector<Mask>& masks) {
    if (masks.size() != 1) return false;
    const Tensor* t = g.constant(masks[0].value);
    if (!t || t->shape().size() < 2 || t->count() == 0) return false;
    const std::int64_t keys = t->shape().back(), queries = t->shape()[t->shape().size() - 2];
    if (shape_of(g, masks[0].value)[t->shape().size() - 2UL] != masks[0].scores[masks[0].scores.size() - 2]) return false;
    for (std::int64_t i = 0; i < t->count(); ++i) {
        const double m = t->get(i);
        const bool sees = masks[0].boolean ? (m != 0) != masks[0].inverted : m == 0;
        if (sees != (i % keys <= i / keys % queries) || (!sees && !masks[0].boolean && !(m <= hidden))) return false;
    }
    return true;
}

bool has_order(const Waypoint& p, std::initializer_list<Role> roles) {
    std::size_t next = 0;
    for (const Factor& f : factors_of(p.axes)) {
        if (f.role == Role::part) continue;
        while (next < roles.size() && roles.begin()[next] != f.role) ++next;
        if (next++ >= roles.size()) return false;
    }
    return true;
}

// Where there is a part, it is chosen along the outermost factor of the last axis.
bool can_be_cut(const Waypoint& p) {
    int parts = 0;
    for (const Factor& f : factors_of(p.axes)) parts += f.role == Role::part;
    return parts == 0 || (parts == 1 && !p.axes.back().empty() && p.axes.back()[0].role == Role::part);
}

using Roles = std::initializer_list<Role>;
constexpr Roles by_token{Role::batch, Role::row, Role::head, Role::column}, by_sequence{Role::row, Role::batch, Role::head, Role::column},
    all_heads{Role::row, Role::batch_and_head, Role::column}, by_head{Role::batch, Role::head, Role::row, Role::column}, one_head{Role::batch_and_head, Role::row, Role::column};

// The point in that order: the first one with `rank` axes, of which the last joins heads where there are 3; else the last point.
const Waypoint* find(const std::vector<Waypoint>& points, Roles order, std::size_t rank = 3) {
    const Waypoint* found = nullptr;
    for (const Waypoint& p : points) {
        if (!has_order(p, order) || !can_be_cut(p)) continue;
        found = &p;
        const auto is_heads = [](const Factor& f) { return f.role == Role::head || f.role == Role::batch_and_head; };
        if (p.axes.size() == rank && (rank != 3 || std::ranges::none_of(p.axes[1], is_heads))) break;
    }
    while (found && found != &points.back() && (found + 1)->scale != found->scale) ++found;  // nothing but a factor
    return found;
}

class Builder {
public:
    Builder(Graph& g, NodeId before, std::vector<std::string> layers) : g_(g), before_(before), layers_(std::move(layers)) {}

    // False: something could not be expressed; nothing that was made is kept.
    bool failed() const { return failed_; }
    void undo() {
        for (auto id = made_.rbegin(); id != made_.rend(); ++id) g_.remove(*id);
    }
    ValueId make(Node node, std::string_view name) {
        node.layers = layers_;
        const ValueId v = emit(g_, std::move(node), name, before_);
        made_.push_back(g_.producer(v));
        return v;
    }
    ValueId shaped(ValueId v, const Shape& to) {
        if (failed_ || shape_of(g_, v) == to) return v;
        const auto target = reshape_target(shape_of(g_, v), to);
        if (!target) {
            failed_ = true;
            return v;
        }
        const std::string name = g_.value(v).name;
        const ValueId y = make({.op = "Reshape", .inputs = {v, add_ints(g_, name + "_shape", *target)}, .outputs = {}}, name + "_view");
        failed_ = shape_of(g_, y) != to;
        return y;
    }
    ValueId moved(ValueId v, const Dims& order) {
        if (failed_) return v;
        return make(transpose_node(v, order, {}), g_.value(v).name + "_moved");
    }
    // The part that is meant of the last axis.
    ValueId cut(const Waypoint& p) {
        if (factors_of(p.axes).size() == 0 || p.axes.back().empty() || p.axes.back()[0].role != Role::part) return p.value;
        Dim rest = 1;
        for (std::size_t i = 1; i < p.axes.back().size(); ++i) rest = rest * p.axes.back()[i].extent;
        const auto length = rest.constant();
        if (!length) {
            failed_ = true;
            return p.value;
        }
        const auto list = [&](std::int64_t n) { return add_ints(g_, "cut", std::array{n}); };
        return make({.op = "Slice", .inputs = {p.value, list(p.part * *length), list((p.part + 1) * *length), list(-1)}, .outputs = {}}, g_.value(p.value).name + "_part");
    }

private:
    Graph& g_;
    NodeId before_;
    std::vector<std::string> layers_;
    std::vector<NodeId> made_;
    bool failed_ = false;
};

// The forms in which Attention can be had, the cheaper ones first.
enum class Form {
    by_token,     // [B,S,H*D]
    all_heads,    // [1,S,B*H*D]: tokens outermost, all heads of the batch as heads of one
    by_sequence,  // [S,B,H*D], moved to [B,S,H*D]
    by_head,      // [B,H,S,D]
    single_head,  // [B,S,D]
};

// Queries, keys or values in one of these forms.
struct Taken {
    ValueId value;
    Dim heads;
    double scale;
};

std::optional<Taken> take(Builder& b, const std::vector<Waypoint>& points, Form form, const Shape& operand, bool transposed) {
    const Waypoint* p = nullptr;
    bool swap = false;
    switch (form) {
        case Form::by_token: p = find(points, by_token); break;
        case Form::all_heads: p = find(points, all_heads); break;
        case Form::by_sequence:
            p = find(points, by_token);
            swap = p == nullptr;
            if (swap) p = find(points, by_sequence);
            break;
        case Form::by_head: p = find(points, by_head, 4); break;
        case Form::single_head: p = find(points, one_head); break;
    }
    if (!p) {  // the operand itself; keys still have to be transposed
        if (operand.size() != (form == Form::by_head ? 4 : form == Form::single_head ? 3 : 0)) return std::nullopt;
        p = &points[0];
    }
    const Dim batch = extent_of(p->axes, Role::batch), rows = extent_of(p->axes, Role::row), columns = extent_of(p->axes, Role::column);
    const Dim heads = extent_of(p->axes, form == Form::all_heads || form == Form::single_head ? Role::batch_and_head : Role::head);
    ValueId v = b.cut(*p);
    if (form == Form::by_head || form == Form::single_head) {
        const bool one = form == Form::single_head;
        if (transposed && p == &points[0]) v = b.moved(v, one ? Dims{0, 2, 1} : Dims{0, 1, 3, 2});
        else v = b.shaped(v, one ? Shape{heads, rows, columns} : Shape{batch, heads, rows, columns});
        return Taken{v, one ? Dim(1) : heads, p->scale};
    }
    if (form == Form::all_heads) v = b.shaped(v, {1, rows, heads * columns});
    else if (swap) v = b.moved(b.shaped(v, {rows, batch, heads * columns}), {1, 0, 2});
    else v = b.shaped(v, {batch, rows, heads * columns});
    return Taken{v, heads, p->scale};
}

class Recognition {
public:
    Recognition(Graph& g, NodeId softmax) : g_(g), softmax_(softmax) {}

    bool run() {
        if (!match()) return false;
        for (Form form : {Form::by_token, Form::all_heads, Form::by_sequence, Form::by_head, Form::single_head})
            if (build(form)) return true;
        return false;
    }

private:
    // The product of weights and values, behind a Where that makes what is no number 0.
    NodeId weighted_sum() const {
        const ValueId p = g_.output(softmax_);
        NodeId user = g_.only_user(p);
        ValueId weights = p;
        if (g_.uses(p) == 2 && user == NodeId::none)
            for (NodeId u : g_.value(p).users)
                if (is_plain(g_, u, "Where") && g_.input(u, 2) == p && g_.is(g_.producer(g_.input(u, 0)), "IsNaN") && g_.input(g_.producer(g_.input(u, 0)), 0) == p)
                    if (const Tensor* zero = g_.constant(u, 1); zero && zero->count() == 1 && zero->get(0) == 0) weights = g_.output(u), user = g_.only_user(weights);
        return is_plain(g_, user, "MatMul") && g_.input(user, 0) == weights && g_.input(user, 1) != weights ? user : NodeId::none;
    }

    bool match() {
        const ValueId s = g_.input(softmax_, 0);
        const Shape& shape = shape_of(g_, s);
        const auto rank = static_cast<int>(shape.size());
        if (!is_plain(g_, softmax_, "Softmax") || !is_float(g_.value(s).type.dtype) || rank < 3 || rank > 4) return false;
        if (checked_axis(g_.node(softmax_).attributes.integer("axis", -1), rank) != rank - 1) return false;
        sum_ = weighted_sum();
        auto scores = sum_ == NodeId::none ? std::nullopt : scores_of(g_, s);
        if (!scores) return false;
        scores_ = std::move(*scores);
        q_ = shape_of(g_, g_.input(scores_.product, 0));
        k_ = shape_of(g_, g_.input(scores_.product, 1));
        v_ = shape_of(g_, g_.input(sum_, 1));
        if ((q_.size() != 3 && q_.size() != 4) || k_.size() != q_.size() || v_.size() != q_.size()) return false;
        const Shape& y = shape_of(g_, g_.output(sum_));
        if (y.size() != q_.size()) return false;
        for (std::size_t i = 0; i + 2 < q_.size(); ++i)
            if (k_[i] != q_[i] || v_[i] != q_[i]) return false;
        for (const Shape* x : {&q_, &k_, &v_})
            if (std::ranges::any_of(*x, [](const Dim& d) { return d == Dim(0); })) return false;
        using enum Role;
        const bool four = q_.size() == 4;
        const auto start = [&](NodeId product, std::size_t input, Role outer, Role inner) {
            const ValueId v = g_.input(product, input);
            return Waypoint{v, four ? axes_of(shape_of(g_, v), {batch, head, outer, inner}) : axes_of(shape_of(g_, v), {batch_and_head, outer, inner})};
        };
        queries_ = sources(g_, start(scores_.product, 0, row, column), true);
        keys_ = sources(g_, start(scores_.product, 1, column, row), true);
        values_ = sources(g_, start(sum_, 1, row, column), false);
        return true;
    }

    // One mask over [batch, heads, queries, keys]; none if there is none. Empty: they cannot be joined.
    std::optional<ValueId> mask(Builder& b, const Shape& to) const {
        ValueId joined = ValueId::none;
        bool boolean = false;
        const Dim together = to[0] * to[1];
        for (const Mask& m : scores_.masks) {
            ValueId v = m.value;
            bool is_boolean = m.boolean;
            const Shape shape = shape_of(g_, v);
            if (m.inverted) v = b.make({.op = "Not", .inputs = {v}, .outputs = {}}, g_.value(v).name + "_seen");
            if (m.boolean && m.fill != 0) {
                const DType type = g_.value(g_.output(softmax_)).type.dtype;
                const ValueId zero = g_.add_constant("seen", Tensor::scalar(type, 0)), fill = g_.add_constant("hidden", Tensor::scalar(type, m.fill));
                v = b.make({.op = "Where", .inputs = {v, zero, fill}, .outputs = {}}, g_.value(v).name + "_added");
                is_boolean = false;
            }
            // Shapes are those of the scores where the mask is applied: [B,H,S,T] or [B*H,S,T].
            if (m.scores.size() == 3 && shape.size() == 3 && shape[0] != Dim(1)) {
                if (shape[0] != together) return std::nullopt;
                if (to[1] == Dim(1)) v = b.make({.op = "Unsqueeze", .inputs = {v, add_ints(g_, "heads", std::array<std::int64_t, 1>{1})}, .outputs = {}}, g_.value(v).name + "_of_head");
                else v = b.shaped(v, {to[0], to[1], shape[1], shape[2]});
            } else if (m.scores.size() == 4 && shape.size() >= 3) {
                const Dim heads = shape[shape.size() - 3], batch = shape.size() == 4 ? shape[0] : Dim(1);
                const bool as_they_are = (heads == Dim(1) || heads == to[1]) && (batch == Dim(1) || batch == to[0]) && m.scores[1] == to[1] && m.scores[0] == to[0];
                if (!as_they_are && !(heads == Dim(1) && batch == Dim(1))) {
                    if (heads * batch != together) return std::nullopt;
                    v = b.shaped(v, {to[0], to[1], shape[shape.size() - 2], shape.back()});
                }
            } else if (m.scores.size() > 4) {
                return std::nullopt;
            }
            if (joined == ValueId::none) {
                joined = v;
                boolean = is_boolean;
            } else if (!boolean && !is_boolean) {
                joined = b.make({.op = "Add", .inputs = {joined, v}, .outputs = {}}, g_.value(joined).name + "_joined");
            } else if (boolean && is_boolean) {
                joined = b.make({.op = "And", .inputs = {joined, v}, .outputs = {}}, g_.value(joined).name + "_joined");
            } else {
                return std::nullopt;
            }
        }
        return joined;
    }

    bool build(Form form) {
        Builder b(g_, sum_, layers_of(g_, {scores_.product, softmax_, sum_}));
        if (const auto done = attention(b, form); done && !b.failed()) {
            supersede(g_, done->first, done->second);
            return true;
        }
        b.undo();
        return false;
    }

    // The value that is replaced, and what takes its place.
    std::optional<std::pair<ValueId, ValueId>> attention(Builder& b, Form form) {
        const auto q = take(b, queries_, form, q_, false), k = q ? take(b, keys_, form, k_, true) : std::nullopt, v = k ? take(b, values_, form, v_, false) : std::nullopt;
        if (!v || b.failed()) return std::nullopt;
        const bool flat = form != Form::by_head;
        const auto q_heads = q->heads.constant(), k_heads = k->heads.constant();
        if (flat && (!q_heads || !k_heads || q->heads.constant().value() % *k_heads != 0)) return std::nullopt;
        if (k->heads != v->heads || (!flat && k->heads != q->heads)) return std::nullopt;
        const Shape &qs = shape_of(g_, q->value), &ks = shape_of(g_, k->value), &vs = shape_of(g_, v->value);
        if (qs[0] != ks[0] || qs[0] != vs[0]) return std::nullopt;
        const Dim batch = qs[0], queries = q_[q_.size() - 2], columns = v_.back(), heads = q->heads;
        Node node{.op = "Attention", .inputs = {q->value, k->value, v->value}, .outputs = {}};
        if (is_causal(g_, scores_.masks)) {
            node.attributes.set("is_causal", std::int64_t{1});
        } else {
            const auto m = mask(b, {batch, heads, queries, v_[v_.size() - 2]});
            if (!m || b.failed()) return std::nullopt;
            if (*m != ValueId::none) node.inputs.push_back(*m);
        }
        if (flat) {
            node.attributes.set("kv_num_heads", *k_heads);
            node.attributes.set("q_num_heads", *q_heads);
        }
        const auto scale = static_cast<float>(scores_.scale * q->scale * k->scale);
        if (!(scale > 0) || !std::isfinite(scale)) return std::nullopt;  // whose root the operator may take
        node.attributes.set("scale", scale);
        const ValueId old = g_.output(sum_);
        ValueId y = b.make(std::move(node), g_.value(old).name);
        if (!flat || form == Form::single_head) return g_.value(y).type == g_.value(old).type ? std::optional(std::pair{old, y}) : std::nullopt;
        return moved_back(b, form, y, batch, heads, queries, columns);
    }

    // The result in the form that the graph reads, as far down as moves are all that happens to it.
    std::optional<std::pair<ValueId, ValueId>> moved_back(Builder& b, Form form, ValueId y, const Dim& batch, const Dim& heads, const Dim& queries, const Dim& columns) {
        const ValueId old = g_.output(sum_);
        const Shape by_heads{batch, heads, queries, columns};
        Waypoint start{old, axes_of(by_heads, {Role::batch, form == Form::all_heads ? Role::batch_and_head : Role::head, Role::row, Role::column})};
        auto axes = regrouped(start.axes, shape_of(g_, old));
        if (!axes) return std::nullopt;
        start.axes = std::move(*axes);
        const std::vector<Waypoint> points = results(g_, start);
        const Roles straight = form == Form::all_heads ? all_heads : by_token;
        const Waypoint* p = find(points, straight);
        if (!p && form != Form::all_heads) {
            p = find(points, by_sequence);
            if (p) y = b.moved(y, {1, 0, 2});
        }
        if (!p) {
            p = &points[0];
            y = b.moved(b.shaped(y, {batch, queries, heads, columns}), {0, 2, 1, 3});
        }
        y = b.shaped(y, shape_of(g_, p->value));
        return std::pair{p->value, y};
    }

    Graph& g_;
    NodeId softmax_, sum_ = NodeId::none;
    Scores scores_;
    Shape q_, k_, v_;  // of the products' operands
    std::vector<Waypoint> queries_, keys_, values_;
};

}  // namespace

int recognize_attention(Graph& g, int limit) {
    return rewrite_each(g, limit, [](Graph& graph, NodeId id) { return graph.is(id, "Softmax") && Recognition(graph, id).run(); });
}

}  // namespace tercet
