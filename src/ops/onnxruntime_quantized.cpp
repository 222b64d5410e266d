// SPDX-License-Identifier: Apache-2.0
// What onnxruntime's quantizer writes besides ONNX's QLinearConv and QLinearMatMul: an operator f on bytes, which stands for
//     QuantizeLinear(f(DequantizeLinear(x, x_scale, x_zero), ...), y_scale, y_zero)
// Each input is followed by its scale and zero point, and those of the output come last; QLinearConcat has the output's first.
// QGemm's bias is i32, in units of alpha*a_scale*b_scale; without a scale of the output it gives f32.
#include "ops/replacement.h"

#include <fmt/format.h>

namespace tercet {
namespace {

// Zero points may be left out, and are 0 then.
ValueId real(Replacement& r, std::size_t input, std::string_view name, Attributes attributes = {}) {
    r.require(input);
    r.require(input + 1);
    return r.add("DequantizeLinear", {r.in(input), r.in(input + 1), r.in(input + 2)}, name, std::move(attributes));
}

// In the type of input `like`, where no zero point tells.
void become_bytes(Replacement& r, ValueId y, std::size_t scale, std::size_t like) {
    r.require(scale);
    r.become("QuantizeLinear", {y, r.in(scale), r.has(scale + 1) ? r.in(scale + 1) : r.scalar(r.dtype(r.in(like)), 0, "zero")});
    r.done();
}

// ONNX's operator on floats.
std::string op_on_floats(const Graph& g, NodeId id) { return g.node(id).op.substr(std::string_view("QLinear").size()); }

void replace_binary(Graph& g, NodeId id) {
    Replacement r(g, id);
    const std::string op = op_on_floats(g, id);
    const ValueId a = real(r, 0, "a"), b = real(r, 3, "b");
    become_bytes(r, r.add(op, {a, b}, "real"), 6, 0);
}

void refuse_channels_last(const Replacement& r) {
    if (r.attributes().integer("channels_last", 0) != 0) r.refuse("channels_last = 1", "quantize the model with channels first");
}

void replace_unary(Graph& g, NodeId id) {
    Replacement r(g, id);
    refuse_channels_last(r);
    const std::string op = op_on_floats(g, id);
    Attributes attributes = r.attributes();
    attributes.erase("channels_last");
    const ValueId x = real(r, 0, "x");
    become_bytes(r, r.add(op, {x}, "real", std::move(attributes)), 3, 0);
}

void replace_softmax(Graph& g, NodeId id) {
    Replacement r(g, id);
    const bool flattens = r.attributes().integer("opset", 13) < 13;  // ONNX's older form: one row of all axes from `axis` on
    const std::int64_t axis = r.attributes().integer("axis", flattens ? 1 : -1);
    const int rank = r.rank(r.in(0));
    if (flattens && checked_axis(axis, rank) != rank - 1) r.refuse("a QLinearSoftmax over several axes", "quantize a model of opset 13 or newer");
    const ValueId x = real(r, 0, "x");
    become_bytes(r, r.add("Softmax", {x}, "real", {{"axis", axis}}), 3, 0);
}

void replace_mean(Graph& g, NodeId id) {
    Replacement r(g, id);
    std::vector<ValueId> inputs{real(r, 0, "x")};
    if (r.attributes().has("axes")) {
        const auto axes = r.attributes().integers("axes");
        inputs.push_back(r.ints({axes.begin(), axes.end()}, "axes"));
    }
    become_bytes(r, r.add("ReduceMean", inputs, "real", picked(r.attributes(), {"keepdims"})), 3, 0);
}

void replace_where(Graph& g, NodeId id) {
    Replacement r(g, id);
    const ValueId x = real(r, 1, "x"), y = real(r, 4, "y");
    become_bytes(r, r.add("Where", {r.in(0), x, y}, "real"), 7, 1);
}

void replace_concat(Graph& g, NodeId id) {
    Replacement r(g, id);
    const std::size_t inputs = g.node(id).inputs.size();
    if (inputs % 3 != 2) throw Error({.what = fmt::format("there are {} inputs", inputs), .fix = "each part needs its scale and zero point"});
    std::vector<ValueId> parts;
    for (std::size_t i = 2; i < inputs; i += 3) parts.push_back(real(r, i, "part"));
    become_bytes(r, r.add("Concat", parts, "real", picked(r.attributes(), {"axis"})), 0, 2);
}

void replace_gemm(Graph& g, NodeId id) {
    Replacement r(g, id);
    const bool transposes = r.attributes().integer("transB", 0) != 0;
    const ValueId a = real(r, 0, "a"), b = real(r, 3, "b", {{"axis", std::int64_t{transposes ? 0 : 1}}});
    std::vector<ValueId> inputs{a, b};
    if (r.has(6)) {
        ValueId scale = r.add("Mul", {r.in(1), r.in(4)}, "bias_scale");
        if (const float alpha = r.attributes().real("alpha", 1); alpha != 1) scale = r.add("Mul", {scale, r.scalar(DType::f32, static_cast<double>(alpha), "alpha")}, "bias_scale");
        inputs.push_back(r.add("DequantizeLinear", {r.in(6), scale}, "bias", {{"axis", std::int64_t{r.rank(r.in(6)) - 1}}}));
    }
    Attributes attributes = picked(r.attributes(), {"alpha", "transA", "transB"});
    if (r.has(7)) return become_bytes(r, r.add("Gemm", inputs, "real", std::move(attributes)), 7, 0);
    r.become("Gemm", inputs, std::move(attributes));
    r.done();
}

OpDef def(std::string_view name, Count inputs, Upgrade replace, std::vector<AttributeDef> attributes = {}) {
    return {.name = name, .domain = onnxruntime_domain, .versions = {{1}}, .inputs = inputs, .attributes = std::move(attributes), .replace = replace};
}

const AttributeDef channels_last{"channels_last", AttributeKind::integer};

const RegisteredOp add{def("QLinearAdd", {1, 8}, replace_binary)};
const RegisteredOp mul{def("QLinearMul", {1, 8}, replace_binary)};
const RegisteredOp sigmoid{def("QLinearSigmoid", {1, 5}, replace_unary)};
const RegisteredOp leaky_relu{def("QLinearLeakyRelu", {1, 5}, replace_unary, {{"alpha", AttributeKind::real}})};
const RegisteredOp global_average_pool{def("QLinearGlobalAveragePool", {1, 5}, replace_unary, {channels_last})};
const RegisteredOp average_pool{def("QLinearAveragePool", {1, 5}, replace_unary,
                                    {{"auto_pad", AttributeKind::text}, {"ceil_mode", AttributeKind::integer}, channels_last, {"count_include_pad", AttributeKind::integer},
                                     {"kernel_shape", AttributeKind::integers, true}, {"pads", AttributeKind::integers}, {"strides", AttributeKind::integers}})};
const RegisteredOp softmax{def("QLinearSoftmax", {1, 5}, replace_softmax, {{"axis", AttributeKind::integer}, {"opset", AttributeKind::integer}})};
const RegisteredOp mean{def("QLinearReduceMean", {1, 5}, replace_mean, {{"axes", AttributeKind::integers}, {"keepdims", AttributeKind::integer}})};
const RegisteredOp where{def("QLinearWhere", {1, 9}, replace_where)};
const RegisteredOp concat{def("QLinearConcat", {1, unlimited}, replace_concat, {{"axis", AttributeKind::integer, true}})};
const RegisteredOp gemm{def("QGemm", {1, 9}, replace_gemm, {{"alpha", AttributeKind::real}, {"transA", AttributeKind::integer}, {"transB", AttributeKind::integer}})};

}  // namespace
}  // namespace tercet
