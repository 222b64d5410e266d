// SPDX-License-Identifier: Apache-2.0
// Pictures out of image files.
#pragma once

#include "tensor/tensor.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace tercet {

inline constexpr std::uint64_t max_pixels = std::uint64_t{1} << 28;

bool is_jpeg(std::span<const std::byte> bytes) noexcept;
bool is_png(std::span<const std::byte> bytes) noexcept;

/// A JPEG (baseline, progressive, CMYK too) as u8 [H, W, 3], or [H, W, 1] if it is gray. An orientation that its metadata ask
/// for is not applied. Error if it is damaged, truncated, or has more than max_pixels.
Tensor decode_jpeg(std::span<const std::byte> bytes);

/// A PNG likewise; 16 bits are scaled to 8, palettes resolved, transparency dropped.
Tensor decode_png(std::span<const std::byte> bytes);

/// Either of them. Error for anything else.
Tensor decode_image(std::span<const std::byte> bytes);

}  // namespace tercet
