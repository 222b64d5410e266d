// SPDX-License-Identifier: Apache-2.0
// sum[n,m,o] = sum over c and k of (x[n,c,o*stride - pad + k*dilation] - x_zero) * (w[m,c,k] - w_zero[m]), exact; as Conv, and
// padding stands for zeros, that is, x_zero.
//     ConvInteger  y = sum, modulo 2^32                 inputs x, w, x_zero, w_zero
//     QLinearConv  y = saturate(round(float(sum + bias[m]) * float(x_scale * w_scale[m] / y_scale)) + y_zero)
//                                                       inputs x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias
#include "ops/conv.h"
#include "ops/quantized.h"
#include "ops/require.h"

#include <fmt/format.h>

#include <optional>

namespace tercet {
namespace {

// The zero points of x and w; 0 if absent.
class Sums {
public:
    Sums(const Call& call, std::size_t w, std::size_t x_zero, std::size_t w_zero)
        : taps_(call.node, call.in[0], call.in[w]), x_zero_(call.has(x_zero) ? only_element(call.in[x_zero]).get_int_at(0) : 0) {
        if (!call.has(w_zero)) return;
        w_zero_ = Spread(call.in[w_zero]);
        require_at_run(call.in[w_zero].count() == 1 || call.in[w_zero].count() == call.in[w].shape[0], "the zero points do not fit the weights");
    }

    std::int64_t at(const Dims& o) const {
        const std::int64_t w_zero = w_zero_ ? w_zero_->integer(o[1]) : 0;
        std::int64_t sum = 0;
        taps_.for_each(o, [&](std::int64_t in_x, std::int64_t in_w) { sum += (taps_.x.get_int_at(in_x) - x_zero_) * (taps_.w.get_int_at(in_w) - w_zero); });
        return sum;
    }

private:
    ConvTaps taps_;
    std::int64_t x_zero_;
    std::optional<Spread> w_zero_;
};

void infer_integer(Inference& c) {
    for (std::size_t i : {0, 1}) require_bytes(c, i);
    require_same_type(c, 2, 0);
    require_same_type(c, 3, 1);
    Shape y = conv_shape(c, 1, c.in.size());
    require_single(c, 2, "the zero point of x");
    require_single_or(c, 3, y[1], "the zero point of w");
    c.set(0, DType::i32, std::move(y));
}

void reference_integer(const Call& call) {
    const Sums sums(call, 1, 2, 3);
    for (const Dims& o : indices(call.out[0].shape)) call.out[0].set_int(o, sums.at(o));
}

void infer_quantized(Inference& c) {
    for (std::size_t i : {0, 3, 7}) require_bytes(c, i);
    for (std::size_t i : {1, 4, 6}) require_float(c, i);
    require_same_type(c, 2, 0);
    require_same_type(c, 5, 3);
    if (c.has(8) && c.dtype(8) != DType::i32)
        throw Error({.what = fmt::format("the bias (input 8) is {}", name_of(c.dtype(8))), .fix = "it must be i32"});
    Shape y = conv_shape(c, 3, 8);
    require_single(c, 1, "the scale of x");
    require_single(c, 2, "the zero point of x");
    require_single_or(c, 4, y[1], "the scale of w");
    require_single_or(c, 5, y[1], "the zero point of w");
    require_single(c, 6, "the scale of y");
    require_single(c, 7, "the zero point of y");
    c.set(0, c.dtype(7), std::move(y));
}

void reference_quantized(const Call& call) {
    const View& y = call.out[0];
    const Sums sums(call, 3, 2, 5);
    const std::int64_t channels = call.in[3].shape[0];
    require_at_run(call.in[4].count() == 1 || call.in[4].count() == channels, "the scales do not fit the weights");
    require_at_run(!call.has(8) || call.in[8].shape == Dims{channels}, "the bias does not fit the weights");
    const Spread w_scale(call.in[4]);
    const double x_scale = only_element(call.in[1]).get_at(0), y_scale = only_element(call.in[6]).get_at(0);
    const std::int64_t y_zero = only_element(call.in[7]).get_int_at(0);
    for (const Dims& o : indices(y.shape)) {
        const std::int64_t sum = sums.at(o) + (call.has(8) ? call.in[8].get_int({o[1]}) : 0);
        y.set_int(o, requantized(sum, x_scale, w_scale.real(o[1]), y_scale, y_zero, y.dtype));
    }
}

OpDef def(std::string_view name, Count inputs, Infer infer, Reference reference) {
    return {.name = name, .versions = {{10}}, .inputs = inputs,
            .attributes = {{"auto_pad", AttributeKind::text}, {"dilations", AttributeKind::integers}, {"group", AttributeKind::integer},
                           {"kernel_shape", AttributeKind::integers}, {"pads", AttributeKind::integers}, {"strides", AttributeKind::integers}},
            .infer = infer, .reference = reference};
}

const RegisteredOp conv_integer{def("ConvInteger", {2, 4}, infer_integer, reference_integer)};
const RegisteredOp qlinear_conv{def("QLinearConv", {8, 9}, infer_quantized, reference_quantized)};

}  // namespace
}  // namespace tercet
