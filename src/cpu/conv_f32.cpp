// SPDX-License-Identifier: Apache-2.0
#include "cpu/conv_f32.h"

namespace tercet {

Refusal refuse_conv(const Step& s, const Isa& isa, bool reads_half) {
    if (!s.is("Conv")) return "not a convolution";
    if (Refusal r = refuse_channels_last(s, isa)) return r;
    if (!s.inputs[1].constant) return "the weights are computed";
    if (Refusal r = refuse_weights(s, reads_half)) return r;
    if (s.has(2) && (!s.inputs[2].constant || s.inputs[2].dtype != DType::f32)) return "the bias is computed";
    return {};
}

Conv conv_of(const Step& s) {
    Conv c;
    c.at = channels_last(s, s.inputs[1].shape.part(2));
    c.groups = s.attributes().integer("group", 1);
    c.bias = s.has(2) ? s.inputs[2].constant : nullptr;
    return c;
}

PanelShape panels_of(const Conv& c) {
    return {.rows = c.at.rows(), .groups = c.groups, .columns = c.at.out_channels / c.groups, .taps = c.at.taps, .depth = c.depth()};
}

// [M, C/groups, taps] in the model; the order (taps, depth) of a panel serves one tap of all channels of all taps as well.
Tensor pack_conv(const Step& s, const Variant& v) {
    const Conv c = conv_of(s);
    return pack_panels(panels_of(c), v.cols, *s.inputs[1].constant, [&](std::int64_t column, std::int64_t tap, std::int64_t k) {
        return (column * c.depth() + k) * c.at.taps + tap;
    });
}

std::int64_t packed_conv_count(const Step& s, const Variant& v) { return panel_count(panels_of(conv_of(s)), v.cols); }

std::vector<Variant> conv_variants(const Step& s, const Isa& isa) { return panel_variants(*simd_level(isa), conv_of(s).at.rows()); }

Numerics conv_numerics(const Step& s) {
    return TailProgram::exact(s, simd::baseline::level()) ? Numerics::reordered_sum : Numerics::approximate;
}

}  // namespace tercet
