// SPDX-License-Identifier: Apache-2.0
// QuantizeLinear    y[i] = saturate(round(x[i] / scale) + zero_point), the quotient rounded to `precision` (scale's type if
//                   not given) and then half to even
// DequantizeLinear  y[i] = (x[i] - zero_point) * scale
// scale and zero_point (0 if absent) are one for all elements, or [D] for the D indices of `axis`, or have x's rank and
// stand for block_size indices of `axis` each.
#include "ops/elementwise.h"
#include "ops/quantized.h"

#include <fmt/format.h>

namespace tercet {
namespace {

constexpr std::int64_t largest_block = std::int64_t{1} << 40;
constexpr const char* check = "check the model with onnx.checker";

bool is_single(const Shape& s) { return s.empty() || (s.size() == 1 && s[0] == Dim(1)); }

void check_granularity(const Inference& c) {
    const Shape &x = c.shape(0), &scale = c.shape(1);
    const std::int64_t block = c.attributes().integer("block_size", 0);
    if (block < 0 || block > largest_block)
        throw Error({.what = fmt::format("attribute 'block_size' is {}", block), .fix = "it must be positive, and no more than an axis has"});
    Shape expected;
    if (block > 0) {
        expected = x;
        Dim& blocked = expected[static_cast<std::size_t>(checked_axis(c.attributes().integer("axis", 1), c.rank(0)))];
        blocked = ceil_div(blocked, Dim(block));
    } else if (!is_single(scale)) {
        expected = {x[static_cast<std::size_t>(checked_axis(c.attributes().integer("axis", 1), c.rank(0)))]};
    }
    if (block > 0 || !is_single(scale)) require_shape(c, 1, expected, "the scale");
    if (c.has(2) && !(is_single(scale) && is_single(c.shape(2)))) require_shape(c, 2, scale, "the zero point");
}

DType given_type(const Inference& c, std::string_view attribute, DType otherwise) {
    const std::int64_t number = c.attributes().integer(attribute, 0);
    if (number == 0) return otherwise;
    if (!is_dtype(number)) throw Error({.what = fmt::format("attribute '{}' is {}, no type of ONNX's", attribute, number), .fix = check});
    return static_cast<DType>(number);
}

bool is_real_or_i32(DType t) { return t == DType::f32 || t == DType::f16 || t == DType::bf16 || t == DType::i32; }
bool is_real(DType t) { return is_real_or_i32(t) && t != DType::i32; }
bool is_code(DType t) { return is_integer(t) && bits_of(t) <= 16; }

void infer_quantize(Inference& c) {
    for (std::size_t i : {0, 1}) check_dtype(c, i, is_real_or_i32);
    const DType to = given_type(c, "output_dtype", c.has(2) ? c.dtype(2) : DType::u8);
    if (c.has(2) && to != c.dtype(2))
        throw Error({.what = fmt::format("output_dtype is {}, the zero point {}", name_of(to), name_of(c.dtype(2))), .fix = "they must be equal"});
    if (!is_code(to))
        throw Error({.what = fmt::format("unsupported: quantization to {}", name_of(to)), .fix = "quantize to i8, u8, i16 or u16"});
    if (const DType precision = given_type(c, "precision", c.dtype(1)); !is_real_or_i32(precision))
        throw Error({.what = fmt::format("unsupported: a precision of {}", name_of(precision)), .fix = "it must be f32, f16 or bf16"});
    check_granularity(c);
    c.set(0, to, c.shape(0));
}

void infer_dequantize(Inference& c) {
    check_dtype(c, 0, [](DType t) { return is_code(t) || t == DType::i32; });
    check_dtype(c, 1, is_real);
    require_same_type(c, 2);
    const DType to = given_type(c, "output_dtype", c.dtype(1));
    if (!is_real(to))
        throw Error({.what = fmt::format("unsupported: dequantization to {}", name_of(to)), .fix = "dequantize to f32, f16 or bf16"});
    check_granularity(c);
    c.set(0, to, c.shape(0));
}

// f(i, offset of scale, offset of zero point) for the indices of all elements
template <class F>
void for_each_element(const Call& call, F&& f) {
    const View &x = call.in[0], &scale = call.in[1];
    const std::int64_t block = call.attributes().integer("block_size", 0);
    const bool single = scale.count() == 1 && block == 0;
    const int axis = single ? 0 : checked_axis(call.attributes().integer("axis", 1), x.rank());
    if (block > 0) {
        Dims blocks = x.shape;
        blocks[axis] = (blocks[axis] + block - 1) / block;
        require_at_run(scale.shape == blocks, "the scale does not fit the input's blocks");
    } else if (!single) {
        require_at_run(scale.shape == Dims{x.shape[axis]}, "the scale does not fit the input's axis");
    }
    require_at_run(!call.has(2) || call.in[2].shape == scale.shape || (single && call.in[2].count() == 1), "the zero point does not fit the scale");
    for (const Dims& i : indices(x.shape)) {
        Dims at;
        if (block > 0) at = i, at[axis] /= block;
        else if (!single) at = {i[axis]};
        const std::int64_t o = single ? 0 : scale.offset(at);
        f(i, o, !call.has(2) || single ? 0 : call.in[2].offset(at));
    }
}

double rounded_to(DType t, double v) {
    return with_type(t, [v]<class T>(TypeTag<T>) {
        if constexpr (std::is_integral_v<T>) return v;
        else return static_cast<double>(to_element<T>(v));
    });
}

void quantize(const Call& call) {
    const View &x = call.in[0], &scale = call.in[1], &y = call.out[0];
    const std::int64_t given = call.attributes().integer("precision", 0);
    const DType precision = given ? static_cast<DType>(given) : scale.dtype;
    for_each_element(call, [&](const Dims& i, std::int64_t s, std::int64_t z) {
        const double quotient = rounded_to(precision, rounded_to(precision, x.get(i)) / rounded_to(precision, scale.get_at(s)));
        y.set_int(i, quantized(quotient, call.has(2) ? call.in[2].get_int_at(z) : 0, y.dtype));
    });
}

void dequantize(const Call& call) {
    const View &x = call.in[0], &scale = call.in[1], &y = call.out[0];
    for_each_element(call, [&](const Dims& i, std::int64_t s, std::int64_t z) {
        const std::int64_t q = x.get_int(i) - (call.has(2) ? call.in[2].get_int_at(z) : 0);
        y.set(i, static_cast<double>(q) * scale.get_at(s));
    });
}

// onnxruntime had the 16-bit types first, in its own domain.
void to_onnx(Graph& g, NodeId id) { g.set_op(id, g.node(id).op, ""); }

void refuse_domain(Inference&) {
    throw Error({.what = "the model does not import the operator set of com.microsoft", .fix = check});
}

OpDef quantize_def(std::string_view domain, std::vector<OpVersion> versions, Infer infer) {
    return {.name = "QuantizeLinear", .domain = domain, .versions = std::move(versions), .inputs = {2, 3},
            .attributes = {{"axis", AttributeKind::integer}, {"block_size", AttributeKind::integer}, {"output_dtype", AttributeKind::integer},
                           {"precision", AttributeKind::integer}, {"saturate", AttributeKind::integer}},
            .infer = infer, .reference = quantize};
}

OpDef dequantize_def(std::string_view domain, std::vector<OpVersion> versions, Infer infer) {
    return {.name = "DequantizeLinear", .domain = domain, .versions = std::move(versions), .inputs = {2, 3},
            .attributes = {{"axis", AttributeKind::integer}, {"block_size", AttributeKind::integer}, {"output_dtype", AttributeKind::integer}},
            .infer = infer, .reference = dequantize};
}

const RegisteredOp quantize_op{quantize_def("", {{10}, {13}, {19}, {21}, {23}, {24}, {25}, {28}}, infer_quantize)};
const RegisteredOp dequantize_op{dequantize_def("", {{10}, {13}, {19}, {21}, {23}, {24}, {25}, {28}}, infer_dequantize)};
const RegisteredOp microsoft_quantize_op{quantize_def("com.microsoft", {{1}, {2, to_onnx}}, refuse_domain)};
const RegisteredOp microsoft_dequantize_op{dequantize_def("com.microsoft", {{1}, {2, to_onnx}}, refuse_domain)};

}  // namespace
}  // namespace tercet
