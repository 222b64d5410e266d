// SPDX-License-Identifier: Apache-2.0
// Weighted sums of a few elements, which resizing by interpolation is made of: see Blends.
#include "cpu/simd/loops.h"
#include "cpu/simd/parts.h"

namespace tercet::simd {
namespace {

void rows(float* y, const float* const* x, const float* weights, std::int64_t taps, std::int64_t n) noexcept {
    for_vectors(n, [&](std::int64_t i, std::int64_t k) {
        Floats sum = weights[0] * load(x[0] + i, k);
        for (std::int64_t t = 1; t < taps; ++t) sum += weights[t] * load(x[t] + i, k);
        store(y + i, sum, k);
    });
}

inline Floats gather(const float* x, const std::int32_t* places) {
#if TERCET_VECTOR_BYTES == 64
    return Floats(_mm512_mask_i32gather_ps(_mm512_setzero_ps(), 0xffff, _mm512_loadu_si512(places), x, 4));
#elif TERCET_VECTOR_BYTES == 32
    return Floats(_mm256_i32gather_ps(x, _mm256_loadu_si256(reinterpret_cast<const __m256i_u*>(places)), 4));
#else
    Floats v;
    for (int i = 0; i < lanes; ++i) v[i] = x[places[i]];
    return v;
#endif
}

void within_row(float* y, const float* x, const std::int32_t* places, const float* weights, std::int64_t taps, std::int64_t n) noexcept {
    std::int64_t i = 0;
    for (; i + lanes <= n; i += lanes) {
        Floats sum{};
        for (std::int64_t t = 0; t < taps; ++t) sum += load(weights + t * n + i) * gather(x, places + t * n + i);
        store(y + i, sum);
    }
    for (; i < n; ++i) {
        float sum = 0;
        for (std::int64_t t = 0; t < taps; ++t) sum += weights[t * n + i] * x[places[t * n + i]];
        y[i] = sum;
    }
}

}  // namespace

namespace TERCET_LEVEL {
const Blends blends{rows, within_row};
}  // namespace TERCET_LEVEL

}  // namespace tercet::simd
