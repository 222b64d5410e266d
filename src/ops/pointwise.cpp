// SPDX-License-Identifier: Apache-2.0
// Operators as expressions; and the operator Pointwise<expr>(x0, x1, ...), a fused chain: y[i] = expr(x0[i], x1[i], ...),
// inputs broadcast together, every step rounded to their type.
#include "ops/pointwise.h"

#include "ops/pointwise_table.h"

#include <fmt/format.h>

#include <cmath>
#include <numbers>

namespace tercet {
namespace {

Expr call(std::string_view function, std::initializer_list<Expr> args) {
    return Expr::apply(function, std::span(args.begin(), args.size()));
}

Expr fold(std::string_view function, std::size_t inputs) {
    Expr e = Expr::input(0);
    for (std::size_t i = 1; i < inputs; ++i) e = call(function, {e, Expr::input(static_cast<int>(i))});
    return e;
}

// An input that is given as a number where it is one, known element.
Expr number_or_input(std::span<const Tensor* const> constants, std::size_t i) {
    const Tensor* c = i < constants.size() ? constants[i] : nullptr;
    if (c && c->count() == 1 && computes(c->dtype())) return Expr::constant(c->get(0));
    return Expr::input(static_cast<int>(i));
}

Expr clip(const Node& node, std::span<const Tensor* const> constants) {
    const auto limit = [&](std::size_t i, double missing) {
        return i < node.inputs.size() && node.inputs[i] != ValueId::none ? number_or_input(constants, i) : Expr::constant(missing);
    };
    return call("clip", {Expr::input(0), limit(1, -HUGE_VAL), limit(2, HUGE_VAL)});
}

Expr gelu_tanh() {
    const Expr x = Expr::input(0);
    const Expr cubic = call("mul", {Expr::constant(0.044715), call("mul", {x, call("mul", {x, x})})});
    const Expr t = call("tanh", {call("mul", {Expr::constant(std::numbers::inv_sqrtpi * std::numbers::sqrt2), call("add", {x, cubic})})});
    return call("mul", {call("mul", {Expr::constant(0.5), x}), call("add", {Expr::constant(1), t})});
}

Expr pow(std::span<const Tensor* const> constants) {
    const Expr x = Expr::input(0), exponent = number_or_input(constants, 1);
    if (exponent == Expr::constant(2)) return call("mul", {x, x});
    return call("pow", {x, exponent});
}

void infer(Inference& c) {
    check_dtype(c, 0, is_float);
    const Expr e = Expr::parse(c.attributes().text("expr", ""));
    if (static_cast<std::size_t>(e.arity()) > c.in.size())
        throw Error({.what = fmt::format("the expression '{}' reads {} inputs, has {}", e.text(), e.arity(), c.in.size())});
    set_broadcast(c, common_dtype(c));
}

void reference(const Call& c) {
    for (const View& x : c.in) checked_broadcast(x, c.out[0].shape, "an input does not broadcast to the shape of the output");
    Expr::parse(c.attributes().text("expr", "")).evaluate(c.in, c.out[0], c.attributes().has("stored"));
}

const RegisteredOp pointwise{{.name = "Pointwise", .domain = "tercet", .versions = {{1}}, .inputs = {1, Expr::max_inputs},
                              .attributes = {{"expr", AttributeKind::text, true}}, .infer = infer, .reference = reference, .stores = true}};

}  // namespace

std::optional<Expr> expr_of(const Node& node, std::span<const Tensor* const> constants) {
    const std::size_t inputs = node.inputs.size();
    if (node.attributes.has("tail") || inputs == 0 || inputs > static_cast<std::size_t>(Expr::max_inputs)) return std::nullopt;
    if (node.op == "Pointwise" && node.domain == "tercet") return Expr::parse(node.attributes.text("expr", ""));
    if (!node.domain.empty()) return std::nullopt;
    if (node.op == "Clip") return clip(node, constants);
    if (node.op == "Gelu") return node.attributes.text("approximate", "none") == "tanh" ? gelu_tanh() : call("gelu", {Expr::input(0)});
    if (node.op == "Mean" && inputs == 1) return Expr::input(0);
    if (node.op == "Mean") return call("div", {fold("add", inputs), Expr::constant(static_cast<double>(inputs))});
    if (node.op == "Pow") return pow(constants);
    if (node.op == "Swish") {
        const Expr x = Expr::input(0), alpha = Expr::constant(decimal(node.attributes.real("alpha", 1)));
        return call("mul", {x, call("sigmoid", {alpha == Expr::constant(1) ? x : call("mul", {alpha, x})})});
    }
    const PointwiseOp* row = find_pointwise_op(node.op);
    if (!row) return std::nullopt;
    if (row->inputs == unlimited) return fold(row->function, inputs);
    std::array<Expr, 3> args;
    std::size_t n = 0;
    for (int i = 0; i < row->inputs; ++i) args[n++] = Expr::input(i);
    for (const auto& p : row->parameters) args[n++] = Expr::constant(decimal(node.attributes.real(p.attribute, p.missing)));
    return Expr::apply(row->function, std::span(args).first(n));
}

}  // namespace tercet
