// SPDX-License-Identifier: Apache-2.0
// NumPy's array files.
#pragma once

#include "system/mapped_file.h"
#include "tensor/tensor.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>

namespace tercet {

bool is_npy(std::span<const std::byte> bytes) noexcept;
bool is_zip(std::span<const std::byte> bytes) noexcept;

/// Bytes that an NPY file has, by its header (the first 64 KiB hold all headers that are read). Error if it is damaged.
std::uint64_t npy_bytes(std::span<const std::byte> head);

/// An NPY file, versions 1 to 3, of any dtype that `computes` (bf16 as '<V2'), either byte order, C or Fortran order. The
/// tensor refers to the file's bytes where it can. Error if it is damaged, truncated, or holds another type.
Tensor parse_npy(const FileBytes& file);

/// All arrays of an NPZ file by name, stored or deflated. Error if it is damaged, encrypted, or a zip64.
std::map<std::string, Tensor> parse_npz(const FileBytes& file);

/// Writes version 1. Error if the dtype is not one that `computes`, or the file cannot be written.
void write_npy(const std::filesystem::path& file, const Tensor& tensor);

}  // namespace tercet
