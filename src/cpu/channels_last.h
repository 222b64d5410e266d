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

    /// Calls found(tap, offset) for every tap of output pixel `row` (counted over the batch): the offset in floats of the input
    /// pixel under it, or -1 in the padding.
    template <class Found>
    void for_taps(std::int64_t row, Found found) const {
        const auto& [a, b, c] = window.axes;
        const std::int64_t image = row / out_pixels, p = row % out_pixels;
        const std::int64_t ia = p / (b.out * c.out), ib = p / c.out % b.out, ic = p % c.out;
        std::int64_t tap = 0;
        for (std::int64_t ta = 0; ta < a.kernel; ++ta) {
            const std::int64_t xa = a.position(ia, ta);
            const bool in_a = xa >= 0 && xa < a.in;
            for (std::int64_t tb = 0; tb < b.kernel; ++tb) {
                const std::int64_t xb = b.position(ib, tb);
                const bool in_b = in_a && xb >= 0 && xb < b.in;
                const std::int64_t line = (image * in_pixels + (xa * b.in + xb) * c.in) * in_channels;
                for (std::int64_t tc = 0; tc < c.kernel; ++tc, ++tap) {
                    const std::int64_t xc = c.position(ic, tc);
                    found(tap, in_b && xc >= 0 && xc < c.in ? line + xc * in_channels : -1);
                }
            }
        }
    }
};

/// Why the step is not a windowed f32 operator in NHWC that vector loops can take; empty if it is.
Refusal refuse_channels_last(const Step& step, const Isa& isa);

ChannelsLast channels_last(const Step& step, const Dims& kernel);

}  // namespace tercet
