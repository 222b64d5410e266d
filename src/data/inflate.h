// SPDX-License-Identifier: Apache-2.0
// Decompression (zlib) with bounds: a small file can claim, or really hold, more than fits into memory.
#pragma once

#include "tensor/dims.h"
#include "tercet/dtype.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace tercet {

inline constexpr std::uint64_t max_inflated_bytes = std::uint64_t{4} << 30;
inline constexpr std::uint64_t max_deflate_ratio = 1032;  // of the format: 258 bytes from two bits

bool is_gzip(std::span<const std::byte> bytes) noexcept;

/// How many bytes a file may have, told by its first ones (64 KiB, or all if it has fewer). May throw Error.
using Promise = std::function<std::uint64_t(std::span<const std::byte> head)>;

/// Unpacks a gzip file (one or several members). Error if it is damaged or truncated, or if it unpacks to more than
/// promised or than max_inflated_bytes.
std::vector<std::byte> gunzip(std::span<const std::byte> packed, const Promise& promise);

/// Unpacks a raw deflate stream (a member of a zip file) that gives exactly `count` bytes. Error otherwise.
std::vector<std::byte> inflate_exactly(std::span<const std::byte> packed, std::uint64_t count);

/// Bytes of a tensor that a file claims to hold; empty if an extent is negative, the number of elements overflows, or
/// they take more than `available`. To be asked before anything is allocated or multiplied.
std::optional<std::uint64_t> bytes_within(DType dtype, const Dims& shape, std::uint64_t available) noexcept;

}  // namespace tercet
