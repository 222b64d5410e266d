// SPDX-License-Identifier: Apache-2.0
// The sliding window of convolutions and pools, over 1 to 3 spatial axes. Per axis, with reach = (kernel - 1)*dilation + 1:
//
//     NOTSET, VALID  out = floor((in + pad_begin + pad_end - reach)/stride) + 1; VALID has no padding and knows no ceil_mode
//     ceil_mode      out = ceil(...) + 1, but a window never starts behind the input: those in the end padding are left out
//     SAME_*         out = ceil(in/stride); padded by what the last window lacks, the odd one at the end (UPPER) or the begin
#pragma once

#include "ops/op.h"

#include <array>
#include <cstdint>

namespace tercet {

struct WindowAxis {
    std::int64_t in = 1, out = 1, kernel = 1, stride = 1, dilation = 1, pad_begin = 0, pad_end = 0;

    struct Taps {
        std::int64_t first = 0, last = 0;  // [first, last)
        std::int64_t count() const { return last - first; }
        friend bool operator==(const Taps&, const Taps&) = default;
    };
    /// Where a window's tap reads: in the padding if outside [0, in).
    std::int64_t position(std::int64_t window, std::int64_t tap) const { return window * stride - pad_begin + tap * dilation; }
    std::int64_t reach() const { return (kernel - 1) * dilation + 1; }
    /// The taps of a window that read the input itself.
    Taps inside(std::int64_t window) const;
    /// How many taps read the input or its padding: with ceil_mode the last window reaches beyond both.
    std::int64_t padded_taps(std::int64_t window) const;

    friend bool operator==(const WindowAxis&, const WindowAxis&) = default;
};

struct Window {
    int rank = 0;                       // number of spatial axes
    std::array<WindowAxis, 3> axes{};   // those behind `rank` are 1 everywhere, so that three loops serve all ranks

    Dims out() const;                   // [spatial...]
    friend bool operator==(const Window&, const Window&) = default;
};

/// The window of a node whose types were inferred, for an input of this shape, [N, C, spatial...]. Never allocates.
Window window_of(const Node& node, const Dims& input_shape, const Dims& kernel);

/// The same while types are inferred: checks the attributes and gives the extents of the output, [spatial...].
Shape infer_window(const Node& node, const Shape& input_shape, const Dims& kernel);

/// The attribute 'kernel_shape', for an input with that many spatial axes. Error if it does not fit.
Dims kernel_shape(const Node& node, int spatial_axes);

}  // namespace tercet
