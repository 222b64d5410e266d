// SPDX-License-Identifier: Apache-2.0
// One spatial axis of a transposed convolution. With reach = (kernel - 1)*dilation + 1 and full = (in - 1)*stride + reach + output_padding:
//     NOTSET, VALID  out = full - pad_begin - pad_end; VALID has no padding
//     SAME_*         out = in*stride
//     output_shape   out = what it says, whatever auto_pad is
// In the last two the padding is full - out, none if that is negative; the odd one is at the end for SAME_UPPER, else at the
// begin. (Before operator set 11 the text had it the other way round; such models are read by the newer text.)
#pragma once

#include "graph/attributes.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

namespace tercet {

struct TransposedAxis {
    std::int64_t kernel = 1, stride = 1, dilation = 1, pad_begin = 0, pad_end = 0, output_padding = 0;
    std::int64_t explicit_out = -1;  // of output_shape
    bool same = false, upper = false;

    TransposedAxis() = default;
    /// `rank` spatial axes, of which this is the i-th.
    TransposedAxis(const Attributes& a, int rank, int i, std::int64_t kernel_extent) : kernel(kernel_extent) {
        const auto element = [](std::span<const std::int64_t> list, int at, std::int64_t missing) { return list.empty() ? missing : list[static_cast<std::size_t>(at)]; };
        stride = element(a.integers("strides"), i, 1);
        dilation = element(a.integers("dilations"), i, 1);
        output_padding = element(a.integers("output_padding"), i, 0);
        explicit_out = element(a.integers("output_shape"), i, -1);
        const std::string_view mode = a.text("auto_pad", "NOTSET");
        same = mode == "SAME_UPPER" || mode == "SAME_LOWER";
        upper = mode == "SAME_UPPER";
        if (mode != "NOTSET") return;
        pad_begin = element(a.integers("pads"), i, 0);
        pad_end = element(a.integers("pads"), rank + i, 0);
    }

    template <class T>  // std::int64_t or Dim
    T full(const T& in) const { return (in - T(1)) * T(stride) + T((kernel - 1) * dilation + 1 + output_padding); }
    template <class T>
    T out(const T& in) const {
        if (explicit_out >= 0) return T(explicit_out);
        return same ? in * T(stride) : full(in) - T(pad_begin + pad_end);
    }
    /// The padding at the begin: element i of the input and tap k of the kernel meet at i*stride - begin + k*dilation.
    std::int64_t begin(std::int64_t in) const {
        if (explicit_out < 0 && !same) return pad_begin;
        const std::int64_t total = std::max<std::int64_t>(full(in) - out(in), 0);
        return upper ? total / 2 : total - total / 2;
    }
};

}  // namespace tercet
