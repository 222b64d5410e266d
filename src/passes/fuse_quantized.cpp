// SPDX-License-Identifier: Apache-2.0
// Operators between DequantizeLinear and QuantizeLinear work on bytes. Products of quantized values become integer sums, whose
// tail scales them:
//     QuantizeLinear(Conv<tail = "relu(x0)">(DequantizeLinear(x), DequantizeLinear(w), b))
//         =>  QuantizedConv<tail = "relu(mul(x0, x1))", stored = "i8">(x, w, round(b / (sx*sw)), sx*sw/sy)
// with one rounded factor per channel, as onnxruntime's QLinearConv; a tail that is not linear in a common factor (sigmoid) is
// computed on real values and divided by sy behind. Pools and element-wise chains read bytes and store them, as numbers; a
// QuantizeLinear or DequantizeLinear that is left over becomes such a chain. Weights of products that stay in f32 are
// dequantized for good.
#include "ops/expr.h"
#include "ops/op.h"
#include "ops/quantized.h"
#include "passes/passes.h"
#include "passes/quantization.h"
#include "passes/rewrite.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace tercet {
namespace {

Expr call(std::string_view f, std::initializer_list<Expr> args) { return Expr::apply(f, std::span(args.begin(), args.size())); }
Expr number(double v) { return Expr::constant(static_cast<double>(static_cast<float>(v))); }

// What input i of an expression stands for when it is read as bytes, times k.
Expr real_value(const Expr& x, const Quantization& by, double k = 1) {
    const Expr centered = by.zero == 0 ? x : call("sub", {x, number(static_cast<double>(by.zero))});
    return call("mul", {centered, number(static_cast<double>(by.scale) * k)});
}

// k * e, given that x0 is k times what it was and `by` holds the other inputs, k times what they were: empty if e is not linear in
// a common positive factor.
std::optional<Expr> scaled(const Expr& e, std::span<const Expr> by, double k) {
    std::vector<Expr> made;
    const auto code = e.instructions();
    const auto operand = [&](const Expr::Operand& o) {
        return o.kind == Expr::Operand::Kind::input ? by[static_cast<std::size_t>(o.index)]
               : o.kind == Expr::Operand::Kind::instruction ? made[static_cast<std::size_t>(o.index)] : number(o.value * k);
    };
    const auto plain = [](const Expr::Operand& o) { return o.kind == Expr::Operand::Kind::constant; };
    for (const Expr::Instruction& in : code) {
        const std::string_view f = in.function->name;
        const auto& o = in.operands;
        if (f == "relu" || f == "neg" || f == "abs") made.push_back(call(f, {operand(o[0])}));
        else if (f == "add" || f == "sub" || f == "max" || f == "min") made.push_back(call(f, {operand(o[0]), operand(o[1])}));
        else if (f == "clip") made.push_back(call(f, {operand(o[0]), operand(o[1]), operand(o[2])}));
        else if (f == "leaky_relu" && plain(o[1])) made.push_back(call(f, {operand(o[0]), Expr::constant(o[1].value)}));
        else if ((f == "mul" || f == "div") && plain(o[1])) made.push_back(call(f, {operand(o[0]), Expr::constant(o[1].value)}));
        else if (f == "mul" && plain(o[0])) made.push_back(call(f, {Expr::constant(o[0].value), operand(o[1])}));
        else return std::nullopt;
        if (!made.back().fits()) return std::nullopt;
    }
    return operand(e.result());
}

// What an operator stores its result as, and the value that the result takes the place of.
struct Target {
    ValueId value;
    std::optional<Quantization> by;  // empty: f32
    NodeId quantize = NodeId::none;
};

Target target_of(const Graph& g, ValueId y) {
    const NodeId quantize = only_quantize(g, y);
    if (quantize == NodeId::none) return {y, std::nullopt};
    return {g.output(quantize), quantization_of(g, quantize, "QuantizeLinear"), quantize};
}

void store(Attributes& a, const Target& t) {
    a.set("stored", std::string(name_of(t.by ? t.by->dtype : DType::f32)));
    if (t.by && t.by->zero != 0) a.set("stored_zero", t.by->zero);
}

// Puts `node` in the place of `id` and of the QuantizeLinear behind it.
void put(Graph& g, NodeId id, const Target& t, Node node) {
    node.layers = t.quantize == NodeId::none ? g.layers(id) : layers_of(g, {id, t.quantize});
    node.outputs.clear();
    const std::string name = g.value(t.value).name;
    const ValueId by = emit(g, std::move(node), name, t.quantize == NodeId::none ? id : t.quantize);
    supersede(g, t.value, by);
    if (g.is_alive(id) && g.uses(g.output(id)) == 0) g.remove(id);
}

// Inputs of an expression with bytes in place of what is dequantized; `by` says what they stand for, times k.
struct Read {
    std::vector<ValueId> inputs;
    std::vector<std::optional<Quantization>> quantizations;
    bool any = false;

    Read(const Graph& g, std::span<const ValueId> values) {
        for (ValueId v : values) {
            const auto d = v == ValueId::none ? std::nullopt : dequantized(g, v);
            inputs.push_back(d ? d->q : v);
            quantizations.push_back(d ? std::optional(d->by) : std::nullopt);
            any = any || d;
        }
    }
    Expr expr(std::size_t i, int input, double k) const {
        if (quantizations[i]) return real_value(Expr::input(input), *quantizations[i], k);
        return k == 1 ? Expr::input(input) : call("mul", {Expr::input(input), number(k)});
    }
};

// ---- products

// Whether an expression is never below 0, whatever its inputs are (NaN aside: it is stored as 0, and is lost).
bool is_nonnegative(const Expr& e) {
    std::vector<bool> known;
    const auto operand = [&](const Expr::Operand& o) {
        return o.kind == Expr::Operand::Kind::instruction ? known[static_cast<std::size_t>(o.index)] : o.kind == Expr::Operand::Kind::constant && o.value >= 0;
    };
    for (const Expr::Instruction& in : e.instructions()) {
        const std::string_view f = in.function->name;
        const auto a = [&](std::size_t i) { return operand(in.operands[i]); };
        known.push_back(f == "relu" || f == "abs" || f == "sigmoid" || f == "exp" || f == "hard_sigmoid" || f == "sqrt" || (f == "max" && (a(0) || a(1))) || (f == "clip" && a(1)) ||
                        ((f == "add" || f == "mul" || f == "div" || f == "min") && a(0) && a(1)));
    }
    return operand(e.result());
}

// Whether all elements of a value in signed bytes are at least 0: it follows from what computes it.
bool is_nonnegative(const Graph& g, ValueId q) {
    for (int steps = 0; steps < 64; ++steps) {
        const NodeId id = g.producer(q);
        if (id == NodeId::none) return false;
        const Attributes& a = g.node(id).attributes;
        if (a.has("stored")) return a.integer("stored_zero", 0) == 0 && is_nonnegative(Expr::parse(a.has("tail") ? a.text("tail", "") : a.text("expr", "x0")));
        if (const NodeId real = g.is(id, "QuantizeLinear") ? g.producer(g.input(id, 0)) : NodeId::none; real != NodeId::none) {
            const auto by = quantization_of(g, id, "QuantizeLinear");
            const Attributes& r = g.node(real).attributes;
            return by && by->zero == 0 && (r.has("tail") || r.has("expr")) && is_nonnegative(Expr::parse(r.has("tail") ? r.text("tail", "") : r.text("expr", "")));
        }
        if (!moves_elements(g, id) || g.is(id, "Concat")) return false;
        q = g.input(id, 0);
    }
    return false;
}

struct Product {
    std::string op;           // of the integer form
    Attributes attributes{};
    int axis = 0;             // of the output channels in the weights
};

std::optional<Product> product_of(const Graph& g, NodeId id) {
    if (g.node(id).outputs.size() != 1) return std::nullopt;
    Product p{.op = "QuantizedConv", .attributes = g.node(id).attributes};
    p.attributes.erase("tail");
    if (g.is(id, "Conv")) return p;
    p.op = "QuantizedMatMul";
    p.attributes = {};
    const bool gemm = g.is(id, "Gemm");
    if ((!gemm && !g.is(id, "MatMul")) || g.value(g.input(id, 1)).type.shape.size() != 2) return std::nullopt;
    const Attributes& a = g.node(id).attributes;
    if (gemm && (a.integer("transA", 0) != 0 || a.real("alpha", 1) != 1 || a.real("beta", 1) != 1)) return std::nullopt;
    const bool transposed = gemm && a.integer("transB", 0) != 0;
    if (transposed) p.attributes.set("transB", std::int64_t{1});
    p.axis = transposed ? 0 : 1;
    return p;
}

// The bias in units of the sums; empty if it is computed, or greater than sums may be.
std::optional<Tensor> integer_bias(const Graph& g, ValueId v, float x_scale, std::span<const float> w_scales) {
    if (const Shape& shape = g.value(v).type.shape; shape.size() > 1 && shape[0] != 1) return std::nullopt;  // a Gemm's, one per row
    std::vector<double> values;
    if (const Tensor* t = g.constant(v)) {
        for (std::int64_t i = 0; i < t->count(); ++i) values.push_back(t->get(i));
    } else {  // a DequantizeLinear of constants
        const NodeId id = g.producer(v);
        const Tensor *q = g.is(id, "DequantizeLinear") ? g.constant(id, 0) : nullptr, *scale = q ? g.constant(id, 1) : nullptr;
        if (!q || !scale || g.input(id, 2) != ValueId::none || (scale->count() != 1 && scale->count() != q->count())) return std::nullopt;
        for (std::int64_t i = 0; i < q->count(); ++i) values.push_back(q->get(i) * scale->get(scale->count() == 1 ? 0 : i));
    }
    const auto channels = static_cast<std::int64_t>(w_scales.size());
    if (std::ssize(values) != channels && values.size() != 1) return std::nullopt;
    constexpr double most = 1 << 30;
    std::vector<std::int32_t> bias;
    for (std::int64_t c = 0; c < channels; ++c) {
        const double units = std::nearbyint(values[values.size() == 1 ? 0 : static_cast<std::size_t>(c)] / (static_cast<double>(x_scale) * w_scales[static_cast<std::size_t>(c)]));
        if (!(std::fabs(units) <= most)) return std::nullopt;
        bias.push_back(static_cast<std::int32_t>(units));
    }
    return Tensor::of<std::int32_t>(DType::i32, {channels}, bias);
}

bool fuse_product(Graph& g, NodeId id) {
    const auto product = product_of(g, id);
    if (!product) return false;
    const auto x = dequantized(g, g.input(id, 0));
    const auto w = x ? quantized_weights(g, g.input(id, 1), product->axis) : std::nullopt;
    if (!w || w->values.count() / std::max<std::int64_t>(1, std::ssize(w->scales)) > longest_sum_of_bytes) return false;
    const auto channels = std::ssize(w->scales);
    const auto own = static_cast<std::size_t>(op_of(g.node(id)).inputs.max);
    const ValueId given_bias = own > 2 ? g.input(id, 2) : ValueId::none;  // a MatMul's third input is its tail's
    std::optional<Tensor> bias;
    if (given_bias != ValueId::none && !(bias = integer_bias(g, given_bias, x->by.scale, w->scales))) return false;

    const Target target = target_of(g, g.output(id));
    const auto tail_text = g.node(id).attributes.text("tail", "");
    const Expr tail = tail_text.empty() ? Expr::input(0) : Expr::parse(tail_text);
    const std::vector<ValueId>& inputs = g.node(id).inputs;
    const Read others(g, std::span(inputs).subspan(std::min(own, inputs.size())));
    if (others.inputs.size() + 2 > static_cast<std::size_t>(Expr::max_inputs)) return false;

    // x1 of the new tail are the factors, the old tail's inputs come behind.
    const auto written = [&](double k) {
        std::vector<Expr> by{call("mul", {Expr::input(0), Expr::input(1)})};
        for (std::size_t i = 0; i < others.inputs.size(); ++i) by.push_back(others.expr(i, static_cast<int>(i) + 2, k));
        return by;
    };
    const double k = target.by ? 1 / static_cast<double>(target.by->scale) : 1;
    std::optional<Expr> expr = scaled(tail, written(k), k);
    double y_scale = target.by ? static_cast<double>(target.by->scale) : 1;
    if (!expr || !expr->fits()) {
        y_scale = 1;
        expr = tail.substituted(written(1));
        if (target.by) expr = call("div", {*expr, number(static_cast<double>(target.by->scale))});
        if (!expr->fits()) return false;
    }
    std::vector<float> factors;
    for (float s : w->scales) factors.push_back(static_cast<float>(static_cast<double>(x->by.scale) * s / y_scale));
    const bool first = product->op == "QuantizedConv" && g.node(id).attributes.text("layout", "") != "NHWC";
    Dims factor_shape{channels};
    for (std::size_t i = 2; first && i < g.value(g.output(id)).type.shape.size(); ++i) factor_shape.push_back(1);

    const std::string name = g.value(g.output(id)).name;
    Node node{.op = product->op, .inputs = {}, .outputs = {}, .attributes = product->attributes, .name = g.node(id).name, .domain = "tercet"};
    if (x->by.zero != 0) node.attributes.set("x_zero", x->by.zero);
    if (x->by.dtype == DType::i8 && x->by.zero == 0 && is_nonnegative(g, x->q)) node.attributes.set("x_least", std::int64_t{0});
    node.attributes.set("tail", expr->text());
    store(node.attributes, target);
    node.inputs = {x->q, g.add_constant(name + "_weights", w->values), bias ? g.add_constant(name + "_bias", *bias) : ValueId::none,
                   g.add_constant(name + "_factors", Tensor::of<float>(DType::f32, factor_shape, factors))};
    node.inputs.insert(node.inputs.end(), others.inputs.begin(), others.inputs.end());
    put(g, id, target, std::move(node));
    return true;
}

// ---- pools and element-wise chains

bool fuse_pool(Graph& g, NodeId id) {
    if (!g.is(id, "AveragePool") && !g.is(id, "GlobalAveragePool")) return false;
    const auto x = dequantized(g, g.input(id, 0));
    if (!x || (x->by.zero != 0 && g.node(id).attributes.integer("count_include_pad", 0) != 0)) return false;
    const Target target = target_of(g, g.output(id));
    const auto text = g.node(id).attributes.text("tail", "");
    std::vector<Expr> by{real_value(Expr::input(0), x->by)};
    for (std::size_t i = 1; i < g.node(id).inputs.size(); ++i) by.push_back(Expr::input(static_cast<int>(i)));
    Expr expr = text.empty() ? by[0] : Expr::parse(text).substituted(by);
    if (target.by) expr = text.empty() && x->by.zero == 0 ? call("mul", {Expr::input(0), number(static_cast<double>(x->by.scale) / static_cast<double>(target.by->scale))})
                                                          : call("div", {expr, number(static_cast<double>(target.by->scale))});
    if (!expr.fits()) return false;
    Node node = g.node(id);
    node.inputs[0] = x->q;
    node.attributes.set("tail", expr.text());
    store(node.attributes, target);
    put(g, id, target, std::move(node));
    return true;
}

bool fuse_pointwise_chain(Graph& g, NodeId id) {
    if (g.node(id).op != "Pointwise" || g.node(id).domain != "tercet" || g.node(id).attributes.has("stored") || g.node(id).attributes.has("tail")) return false;
    const ValueId y = g.output(id);
    if (g.value(y).type.dtype != DType::f32) return false;
    const Target target = target_of(g, y);
    const Read read(g, g.node(id).inputs);
    if (!read.any && !target.by) return false;
    std::vector<Expr> by;
    for (std::size_t i = 0; i < read.inputs.size(); ++i) by.push_back(read.expr(i, static_cast<int>(i), 1));
    Expr expr = Expr::parse(g.node(id).attributes.text("expr", "")).substituted(by);
    if (target.by) expr = call("div", {expr, number(static_cast<double>(target.by->scale))});
    if (!expr.fits()) return false;
    Node node = g.node(id);
    node.inputs = read.inputs;
    node.attributes.set("expr", expr.text());
    store(node.attributes, target);
    put(g, id, target, std::move(node));
    return true;
}

// A QuantizeLinear or DequantizeLinear that nothing took in.
bool to_chain(Graph& g, NodeId id) {
    const bool quantizes = g.is(id, "QuantizeLinear");
    const auto by = quantization_of(g, id, quantizes ? "QuantizeLinear" : "DequantizeLinear");
    if (!by) return false;
    const Expr expr = quantizes ? call("div", {Expr::input(0), number(static_cast<double>(by->scale))}) : real_value(Expr::input(0), *by);
    const Target target{g.output(id), quantizes ? by : std::nullopt};
    Node node{.op = "Pointwise", .inputs = {g.input(id, 0)}, .outputs = {}, .attributes = {{"expr", expr.text()}}, .name = g.node(id).name, .domain = "tercet"};
    store(node.attributes, target);
    put(g, id, target, std::move(node));
    return true;
}

bool dequantize_weights(Graph& g, NodeId id) {
    if (!g.is(id, "DequantizeLinear")) return false;
    const Tensor* q = g.constant(id, 0);
    std::vector<Inference::Known> known;
    std::vector<View> in;
    for (ValueId v : g.node(id).inputs) {
        const Tensor* t = g.constant(v);
        if (!t && v != ValueId::none) return false;
        in.push_back(t ? t->view() : View());
    }
    if (!q) return false;
    const ValueId y = g.output(id);
    const auto shape = constant_shape(g.value(y).type.shape);
    Tensor real = Tensor::zeros(g.value(y).type.dtype, *shape);
    const View out = real.writable();
    run_reference({g.node(id), in, {&out, 1}});
    g.replace(y, g.add_constant(g.value(y).name + "_real", std::move(real)));
    g.remove(id);
    return true;
}

template <class Rewrite>
void each(Graph& g, int limit, int& made, Rewrite rewrite) {
    for (NodeId id : std::vector(g.order())) {
        if (made == limit) return;
        if (g.is_alive(id)) made += rewrite(g, id);
    }
}

}  // namespace

int fuse_quantized(Graph& g, int limit) {
    int made = 0;
    for (const auto rewrite : {fuse_product, fuse_pool, fuse_pointwise_chain, dequantize_weights, to_chain}) each(g, limit, made, rewrite);
    return made;
}

}  // namespace tercet
