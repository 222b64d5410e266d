// SPDX-License-Identifier: Apache-2.0
// How the loops of this folder go over a row whose length is no multiple of a vector's, and add one up.
#pragma once

#include "cpu/simd/vector.h"

namespace tercet::simd {
namespace {

// Calls body(offset, count) for whole vectors (count == lanes), then once for the rest.
template <class Body>
inline void for_vectors(std::int64_t n, Body body) {
    std::int64_t i = 0;
    for (; i + lanes <= n; i += lanes) body(i, static_cast<std::int64_t>(lanes));
    if (i < n) body(i, n - i);
}

inline Floats load(const float* p, std::int64_t n) { return n == lanes ? load(p) : load_part(p, n); }
inline void store(float* p, Floats v, std::int64_t n) {
    if (n == lanes) store(p, v);
    else store_part(p, v, n);
}

constexpr auto plus = [](Floats a, Floats b) { return a + b; };
constexpr auto greater = [](Floats a, Floats b) { return max(a, b); };
constexpr auto less = [](Floats a, Floats b) { return min(a, b); };

// The first n lanes of v, `fill` behind them.
inline Floats filled(Floats v, std::int64_t n, Floats fill) {
    Ints index;
    for (int i = 0; i < lanes; ++i) index[i] = i;
    return index < static_cast<std::int32_t>(n) ? v : fill;
}

// The sum of term(x[i]) for i in [0, n): four sums at a time, which are added in double once per block.
template <class Term>
inline double sum_of(const float* x, std::int64_t n, Term term) {
    constexpr std::int64_t block = 4096;
    double total = 0;
    for (std::int64_t first = 0; first < n; first += block) {
        const std::int64_t last = n - first < block ? n : first + block;
        Floats a{}, b{}, c{}, d{};
        std::int64_t i = first;
        for (; i + 4 * lanes <= last; i += 4 * lanes) {
            a += term(load(x + i));
            b += term(load(x + i + lanes));
            c += term(load(x + i + 2 * lanes));
            d += term(load(x + i + 3 * lanes));
        }
        for (; i < last; i += lanes) {
            const std::int64_t k = last - i < lanes ? last - i : lanes;
            const Floats v = term(load(x + i, k));
            a += k < lanes ? filled(v, k, Floats{}) : v;
        }
        total += static_cast<double>(over_lanes((a + b) + (c + d), plus)[0]);
    }
    return total;
}

inline Floats magnitude(Floats v) { return v < 0 ? -v : v; }

}  // namespace
}  // namespace tercet::simd
