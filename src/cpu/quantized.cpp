// SPDX-License-Identifier: Apache-2.0
#include "cpu/quantized.h"

namespace tercet {

Refusal refuse_byte_product(const Step& s, const Isa& isa) {
    if (isa.level == Isa::Level::reference) return "needs vector instructions";
    const bool conv = s.is("QuantizedConv");
    if (!conv && !s.is("QuantizedMatMul")) return "no product of bytes";
    if (s.outputs.size() != 1) return "has a second output";
    const DType y = s.outputs[0].dtype;
    if (y != DType::f32 && y != DType::i8 && y != DType::u8) return "its result is stored as another type than f32, i8 and u8";
    if (!s.inputs[1].constant) return "the weights are computed";
    if (s.has(2) && !s.inputs[2].constant) return "the bias is computed";
    if (conv && s.attributes().text("layout", "NCHW") != "NHWC") return "channels are not last";
    if (!conv && s.inputs[1].shape.size() != 2) return "the right side is not a matrix";
    if (!conv && s.inputs[0].shape.size() < 2) return "the left side has no row";
    return {};
}

ByteProduct byte_product(const Step& s) {
    ByteProduct p{.is_conv = s.is("QuantizedConv")};
    const Dims &x = s.inputs[0].shape, &w = s.inputs[1].shape;
    p.bias = s.has(2) ? s.inputs[2].constant : nullptr;
    p.x_pixel = x.back();
    if (!p.is_conv) {
        p.transposed = s.attributes().integer("transB", 0) != 0;
        p.depth = x.back();
        p.columns = w[p.transposed ? 0 : 1];
        p.rows = count_of(x.part(0, x.size() - 1));
        return p;
    }
    p.at = channels_last(s, w.part(2));
    p.groups = s.attributes().integer("group", 1);
    p.rows = p.at.rows();
    p.columns = p.at.out_channels / p.groups;
    p.taps = p.at.taps;
    p.depth = p.at.in_channels / p.groups;
    p.lines = p.at.window.rank == 1 ? 1 : p.at.window.axes[0].kernel;
    return p;
}

}  // namespace tercet
