// SPDX-License-Identifier: Apache-2.0
// What the fuzzer mutates instead of an engine file, whose checksums would stop nearly every mutation: a 32-bit length, so
// many bytes of section "program", and the weights.
#pragma once

#include "engine/testing.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace tercet {

inline std::vector<std::byte> join_parts(std::span<const std::byte> cbor, std::span<const std::byte> weights) {
    const auto length = static_cast<std::uint32_t>(cbor.size());
    std::vector<std::byte> parts(sizeof length);
    std::memcpy(parts.data(), &length, sizeof length);
    parts.insert(parts.end(), cbor.begin(), cbor.end());
    parts.insert(parts.end(), weights.begin(), weights.end());
    return parts;
}

inline std::vector<std::byte> engine_parts(const Program& program) {
    const auto [cbor, weights] = testing::engine_sections(program);
    return join_parts(cbor, weights);
}

/// The program's bytes and the weights.
inline std::pair<std::span<const std::byte>, std::span<const std::byte>> split_parts(std::span<const std::byte> parts) {
    std::uint32_t length = 0;
    if (parts.size() < sizeof length) return {};
    std::memcpy(&length, parts.data(), sizeof length);
    parts = parts.subspan(sizeof length);
    const std::size_t n = std::min<std::size_t>(length, parts.size());
    return {parts.first(n), parts.subspan(n)};
}

}  // namespace tercet
