// SPDX-License-Identifier: Apache-2.0
// y[i] = f(a[i], b[i], ..., attributes), inputs broadcast together.
#include "ops/pointwise_table.h"

#include "ops/extents.h"
#include "ops/old_forms.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace tercet {
namespace {

constexpr auto int_abs = IntegerFunction::of([]<class W>(W a, W) { return std::is_signed_v<W> && a < 0 ? wrap_sub(W{0}, a) : a; });
constexpr auto int_add = IntegerFunction::of([]<class W>(W a, W b) { return wrap_add(a, b); });
constexpr auto int_sub = IntegerFunction::of([]<class W>(W a, W b) { return wrap_sub(a, b); });
constexpr auto int_mul = IntegerFunction::of([]<class W>(W a, W b) { return wrap_mul(a, b); });
constexpr auto int_div = IntegerFunction::of([]<class W>(W a, W b) { return wrap_div(a, b); });
constexpr auto int_max = IntegerFunction::of([]<class W>(W a, W b) { return a > b ? a : b; });
constexpr auto int_min = IntegerFunction::of([]<class W>(W a, W b) { return a < b ? a : b; });
constexpr auto int_neg = IntegerFunction::of([]<class W>(W a, W) { return wrap_sub(W{0}, a); });
constexpr auto int_relu = IntegerFunction::of([]<class W>(W a, W) { return a > 0 ? a : W{0}; });
constexpr auto int_sign = IntegerFunction::of([]<class W>(W a, W) { return static_cast<W>((a > 0) - (std::is_signed_v<W> && a < 0)); });
constexpr auto int_leaky = IntegerFunction::of([]<class W>(W a, W b) { return std::is_signed_v<W> && a < 0 ? wrap_mul(a, b) : a; });

// What is divided is a number or a size: floor and truncation agree on these.
std::optional<Dim> divide(const Dim& a, const Dim& b) {
    const auto x = a.constant(), y = b.constant();
    if (x && y) return *y == 0 ? std::nullopt : std::optional(Dim(wrap_div(*x, *y)));
    return (y && *y <= 0) || is_open(a) || is_open(b) ? std::nullopt : std::optional(floor_div(a, b));
}

void infer_neg(Inference& c) {
    check_dtype(c, 0, is_number);
    set_broadcast(c, c.dtype(0));
    const auto content = is_integer(c.dtype(0)) ? known_elements(c, 0) : std::nullopt;
    if (!content || is_unsigned(c.dtype(0)) || c.rank(0) > 1) return;
    std::vector<std::optional<Dim>> result;
    for (const Dim& d : *content) result.push_back(d == Dim(INT64_MIN) ? std::nullopt : std::optional(Dim(0) - d));
    set_elements(c, result);
}

// The slope fits x without stretching it.
void infer_prelu(Inference& c) {
    check_dtype(c, 0, is_number);
    set_broadcast(c, common_dtype(c));
    const Shape &x = c.shape(0), &y = c.out[0].shape;
    bool fits = y.size() == x.size();
    for (std::size_t i = 0; fits && i < y.size(); ++i) fits = !x[i].is_constant() || y[i] == x[i];
    if (!fits)
        throw Error({.what = fmt::format("a slope of shape [{}] cannot be broadcast to [{}]", text_of(c.shape(1)), text_of(x)),
                     .fix = "give it the shape [C,1,1] for images"});
}

// One slope per channel, or one for all.
void slope_by_shape(Graph& g, NodeId id) {
    if (g.input(id, 1) == ValueId::none) return;  // the schema's check says so
    const Shape &x = g.value(g.input(id, 0)).type.shape, &slope = g.value(g.input(id, 1)).type.shape;
    if (slope.size() == 1 && slope[0] != Dim(1)) append_axes(g, id, 1, static_cast<int>(x.size()) - 2);
}

// The first form had its constants to four digits.
void keep_old_constants(Graph& g, NodeId id) {
    drop_consumed_inputs(g, id);
    for (const auto& [name, value] : {std::pair{"alpha", 1.6732f}, {"gamma", 1.0507f}})
        if (!g.node(id).attributes.has(name)) g.attributes(id).set(name, value);
}

const OpVersion plain{6, drop_consumed_inputs}, by_shape{7, align_second_input};

const std::vector<PointwiseOp>& table() {
    static const std::vector<PointwiseOp> rows = [] {
        std::vector<PointwiseOp> r{
            {.op = "Abs", .function = "abs", .versions = {{1}, plain, {13}}, .integer = int_abs},
            {.op = "Acos", .function = "acos", .versions = {{7}, {22}}},
            {.op = "Acosh", .function = "acosh", .versions = {{9}, {22}}},
            {.op = "Add", .function = "add", .versions = {{1}, plain, by_shape, {13}, {14}}, .inputs = 2, .integer = int_add,
             .follow = [](const Dim& a, const Dim& b) { return std::optional(a + b); }},
            {.op = "Asin", .function = "asin", .versions = {{7}, {22}}},
            {.op = "Asinh", .function = "asinh", .versions = {{9}, {22}}},
            {.op = "Atan", .function = "atan", .versions = {{7}, {22}}},
            {.op = "Atanh", .function = "atanh", .versions = {{9}, {22}}},
            {.op = "Ceil", .function = "ceil", .versions = {{1}, plain, {13}}},
            {.op = "Celu", .function = "celu", .versions = {{12}, {28}}, .parameters = {{"alpha", 1.0f}}},
            {.op = "Cos", .function = "cos", .versions = {{7}, {22}}},
            {.op = "Cosh", .function = "cosh", .versions = {{9}, {22}}},
            {.op = "Div", .function = "div", .versions = {{1}, plain, by_shape, {13}, {14}}, .inputs = 2, .integer = int_div, .follow = divide},
            {.op = "Elu", .function = "elu", .versions = {{1}, plain, {22}}, .parameters = {{"alpha", 1.0f}}},
            {.op = "Erf", .function = "erf", .versions = {{9}, {13}}},
            {.op = "Exp", .function = "exp", .versions = {{1}, plain, {13}}},
            {.op = "Floor", .function = "floor", .versions = {{1}, plain, {13}}},
            {.op = "HardSigmoid", .function = "hard_sigmoid", .versions = {{1}, plain, {22}}, .parameters = {{"alpha", 0.2f}, {"beta", 0.5f}}},
            {.op = "HardSwish", .function = "hard_swish", .versions = {{14}, {22}}},
            {.op = "LeakyRelu", .function = "leaky_relu", .versions = {{1}, plain, {16}}, .parameters = {{"alpha", 0.01f}}},
            {.op = "Log", .function = "log", .versions = {{1}, plain, {13}}},
            {.op = "Max", .function = "max", .versions = {{1}, plain, {8}, {12}, {13}}, .inputs = unlimited, .integer = int_max,
             .follow = [](const Dim& a, const Dim& b) { return std::optional(greater(a, b)); }},
            {.op = "Min", .function = "min", .versions = {{1}, plain, {8}, {12}, {13}}, .inputs = unlimited, .integer = int_min,
             .follow = [](const Dim& a, const Dim& b) { return std::optional(lesser(a, b)); }},
            {.op = "Mish", .function = "mish", .versions = {{18}, {22}}},
            {.op = "Mul", .function = "mul", .versions = {{1}, plain, by_shape, {13}, {14}}, .inputs = 2, .integer = int_mul,
             .follow = [](const Dim& a, const Dim& b) { return std::optional(a * b); }},
            {.op = "Neg", .function = "neg", .versions = {{1}, plain, {13}}, .integer = int_neg, .infer = infer_neg},
            {.op = "PRelu", .function = "leaky_relu", .versions = {{1}, plain, {7, slope_by_shape}, {9}, {16}}, .inputs = 2, .integer = int_leaky, .infer = infer_prelu},
            {.op = "Reciprocal", .function = "reciprocal", .versions = {{1}, plain, {13}}},
            {.op = "Relu", .function = "relu", .versions = {{1}, plain, {13}, {14}}, .integer = int_relu},
            {.op = "Round", .function = "round", .versions = {{11}, {22}}},
            {.op = "Selu", .function = "selu", .versions = {{1}, {6, keep_old_constants}, {22}},
             .parameters = {{"alpha", 1.67326319217681884765625f}, {"gamma", 1.05070102214813232421875f}}},
            {.op = "Sigmoid", .function = "sigmoid", .versions = {{1}, plain, {13}}},
            {.op = "Sign", .function = "sign", .versions = {{9}, {13}}, .integer = int_sign},
            {.op = "Sin", .function = "sin", .versions = {{7}, {22}}},
            {.op = "Sinh", .function = "sinh", .versions = {{9}, {22}}},
            {.op = "Softplus", .function = "softplus", .versions = {{1}, {22}}},
            {.op = "Softsign", .function = "softsign", .versions = {{1}, {22}}},
            {.op = "Sqrt", .function = "sqrt", .versions = {{1}, plain, {13}}},
            {.op = "Sub", .function = "sub", .versions = {{1}, plain, by_shape, {13}, {14}}, .inputs = 2, .integer = int_sub,
             .follow = [](const Dim& a, const Dim& b) { return std::optional(a - b); }},
            {.op = "Sum", .function = "add", .versions = {{1}, plain, {8}, {13}}, .inputs = unlimited},
            {.op = "Tan", .function = "tan", .versions = {{7}, {22}}},
            {.op = "Tanh", .function = "tanh", .versions = {{1}, plain, {13}}},
            {.op = "ThresholdedRelu", .function = "thresholded_relu", .versions = {{10}, {22}}, .parameters = {{"alpha", 1.0f}}},
        };
        std::ranges::sort(r, {}, &PointwiseOp::op);
        return r;
    }();
    return rows;
}

void infer(Inference& c) {
    const PointwiseOp& row = *find_pointwise_op(c.node.op);
    check_dtype(c, 0, row.integer ? is_number : is_float);
    set_broadcast(c, common_dtype(c));
    if (row.follow) follow_contents(c, row.follow);
}

void fold_elements(const ScalarFunction& f, const IntegerFunction& integer, std::span<const View> in, const View& y) {
    for (const View& x : in) checked_broadcast(x, y.shape, "an input does not broadcast to the shape of the output");
    with_type(y.dtype, [&]<class T>(TypeTag<T>) {
        for (const Dims& index : indices(y.shape)) {
            Wide<T> sum{};
            for (std::size_t i = 0; i < in.size(); ++i) {
                const auto x = load_at<T>(in[i], in[i].broadcast_to(y.shape).offset(index));
                if (i == 0) sum = x;
                else if constexpr (std::is_integral_v<T>) sum = integer(sum, x);
                else sum = f.value(sum, x, 0);
            }
            store_at<T>(y, y.offset(index), sum);
        }
    });
}

void reference(const Call& c) {
    const PointwiseOp& row = *find_pointwise_op(c.node.op);
    const ScalarFunction& f = *find_scalar_function(row.function);
    const View& y = c.out[0];
    if (row.inputs == unlimited) return fold_elements(f, row.integer, c.in, y);
    std::array<double, 2> p{};
    for (std::size_t i = 0; const auto& [attribute, missing] : row.parameters) {  // rounded to the type, as an expression's constants are
        const double v = decimal(c.attributes().real(attribute, missing));
        p[i++] = with_type(y.dtype, [&]<class T>(TypeTag<T>) { return static_cast<double>(to_element<T>(v)); });
    }
    const auto one = [&]<class W>(W x) {
        if constexpr (std::is_integral_v<W>) return row.integer(x);
        else return f.value(x, p[0], p[1]);
    };
    const auto two = [&]<class W>(W a, W b) {
        if constexpr (std::is_integral_v<W>) return row.integer(a, b);
        else return f.value(a, b, 0);
    };
    if (row.inputs == 1) map_elements(std::array{c.in[0]}, y, one);
    else map_elements(std::array{c.in[0], c.in[1]}, y, two);
}

const bool registered = [] {
    for (const PointwiseOp& row : table()) {
        OpDef def{.name = row.op, .versions = row.versions, .inputs = {row.inputs == unlimited ? 1 : row.inputs, row.inputs},
                  .infer = row.infer ? row.infer : infer, .reference = reference};
        for (const auto& p : row.parameters) def.attributes.push_back({p.attribute, AttributeKind::real});
        RegisteredOp{std::move(def)};
    }
    return true;
}();

}  // namespace

const PointwiseOp* find_pointwise_op(std::string_view op) {
    const auto& rows = table();
    const auto it = std::ranges::lower_bound(rows, op, {}, &PointwiseOp::op);
    return it != rows.end() && it->op == op ? &*it : nullptr;
}

double decimal(float v) {
    std::array<char, 64> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), v).ptr;
    double d = v;
    std::from_chars(text.data(), end, d);
    return d;
}

}  // namespace tercet
