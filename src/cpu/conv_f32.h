// SPDX-License-Identifier: Apache-2.0
// What the convolution tactics for f32 in NHWC share.
#pragma once

#include "cpu/channels_last.h"
#include "cpu/panel_product.h"

namespace tercet {

struct Conv {
    ChannelsLast at;
    std::int64_t groups = 1;
    std::int64_t depth() const { return at.in_channels / groups; }  // input channels of a group
    const Tensor* bias = nullptr;
};

/// Weights in 16 bits (`stored` as f32) only where the tactic reads such.
Refusal refuse_conv(const Step& step, const Isa& isa, bool reads_half = false);
Conv conv_of(const Step& step);

/// As a product: one row per output pixel, per group; `taps` windows of `depth` channels, or one tap of all of them.
PanelShape panels_of(const Conv& conv);
Tensor pack_conv(const Step& step, const Variant& variant);
std::int64_t packed_conv_count(const Step& step, const Variant& variant);
std::vector<Variant> conv_variants(const Step& step, const Isa& isa);
Numerics conv_numerics(const Step& step);

}  // namespace tercet
