// SPDX-License-Identifier: Apache-2.0
// Clip:  y = min(max(x, lo), hi), either limit may be absent
// Gelu:  y = x/2 * (1 + erf(x/sqrt(2))), or with approximate = "tanh": x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715*x^3)))
// Swish: y = x / (1 + exp(-alpha*x))
// SwiGLU: y = Swish(a) * b
// Shrink: y = x + bias where x < -lambd, x - bias where x > lambd, else 0
#include "ops/elementwise.h"
#include "ops/expr.h"
#include "ops/extents.h"
#include "ops/old_forms.h"
#include "ops/pointwise_table.h"

#include <fmt/format.h>

#include <cmath>
#include <numbers>

namespace tercet {
namespace {

void infer_clip(Inference& c) {
    check_dtype(c, 0, is_number);
    refuse_old_attribute(c, "min");
    refuse_old_attribute(c, "max");
    for (std::size_t i = 1; i < c.in.size(); ++i) {
        if (!c.has(i)) continue;
        const auto shape = constant_shape(c.shape(i));
        if (!shape || count_of(*shape) != 1 || c.dtype(i) != c.dtype(0))
            throw Error({.what = fmt::format("a limit of type {} for values of type {}; it must be a scalar of theirs",
                                             text_of(c.in[i].type), name_of(c.dtype(0))),
                         .fix = "check the model with onnx.checker"});
    }
    c.set(0, c.dtype(0), c.shape(0));
}

void clip(const Call& c) {
    with_type(c.out[0].dtype, [&]<class T>(TypeTag<T>) {
        using W = Wide<T>;
        W lo = std::numeric_limits<W>::has_infinity ? -std::numeric_limits<W>::infinity() : std::numeric_limits<W>::lowest();
        W hi = std::numeric_limits<W>::has_infinity ? std::numeric_limits<W>::infinity() : std::numeric_limits<W>::max();
        if (c.has(1)) lo = load_at<T>(c.in[1], 0);
        if (c.has(2)) hi = load_at<T>(c.in[2], 0);
        for_each_offset(c.out[0].shape, std::array{c.in[0], c.out[0]}, [&](const std::array<std::int64_t, 2>& o) {
            W x = load_at<T>(c.in[0], o[0]);
            if (x < lo) x = lo;  // a NaN stays
            if (x > hi) x = hi;
            store_at<T>(c.out[0], o[1], x);
        });
    });
}

// The limits become inputs. A limit not given is none, although operator set 6 says the largest float.
void limits_to_inputs(Graph& g, NodeId id) {
    const ValueId x = g.input(id, 0);
    const DType dtype = g.value(x).type ? g.value(x).type.dtype : DType::f32;
    for (const auto& [name, input] : {std::pair{"min", std::size_t{1}}, {"max", std::size_t{2}}}) {
        if (!g.node(id).attributes.has(name)) continue;
        const double limit = decimal(g.node(id).attributes.real(name, 0));
        g.set_input(id, input, g.add_constant(fmt::format("{}_{}", g.label(id), name), Tensor::scalar(dtype, limit)));
        g.attributes(id).erase(name);
    }
}

void infer_float(Inference& c) {
    check_dtype(c, 0, is_float);
    c.set(0, c.dtype(0), c.shape(0));
}

void infer_gelu(Inference& c) {
    if (const auto kind = c.attributes().text("approximate", "none"); kind != "none" && kind != "tanh")
        throw Error({.what = fmt::format("approximate is '{}'", kind), .fix = "it must be 'none' or 'tanh'"});
    infer_float(c);
}

template <class F>
void map_floats(const Call& c, F f) {
    map_elements(std::array{c.in[0]}, c.out[0], [&]<class W>(W x) {
        if constexpr (std::is_integral_v<W>) return x;
        else return f(x);
    });
}

double gelu_tanh(double x) {
    return 0.5 * x * (1 + std::tanh(std::numbers::inv_sqrtpi * std::numbers::sqrt2 * (x + 0.044715 * x * x * x)));
}

void gelu(const Call& c) {
    if (c.attributes().text("approximate", "none") == "tanh") return map_floats(c, gelu_tanh);
    map_floats(c, [&f = *find_scalar_function("gelu")](double x) { return f.value(x, 0, 0); });
}

void swish(const Call& c) {
    const double alpha = decimal(c.attributes().real("alpha", 1));
    map_floats(c, [alpha, &sigmoid = *find_scalar_function("sigmoid")](double x) { return x * sigmoid.value(alpha * x, 0, 0); });
}

void infer_swiglu(Inference& c) {
    infer_float(c);
    common_dtype(c);
    require_shape(c, 1, c.shape(0), "b");
    for (std::size_t i = 0; i < c.out[0].shape.size(); ++i) unify(c.out[0].shape[i], c.shape(1)[i], fmt::format("a and b differ in axis {}", i));
}

void swiglu(const Call& c) {
    require_at_run(c.in[0].shape == c.in[1].shape, "a and b differ in shape");
    const double alpha = decimal(c.attributes().real("alpha", 1));
    map_elements(std::array{c.in[0], c.in[1]}, c.out[0], [alpha, &sigmoid = *find_scalar_function("sigmoid")]<class W>(W a, W b) {
        if constexpr (std::is_integral_v<W>) return a;
        else return a * sigmoid.value(alpha * a, 0, 0) * b;
    });
}

void infer_shrink(Inference& c) {
    check_dtype(c, 0, is_number);
    c.set(0, c.dtype(0), c.shape(0));
}

// Integers, too, are compared and moved as numbers; what leaves their type saturates.
void shrink(const Call& c) {
    const double lambd = decimal(c.attributes().real("lambd", 0.5f)), bias = decimal(c.attributes().real("bias", 0));
    const View &x = c.in[0], &y = c.out[0];
    for_each_offset(y.shape, std::array{x, y}, [&](const std::array<std::int64_t, 2>& o) {
        const double v = x.get_at(o[0]);
        if (v < -lambd || v > lambd) {
            if (bias == 0) std::memcpy(y.address(o[1]), x.address(o[0]), x.element_bytes());  // exact for 64-bit integers
            else y.set_at(o[1], v < -lambd ? v + bias : v - bias);
        } else {
            y.set_at(o[1], 0);
        }
    });
}

const RegisteredOp clip_op{{.name = "Clip", .versions = {{1}, {6, drop_consumed_inputs}, {11, limits_to_inputs}, {12}, {13}}, .inputs = {1, 3},
                            .attributes = {{"min", AttributeKind::real}, {"max", AttributeKind::real}},
                            .infer = infer_clip, .reference = clip}};
const RegisteredOp gelu_op{{.name = "Gelu", .versions = {{20}}, .attributes = {{"approximate", AttributeKind::text}},
                            .infer = infer_gelu, .reference = gelu}};
const RegisteredOp swish_op{{.name = "Swish", .versions = {{24}}, .attributes = {{"alpha", AttributeKind::real}},
                             .infer = infer_float, .reference = swish}};
const RegisteredOp swiglu_op{{.name = "SwiGLU", .versions = {{28}}, .inputs = {2, 2}, .attributes = {{"alpha", AttributeKind::real}},
                              .infer = infer_swiglu, .reference = swiglu}};
const RegisteredOp shrink_op{{.name = "Shrink", .versions = {{9}}, .attributes = {{"bias", AttributeKind::real}, {"lambd", AttributeKind::real}},
                              .infer = infer_shrink, .reference = shrink}};

}  // namespace
}  // namespace tercet
