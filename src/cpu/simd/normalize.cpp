// SPDX-License-Identifier: Apache-2.0
// Normalizations: see NormalizeArgs. A row is read three times, and lies in the cache from the first.
#include "cpu/simd/loops.h"
#include "cpu/simd/parts.h"

namespace tercet::simd {
namespace {

void rows(const NormalizeArgs& a) noexcept {
    const auto count = static_cast<double>(a.n);
    for (std::int64_t r = 0; r < a.rows; ++r) {
        const float* x = a.x + r * a.n;
        float* y = a.y + r * a.n;
        const auto mean = a.centered ? static_cast<float>(sum_of(x, a.n, plus) / count) : 0.0f;
        const double squares = sum_of(x, a.n, [=](Floats s, Floats v) { return fma(v - mean, v - mean, s); });
        const auto inverse = static_cast<float>(1 / __builtin_sqrt(squares / count + a.epsilon));
        for_vectors(a.n, [&](std::int64_t i, std::int64_t k) {
            const Floats v = (load(x + i, k) - mean) * inverse, scale = load(a.scale + i, k);
            store(y + i, a.bias ? fma(v, scale, load(a.bias + i, k)) : v * scale, k);
        });
        if (a.mean) a.mean[r] = mean;
        if (a.inverse) a.inverse[r] = inverse;
    }
}

void row(float* y, const float* x, float mean, float factor, float shift, std::int64_t n) noexcept {
    for_vectors(n, [&](std::int64_t i, std::int64_t k) { store(y + i, fma(load(x + i, k) - mean, all(factor), all(shift)), k); });
}

void columns(float* y, const float* x, const float* mean, const float* factor, const float* shift, std::int64_t rows, std::int64_t step, std::int64_t columns) noexcept {
    for (std::int64_t r = 0; r < rows; ++r)
        for_vectors(columns, [&](std::int64_t c, std::int64_t k) {
            store(y + r * step + c, fma(load(x + r * step + c, k) - load(mean + c, k), load(factor + c, k), load(shift + c, k)), k);
        });
}

}  // namespace

namespace TERCET_LEVEL {
const Normalizations normalizations{rows, row, columns};
}  // namespace TERCET_LEVEL

}  // namespace tercet::simd
