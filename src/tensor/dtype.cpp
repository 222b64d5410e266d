// SPDX-License-Identifier: Apache-2.0
#include "tercet/dtype.h"

#include <array>

namespace tercet {
namespace {

struct Row {
    std::string_view name;
    int bits;
    bool computes;
};

constexpr std::array<Row, 27> table{{
    {"undefined", 0, false}, {"f32", 32, true},         {"u8", 8, true},         {"i8", 8, true},
    {"u16", 16, true},       {"i16", 16, true},         {"i32", 32, true},       {"i64", 64, true},
    {"string", 0, false},    {"bool", 8, true},         {"f16", 16, true},       {"f64", 64, true},
    {"u32", 32, true},       {"u64", 64, true},         {"c64", 64, false},      {"c128", 128, false},
    {"bf16", 16, true},      {"f8e4m3fn", 8, false},    {"f8e4m3fnuz", 8, false}, {"f8e5m2", 8, false},
    {"f8e5m2fnuz", 8, false}, {"u4", 4, false},         {"i4", 4, false},        {"f4e2m1", 4, false},
    {"f8e8m0", 8, false},    {"u2", 2, false},          {"i2", 2, false},
}};

const Row& row(DType t) noexcept { return table[static_cast<std::size_t>(t)]; }

}  // namespace

int bits_of(DType t) noexcept { return row(t).bits; }

std::size_t bytes_of(DType t, std::int64_t count) noexcept {
    return (static_cast<std::size_t>(count) * static_cast<std::size_t>(row(t).bits) + 7) / 8;
}

std::string_view name_of(DType t) noexcept { return row(t).name; }

std::optional<DType> dtype_named(std::string_view name) noexcept {
    for (std::size_t i = 1; i < table.size(); ++i)
        if (table[i].name == name) return static_cast<DType>(i);
    return std::nullopt;
}

bool is_dtype(std::int64_t n) noexcept { return n > 0 && n < static_cast<std::int64_t>(table.size()); }

bool computes(DType t) noexcept { return row(t).computes; }

bool is_float(DType t) noexcept { return t == DType::f32 || t == DType::f64 || t == DType::f16 || t == DType::bf16; }

bool is_integer(DType t) noexcept { return computes(t) && !is_float(t) && t != DType::boolean; }

bool is_unsigned(DType t) noexcept {
    return t == DType::u8 || t == DType::u16 || t == DType::u32 || t == DType::u64;
}

}  // namespace tercet
