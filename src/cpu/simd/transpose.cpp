// SPDX-License-Identifier: Apache-2.0
// Transposes squares of as many elements a side as a vector has, in registers: log2(lanes) exchanges, each of the lanes whose
// number has one bit set with those of the register whose number has it, too.
#include "cpu/simd/loops.h"
#include "cpu/simd/parts.h"

namespace tercet::simd {
namespace {

template <int bit, int... k>
inline Floats lower(Floats a, Floats b, std::integer_sequence<int, k...>) { return __builtin_shufflevector(a, b, ((k & bit) != 0 ? lanes + k - bit : k)...); }
template <int bit, int... k>
inline Floats upper(Floats a, Floats b, std::integer_sequence<int, k...>) { return __builtin_shufflevector(a, b, ((k & bit) != 0 ? lanes + k : k + bit)...); }

template <int bit = lanes / 2>
inline void exchange(Floats (&v)[lanes]) {
    constexpr auto all_lanes = std::make_integer_sequence<int, lanes>{};
#pragma GCC unroll 16
    for (int i = 0; i < lanes; ++i) {
        if ((i & bit) != 0) continue;
        const Floats a = v[i], b = v[i + bit];
        v[i] = lower<bit>(a, b, all_lanes);
        v[i + bit] = upper<bit>(a, b, all_lanes);
    }
    if constexpr (bit > 1) exchange<bit / 2>(v);
}

inline void square(float* y, std::int64_t y_step, const float* x, std::int64_t x_step) {
    Floats v[lanes];
#pragma GCC unroll 16
    for (int j = 0; j < lanes; ++j) v[j] = load(x + j * x_step);
    exchange(v);
#pragma GCC unroll 16
    for (int i = 0; i < lanes; ++i) store(y + i * y_step, v[i]);
}

void part_of_square(float* y, std::int64_t y_step, const float* x, std::int64_t x_step, std::int64_t rows, std::int64_t columns) {
    Floats v[lanes];
    for (int j = 0; j < lanes; ++j) v[j] = j < columns ? load(x + j * x_step, rows) : Floats{};
    exchange(v);
    for (std::int64_t i = 0; i < rows; ++i) store(y + i * y_step, v[i], columns);
}

void transpose(float* y, std::int64_t y_step, const float* x, std::int64_t x_step, std::int64_t rows, std::int64_t columns) noexcept {
    for (std::int64_t i = 0; i < rows; i += lanes)
        for (std::int64_t j = 0; j < columns; j += lanes) {
            float* to = y + i * y_step + j;
            const float* from = x + j * x_step + i;
            const std::int64_t m = rows - i < lanes ? rows - i : lanes, n = columns - j < lanes ? columns - j : lanes;
            if (m == lanes && n == lanes) square(to, y_step, from, x_step);
            else part_of_square(to, y_step, from, x_step, m, n);
        }
}

}  // namespace

namespace TERCET_LEVEL {
const Transpose transpose_words = transpose;
}  // namespace TERCET_LEVEL

}  // namespace tercet::simd
