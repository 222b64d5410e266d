// SPDX-License-Identifier: Apache-2.0
// How the loops of this folder go over a row whose length is no multiple of a vector's, and add one up: in an order that does not
// depend on the level, so that INT8 engines have the same bits at all that have FMA. Files that add are compiled without contraction
// (cmake/simd.cmake), and say where they want FMA.
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

// 16 sums side by side, in as many registers as they take: element i of a row is added to sum i % 16.
constexpr int wide = 16, parts = wide / lanes;
struct Sums {
    Floats part[parts]{};
};

// Sum i and sum i + 8, then i + 4, 2 and 1: in every lane.
inline Floats total_of(Sums s) {
    for (int half = parts / 2; half > 0; half /= 2)
        for (int p = 0; p < half; ++p) s.part[p] += s.part[p + half];
    return over_lanes(s.part[0], plus);
}

// Calls body(part, offset, count) for whole vectors (count == lanes), then once for the rest; `part` is where they belong in Sums.
template <class Body>
inline void for_parts(std::int64_t n, Body body) {
    std::int64_t i = 0;
    for (; i + wide <= n; i += wide)
#pragma GCC unroll 4
        for (int p = 0; p < parts; ++p) body(p, i + p * lanes, static_cast<std::int64_t>(lanes));
    for (int p = 0; i < n; ++p, i += lanes) body(p, i, n - i < lanes ? n - i : static_cast<std::int64_t>(lanes));
}

// The sum that add(sum, x[i]) makes, for i in [0, n): 4 times 16 sums at a time, which are added in double once per block.
template <class Add>
inline double sum_of(const float* x, std::int64_t n, Add add) {
    constexpr std::int64_t block = 4096;
    double total = 0;
    for (std::int64_t first = 0; first < n; first += block) {
        const std::int64_t last = n - first < block ? n : first + block;
        Sums sums[4];
        std::int64_t i = first;
        for (; i + 4 * wide <= last; i += 4 * wide)
#pragma GCC unroll 4
            for (int s = 0; s < 4; ++s)
#pragma GCC unroll 4
                for (int p = 0; p < parts; ++p) sums[s].part[p] = add(sums[s].part[p], load(x + i + s * wide + p * lanes));
        for_parts(last - i, [&](int p, std::int64_t at, std::int64_t k) {
            const Floats sum = add(sums[0].part[p], load(x + i + at, k));
            sums[0].part[p] = k < lanes ? filled(sum, k, sums[0].part[p]) : sum;
        });
        for (int p = 0; p < parts; ++p) sums[0].part[p] = (sums[0].part[p] + sums[1].part[p]) + (sums[2].part[p] + sums[3].part[p]);
        total += static_cast<double>(total_of(sums[0])[0]);
    }
    return total;
}

inline Floats magnitude(Floats v) { return v < 0 ? -v : v; }

}  // namespace
}  // namespace tercet::simd
