// SPDX-License-Identifier: Apache-2.0
/// @file
/// Element types of tensors. The numbers are ONNX's (onnx.proto, TensorProto.DataType), so that none has to be translated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace [[gnu::visibility("default")]] tercet {

/// The type of a tensor's elements.
enum class DType : std::uint8_t {
    undefined = 0,
    f32 = 1, u8 = 2, i8 = 3, u16 = 4, i16 = 5, i32 = 6, i64 = 7, string = 8, boolean = 9, f16 = 10, f64 = 11, u32 = 12,
    u64 = 13, c64 = 14, c128 = 15, bf16 = 16, f8e4m3fn = 17, f8e4m3fnuz = 18, f8e5m2 = 19, f8e5m2fnuz = 20, u4 = 21,
    i4 = 22, f4e2m1 = 23, f8e8m0 = 24, u2 = 25, i2 = 26,
};

/// Bits of one element; 0 for `string` and `undefined`. Types below 8 bits are packed, first element in the low bits.
int bits_of(DType) noexcept;

/// Bytes that `count` elements take.
std::size_t bytes_of(DType, std::int64_t count) noexcept;

/// The short name: "f32", "i64", "bool", ...
std::string_view name_of(DType) noexcept;

/// The type of a short name; empty if there is none.
std::optional<DType> dtype_named(std::string_view name) noexcept;

/// Whether the number is one of ONNX's types.
bool is_dtype(std::int64_t onnx_number) noexcept;

/// Whether operators compute in it: f32, f64, f16, bf16, all integers from 8 bits, and bool. The others are carried, not computed.
bool computes(DType) noexcept;

bool is_float(DType) noexcept;     ///< f16, bf16, f32, f64
bool is_integer(DType) noexcept;   ///< 8 bits and more, signed or not; not bool
bool is_unsigned(DType) noexcept;  ///< u8, u16, u32, u64

}  // namespace tercet
