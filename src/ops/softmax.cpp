// SPDX-License-Identifier: Apache-2.0
// Along one axis, m = the greatest x:
//     Softmax     y[i] = exp(x[i] - m) / sum over k of exp(x[k] - m)
//     LogSoftmax  y[i] = x[i] - m - log(sum over k of exp(x[k] - m))
//     Hardmax     y[i] = 1 at the first greatest x, 0 elsewhere
#include "ops/elementwise.h"
#include "ops/reduce.h"

#include <cmath>

namespace tercet {
namespace {

enum class Kind { softmax, log_softmax, hardmax };

void infer(Inference& c) {
    check_dtype(c, 0, is_float);
    checked_axis(c.attributes().integer("axis", -1), c.rank(0));
    c.set(0, c.dtype(0), c.shape(0));
}

template <Kind kind>
void reference(const Call& c) {
    AxisSet axes;
    axes.set(static_cast<std::size_t>(checked_axis(c.attributes().integer("axis", -1), c.in[0].rank())));
    const SplitView in(c.in[0], axes), out(c.out[0], axes);
    const std::int64_t n = in.reduced.shape[0];
    for (const Dims& index : indices(in.kept.shape)) {
        const std::int64_t from = in.kept.offset(index), to = out.kept.offset(index);
        const auto x = [&](std::int64_t k) { return in.kept.get_at(from + k * in.reduced.strides[0]); };
        double m = -HUGE_VAL, sum = 0;
        std::int64_t first = 0;
        for (std::int64_t k = 0; k < n; ++k)
            if (const double v = x(k); v > m || std::isnan(v)) m = v, first = k;
        if constexpr (kind != Kind::hardmax)
            for (std::int64_t k = 0; k < n; ++k) sum += std::exp(x(k) - m);
        for (std::int64_t k = 0; k < n; ++k) {
            double y = 0;
            if constexpr (kind == Kind::softmax) y = std::exp(x(k) - m) / sum;
            else if constexpr (kind == Kind::log_softmax) y = x(k) - m - std::log(sum);
            else y = k == first;
            out.kept.set_at(to + k * out.reduced.strides[0], y);
        }
    }
}

// The axis along which an old form over all axes from `axis` on is a new one: the only one among them longer than 1.
std::optional<std::int64_t> single_axis(const Type& x, std::int64_t axis) {
    if (!x) return axis == -1 ? std::optional(axis) : std::nullopt;
    const auto rank = static_cast<int>(x.shape.size());
    std::int64_t found = rank - 1;
    int longer = 0;
    for (int i = checked_axis(axis, rank); i < rank; ++i)
        if (x.shape[static_cast<std::size_t>(i)] != Dim(1)) found = i, ++longer;
    return longer <= 1 ? std::optional(found) : std::nullopt;
}

ValueId insert(Graph& g, std::string_view op, ValueId x, Attributes attributes, std::string_view name, NodeId before) {
    Node node{.op = std::string(op), .inputs = {x}, .outputs = {g.add_value(name)}, .attributes = std::move(attributes), .layers = g.layers(before)};
    const NodeId id = g.insert_before(before, std::move(node));
    if (g.value(g.input(id, 0)).type) infer_types(g, id);  // else the whole graph is still to be inferred
    return g.output(id);
}

// Before operator set 13 it went over all axes from `axis` on (default 1) together: Flatten => f<axis = 1> => Reshape.
void one_axis(Graph& g, NodeId id) {
    const ValueId x = g.input(id, 0);
    const std::int64_t axis = g.node(id).attributes.integer("axis", 1);
    if (const auto single = single_axis(g.value(x).type, axis)) {
        g.attributes(id).set("axis", *single);
        return;
    }
    const std::string op = g.node(id).op, label = g.label(id);
    const ValueId flat = insert(g, "Flatten", x, {{"axis", axis}}, label + "_flat", id);
    const ValueId y = insert(g, op, flat, {{"axis", std::int64_t{1}}}, label + "_rows", id);
    const ValueId shape = insert(g, "Shape", x, {}, label + "_shape", id);
    g.set_op(id, "Reshape");
    g.attributes(id).erase("axis");
    g.set_input(id, 0, y);
    g.set_input(id, 1, shape);
}

template <Kind kind>
OpDef def(std::string_view name) {
    return {.name = name, .versions = {{1}, {11}, {13, one_axis}}, .attributes = {{"axis", AttributeKind::integer}},
            .infer = infer, .reference = reference<kind>};
}

const RegisteredOp softmax{def<Kind::softmax>("Softmax")};
const RegisteredOp log_softmax{def<Kind::log_softmax>("LogSoftmax")};
const RegisteredOp hardmax{def<Kind::hardmax>("Hardmax")};

}  // namespace
}  // namespace tercet
