// SPDX-License-Identifier: Apache-2.0
// Geometry of a windowed step (convolution, pool) whose activations lie [N, spatial..., C].
#pragma once

#include "ops/window.h"
#include "target/tactic.h"

namespace tercet {

struct ChannelsLast {
    Window window;
    std::int64_t batch = 0, in_channels = 0, out_channels = 0;
    std::int64_t in_pixels = 0, out_pixels = 0;  // per image
    std::int64_t taps = 0;

    std::int64_t rows() const { return batch * out_pixels; }  // output pixels in all

    /// The offset in floats of the input pixel under tap t of output pixel `row` (counted over the batch), or -1 in the padding.
    std::int64_t source(std::int64_t row, std::int64_t tap) const {
        const auto& a = window.axes;
        const std::int64_t image = row / out_pixels;
        std::int64_t p = row % out_pixels, index[3], pixel = 0;
        for (int i = 2; i >= 0; --i) index[i] = p % a[static_cast<std::size_t>(i)].out, p /= a[static_cast<std::size_t>(i)].out;
        std::int64_t t[3];
        for (int i = 2; i >= 0; --i) t[i] = tap % a[static_cast<std::size_t>(i)].kernel, tap /= a[static_cast<std::size_t>(i)].kernel;
        for (std::size_t i = 0; i < 3; ++i) {
            const std::int64_t x = a[i].position(index[i], t[i]);
            if (x < 0 || x >= a[i].in) return -1;
            pixel = pixel * a[i].in + x;
        }
        return (image * in_pixels + pixel) * in_channels;
    }
};

/// Why the step is not a windowed f32 operator in NHWC that vector loops can take; empty if it is.
Refusal refuse_channels_last(const Step& step, const Isa& isa);

ChannelsLast channels_last(const Step& step, const Dims& kernel);

}  // namespace tercet
