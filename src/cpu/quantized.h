// SPDX-License-Identifier: Apache-2.0
// What the tactics for products of bytes (QuantizedConv, QuantizedMatMul) share.
#pragma once

#include "cpu/channels_last.h"

namespace tercet {

/// A product of bytes: rows of pixels by columns of output channels.
struct ByteProduct {
    bool is_conv = false;
    ChannelsLast at{};              // of a convolution
    std::int64_t rows = 0, groups = 1, columns = 0;  // columns per group
    std::int64_t lines = 1, taps = 1, depth = 0;     // of a window: its lines and pixels; bytes per pixel and group
    std::int64_t x_pixel = 0;       // bytes between pixels, or rows
    const Tensor* bias = nullptr;   // i32 [groups*columns]
    bool transposed = false;        // a matrix product's weights are [columns, depth]

    std::int64_t length() const { return taps * depth; }
    /// Element of the model's weights: column of group g is g*columns + column.
    std::int64_t weight(std::int64_t column, std::int64_t tap, std::int64_t k) const {
        if (is_conv) return (column * depth + k) * taps + tap;
        return transposed ? column * depth + k : k * columns + column;
    }
};

Refusal refuse_byte_product(const Step& step, const Isa& isa);
ByteProduct byte_product(const Step& step);

}  // namespace tercet
