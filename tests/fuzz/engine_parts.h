// SPDX-License-Identifier: Apache-2.0
// What the fuzzer mutates instead of an engine file, whose checksums would stop nearly every mutation: a 32-bit length, so
// many bytes of CBOR, and the weights. The whole file, with checksums that hold, is made of them.
#pragma once

#include "engine/program.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tercet {

std::vector<std::uint8_t> engine_parts(const Program&);
std::vector<std::byte> engine_file_of(std::span<const std::uint8_t> parts);

}  // namespace tercet
