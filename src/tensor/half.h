// SPDX-License-Identifier: Apache-2.0
// The 16-bit floating types, as storage: conversion to and from double, rounding once, half to even.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

namespace tercet {

struct BFloat16 {
    std::uint16_t bits = 0;
    BFloat16() = default;
    explicit BFloat16(double v);
    operator double() const { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }
};

struct Float16 {
    std::uint16_t bits = 0;
    Float16() = default;
    explicit Float16(double v);
    operator double() const {
        const int exponent = bits >> 10 & 31, fraction = bits & 1023;
        const double sign = bits & 0x8000 ? -1.0 : 1.0;
        if (exponent == 31) return fraction ? std::nan("") : sign * HUGE_VAL;
        return sign * (exponent ? std::ldexp(1024 + fraction, exponent - 25) : std::ldexp(fraction, -24));
    }
};

/// `v` rounded once to `fraction_bits` bits below the leading one, for exponents from `min_exponent` (below: subnormal spacing).
inline double round_to_precision(double v, int fraction_bits, int min_exponent) {
    if (v == 0 || !std::isfinite(v)) return v;
    const int exponent = std::max(std::ilogb(v), min_exponent);
    return std::ldexp(std::nearbyint(std::ldexp(v, fraction_bits - exponent)), exponent - fraction_bits);
}

inline BFloat16::BFloat16(double v) {
    // Exact in float afterwards: 8 significant bits, float's exponent range.
    bits = std::isnan(v) ? std::uint16_t{0x7fc0}
                         : static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(static_cast<float>(round_to_precision(v, 7, -126))) >> 16);
}

inline Float16::Float16(double v) {
    const auto sign = static_cast<std::uint16_t>(std::signbit(v) ? 0x8000 : 0);
    if (std::isnan(v)) { bits = 0x7e00; return; }
    const double a = std::fabs(round_to_precision(v, 10, -14));
    if (a >= 65536) { bits = static_cast<std::uint16_t>(sign | 0x7c00); return; }
    if (a < 0x1p-14) { bits = static_cast<std::uint16_t>(sign | static_cast<int>(std::ldexp(a, 24))); return; }
    const int exponent = std::ilogb(a);
    bits = static_cast<std::uint16_t>(sign | (exponent + 15) << 10 | (static_cast<int>(std::ldexp(a, 10 - exponent)) & 1023));
}

}  // namespace tercet
