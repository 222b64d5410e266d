// SPDX-License-Identifier: Apache-2.0
// Constant: y = the value that stands in an attribute. ConstantOfShape: y = `value` (f32 0 if not given) everywhere, in the
// shape that the input's elements give.
#include "ops/extents.h"

#include <fmt/format.h>

namespace tercet {
namespace {

void infer_constant(Inference& c) {
    const Attributes& a = c.attributes();
    int values = 0;
    for (const auto& [name, value] : a) values += name.starts_with("value") || name == "sparse_value";
    if (values != 1) throw Error({.what = fmt::format("has {} values", values), .fix = "check the model with onnx.checker"});
    for (const char* kind : {"value_string", "value_strings", "sparse_value"})
        if (a.has(kind))
            throw Error({.what = fmt::format("unsupported: attribute '{}'", kind),
                         .fix = "give the constant as a dense tensor of numbers"});
    if (const Tensor* t = a.tensor("value")) {
        if (bits_of(t->dtype()) == 0)
            throw Error({.what = fmt::format("unsupported: a constant of type {}", name_of(t->dtype())),
                         .fix = "give the constant as a dense tensor of numbers"});
        c.set(0, t->dtype(), Shape(t->shape().begin(), t->shape().end()));
        if (t->count() <= 64 && is_integer(t->dtype())) {
            const std::vector<std::int64_t> elements = t->to_ints();
            note_content(c, 0, std::vector<Dim>(elements.begin(), elements.end()));
        }
    } else if (a.has("value_int")) {
        c.set(0, DType::i64, {});
        note_content(c, 0, std::vector<Dim>{a.integer("value_int", 0)});
    } else if (a.has("value_ints")) {
        const auto elements = a.integers("value_ints");
        c.set(0, DType::i64, {Dim(static_cast<std::int64_t>(elements.size()))});
        note_content(c, 0, std::vector<Dim>(elements.begin(), elements.end()));
    } else if (a.has("value_float")) {
        c.set(0, DType::f32, {});
    } else {
        c.set(0, DType::f32, {Dim(static_cast<std::int64_t>(a.reals("value_floats").size()))});
    }
}

void constant(const Call& call) {
    const Attributes& a = call.attributes();
    const View& y = call.out[0];
    const auto copy = [&](const void* from, std::size_t bytes) {
        if (bytes > 0) std::memcpy(y.data, from, bytes);
    };
    if (const Tensor* t = a.tensor("value")) copy(t->data(), t->bytes());
    else if (a.has("value_int")) y.set_int_at(0, a.integer("value_int", 0));
    else if (a.has("value_float")) store<float>(y.data, a.real("value_float", 0));
    else if (a.has("value_ints")) copy(a.integers("value_ints").data(), a.integers("value_ints").size_bytes());
    else copy(a.reals("value_floats").data(), a.reals("value_floats").size_bytes());
}

void infer_constant_of_shape(Inference& c) {
    Shape y = sizes(c, 0, "the shape");
    const Tensor* value = c.attributes().tensor("value");
    if (value && value->count() != 1)
        throw Error({.what = fmt::format("attribute 'value' has {} elements", value->count()), .fix = "it must have one"});
    give(c, 0, value ? value->dtype() : DType::f32, std::move(y));
    if (const auto all = value ? whole_number(*value) : 0) c.set_content(0, {*all});
}

void constant_of_shape(const Call& call) {
    const View& y = call.out[0];
    const Tensor* value = call.attributes().tensor("value");
    const std::size_t bytes = y.element_bytes();
    for (std::int64_t i = 0; i < y.count(); ++i) {
        if (value) std::memcpy(y.address(i), value->data(), bytes);
        else store<float>(y.address(i), 0.0f);
    }
}

const RegisteredOp constant_op{
    {.name = "Constant", .versions = {{1}, {9}, {11}, {12}, {13}, {19}, {21}, {23}, {24}, {25}}, .inputs = {0, 0},
     .attributes = {{"value", AttributeKind::tensor}, {"value_float", AttributeKind::real}, {"value_floats", AttributeKind::reals},
                    {"value_int", AttributeKind::integer}, {"value_ints", AttributeKind::integers}, {"value_string", AttributeKind::text},
                    {"value_strings", AttributeKind::texts}, {"sparse_value", AttributeKind::tensor}},
     .infer = infer_constant, .reference = constant}};
const RegisteredOp constant_of_shape_op{{.name = "ConstantOfShape", .versions = {{9}, {20}, {21}, {23}, {24}, {25}}, .attributes = {{"value", AttributeKind::tensor}},
                                         .infer = infer_constant_of_shape, .reference = constant_of_shape}};

}  // namespace
}  // namespace tercet
