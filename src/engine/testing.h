// SPDX-License-Identifier: Apache-2.0
// For tests: engine files made in memory of any sections at all, with checksums that hold.
#pragma once

#include "engine/program.h"

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace tercet::testing {

std::vector<std::byte> engine_bytes(std::span<const std::byte> program, std::span<const std::byte> weights);

/// The two sections of a program's file.
std::pair<std::vector<std::byte>, std::vector<std::byte>> engine_sections(const Program&);

}  // namespace tercet::testing
