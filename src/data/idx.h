// SPDX-License-Identifier: Apache-2.0
// IDX, the format of MNIST and its relatives.
#pragma once

#include "system/mapped_file.h"
#include "tensor/tensor.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace tercet {

bool is_idx(std::span<const std::byte> bytes) noexcept;

/// Bytes that an IDX file has, by its header. Error if it is damaged.
std::uint64_t idx_bytes(std::span<const std::byte> head);

/// u8 refers to the file's bytes; other types are copied from big-endian. Error if it is damaged or truncated.
Tensor parse_idx(const FileBytes& file);

}  // namespace tercet
