// SPDX-License-Identifier: Apache-2.0
// Sums of products for the reference implementations: doubles for floating types; integers are exact, modulo 2^64.
#pragma once

#include "tensor/view.h"

#include <cstdint>
#include <type_traits>

namespace tercet {

template <class T>
using Sum = std::conditional_t<std::is_integral_v<T>, std::uint64_t, double>;

/// sum over k of a[a_at + k*a_step] * b[b_at + k*b_step], positions in elements from the views' data.
/// Elements of floating T may be stored in other types.
template <class T>
Sum<T> dot(const View& a, std::int64_t a_at, std::int64_t a_step, const View& b, std::int64_t b_at, std::int64_t b_step, std::int64_t count) {
    Sum<T> sum = 0;
    if constexpr (!std::is_integral_v<T>)
        if (a.dtype != b.dtype || bits_of(a.dtype) != static_cast<int>(8 * sizeof(T))) {
            for (std::int64_t k = 0; k < count; ++k) sum += a.get_at(a_at + k * a_step) * b.get_at(b_at + k * b_step);
            return sum;
        }
    for (std::int64_t k = 0; k < count; ++k)
        sum += static_cast<Sum<T>>(load<T>(a.address(a_at + k * a_step))) * static_cast<Sum<T>>(load<T>(b.address(b_at + k * b_step)));
    return sum;
}

}  // namespace tercet
