// SPDX-License-Identifier: Apache-2.0
// Sums of products of quantized values as real numbers; the tail makes of them what they stand for:
//     QuantizedConv    y[n,m,o] = float(bias[m] + sum over c and k of (x[n,c,o*stride - pad + k*dilation] - x_zero) * w[m,c,k])
//     QuantizedMatMul  y[...,m,n] = float(bias[n] + sum over k of (a[...,m,k] - x_zero) * b[...,k,n]), b read transposed if transB
// x, a: i8 or u8, w, b: i8, bias: i32, optional. Padding stands for x_zero. Sums are exact in 32 bits: a reduction that could be
// greater is refused. Rounded once, to f32. x_least promises that no x is less than it, for kernels that are faster then.
#include "ops/conv.h"
#include "ops/matmul.h"
#include "ops/quantized.h"
#include "ops/require.h"

#include <fmt/format.h>

namespace tercet {
namespace {

void infer_operands(Inference& c) {
    require_bytes(c, 0);
    if (c.dtype(1) != DType::i8) throw Error({.what = fmt::format("weights (input 1) are {}", name_of(c.dtype(1))), .fix = "they must be i8"});
    if (c.has(2) && c.dtype(2) != DType::i32) throw Error({.what = fmt::format("the bias (input 2) is {}", name_of(c.dtype(2))), .fix = "it must be i32"});
    const std::int64_t zero = c.attributes().integer("x_zero", 0);
    if (zero < (c.dtype(0) == DType::i8 ? -128 : 0) || zero > (c.dtype(0) == DType::i8 ? 127 : 255))
        throw Error({.what = fmt::format("attribute 'x_zero' is {}, no value of the input's type", zero)});
}

void check_length(const Dim& length) {
    if (const auto n = length.constant(); !n || *n > longest_sum_of_bytes)
        throw Error({.what = fmt::format("sums of {} products could be greater than 32 bits hold", length.text()), .fix = fmt::format("leave the layer in fp32; at most {} are possible", longest_sum_of_bytes)});
}

void infer_conv(Inference& c) {
    infer_operands(c);
    Shape y = conv_shape(c, 1, 2);
    Dim length = 1;
    for (std::size_t i = 1; i < c.shape(1).size(); ++i) length = length * c.shape(1)[i];
    check_length(length);
    c.set(0, DType::f32, std::move(y));
}

void reference_conv(const Call& call) {
    const View &x = call.in[0], &w = call.in[1], &y = call.out[0];
    const ConvTaps taps(call.node, x, w);
    require_at_run(!call.has(2) || call.in[2].shape == Dims{w.shape[0]}, "the bias does not fit the weights");
    const std::int64_t zero = call.attributes().integer("x_zero", 0);
    for (const Dims& o : indices(y.shape)) {
        std::int64_t sum = call.has(2) ? call.in[2].get_int({o[1]}) : 0;
        taps.for_each(o, [&](std::int64_t at, std::int64_t tap) { sum += (x.get_int_at(at) - zero) * w.get_int_at(tap); });
        y.set(o, static_cast<double>(sum));
    }
}

bool transposed(const Attributes& a) { return a.integer("transB", 0) != 0; }

void infer_matmul(Inference& c) {
    infer_operands(c);
    const bool transposes = transposed(c.attributes());
    if (transposes) require_rank(c, 1, 2, 2);
    Shape y;
    if (transposes) {
        require_rank(c, 0, 1);
        if (!may_equal(c.shape(0).back(), c.shape(1)[1]))
            throw Error({.what = fmt::format("shapes [{}] and [{}], transposed, cannot be multiplied", text_of(c.shape(0)), text_of(c.shape(1))), .fix = "compare the inputs' shapes"});
        y = c.shape(0);
        y.back() = c.shape(1)[0];
    } else {
        y = matmul_shape(c, 0, 1);
    }
    check_length(transposes ? c.shape(1)[1] : c.shape(1).size() == 1 ? c.shape(1)[0] : c.shape(1)[c.shape(1).size() - 2]);
    if (c.has(2)) require_shape(c, 2, {y.empty() ? Dim(1) : y.back()}, "the bias");
    c.set(0, DType::f32, std::move(y));
}

void reference_matmul(const Call& call) {
    const Matrices m(call.in[0], transposed(call.attributes()) ? call.in[1].permuted({1, 0}) : call.in[1], call.out[0]);
    const View &a = m.a, &b = m.b, &y = m.y;
    const int r = y.rank() - 2, c = r + 1;
    const std::int64_t zero = call.attributes().integer("x_zero", 0);
    require_at_run(!call.has(2) || call.in[2].count() == y.shape[c], "the bias does not fit the product");
    for (const Dims& i : indices(y.shape)) {
        Dims in_a = i, in_b = i;
        std::int64_t sum = call.has(2) ? call.in[2].get_int({i[c]}) : 0;
        for (std::int64_t k = 0; k < a.shape[c]; ++k) {
            in_a[c] = in_b[r] = k;
            sum += (a.get_int(in_a) - zero) * b.get_int(in_b);
        }
        y.set(i, static_cast<double>(sum));
    }
}

const RegisteredOp conv{{.name = "QuantizedConv", .domain = "tercet", .versions = {{1}}, .inputs = {2, 3},
                         .attributes = {{"auto_pad", AttributeKind::text}, {"dilations", AttributeKind::integers}, {"group", AttributeKind::integer},
                                        {"kernel_shape", AttributeKind::integers}, {"pads", AttributeKind::integers}, {"strides", AttributeKind::integers},
                                        {"x_least", AttributeKind::integer}, {"x_zero", AttributeKind::integer}},
                         .infer = infer_conv, .reference = reference_conv, .channels = true, .stores = true, .takes_bytes = true}};
const RegisteredOp matmul{{.name = "QuantizedMatMul", .domain = "tercet", .versions = {{1}}, .inputs = {2, 3},
                           .attributes = {{"transB", AttributeKind::integer}, {"x_least", AttributeKind::integer}, {"x_zero", AttributeKind::integer}},
                           .infer = infer_matmul, .reference = reference_matmul, .stores = true, .takes_bytes = true}};

}  // namespace
}  // namespace tercet
