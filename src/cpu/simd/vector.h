// SPDX-License-Identifier: Apache-2.0
// A vector of floats as wide as the level's registers, by the compiler's vector extension. Included only by this folder's
// .cpp files, each of which is compiled once per level: everything here has internal linkage.
#pragma once

#include "cpu/simd/simd.h"

#include <utility>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
#define TERCET_LEVEL avx512
#define TERCET_VECTOR_BYTES 64
#elif defined(__AVX2__)
#define TERCET_LEVEL avx2
#define TERCET_VECTOR_BYTES 32
#else
#define TERCET_LEVEL baseline
#define TERCET_VECTOR_BYTES 16
#endif

namespace tercet::simd {
namespace {

constexpr int lanes = TERCET_VECTOR_BYTES / 4;

using Floats = float __attribute__((vector_size(TERCET_VECTOR_BYTES)));
using Ints = std::int32_t __attribute__((vector_size(TERCET_VECTOR_BYTES)));
using UnalignedFloats [[gnu::aligned(4), gnu::may_alias]] = Floats;

inline Floats load(const float* p) { return *reinterpret_cast<const UnalignedFloats*>(p); }
inline void store(float* p, Floats v) { *reinterpret_cast<UnalignedFloats*>(p) = v; }
inline Floats all(float x) { return x - Floats{}; }

// The first n < lanes floats, zeros behind them.
#if TERCET_VECTOR_BYTES == 64
inline Floats load_part(const float* p, std::int64_t n) { return Floats(_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1), p)); }
inline void store_part(float* p, Floats v, std::int64_t n) { _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1), __m512(v)); }
#elif TERCET_VECTOR_BYTES == 32
inline __m256i first(std::int64_t n) { return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)); }
inline Floats load_part(const float* p, std::int64_t n) { return Floats(_mm256_maskload_ps(p, first(n))); }
inline void store_part(float* p, Floats v, std::int64_t n) { _mm256_maskstore_ps(p, first(n), __m256(v)); }
#else
inline Floats load_part(const float* p, std::int64_t n) {
    Floats v{};
    for (std::int64_t i = 0; i < n; ++i) v[i] = p[i];
    return v;
}
inline void store_part(float* p, Floats v, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) p[i] = v[i];
}
#endif

// a*b + c, rounded once where the level has FMA.
#if TERCET_VECTOR_BYTES == 64
inline Floats fma(Floats a, Floats b, Floats c) { return Floats(_mm512_fmadd_ps(__m512(a), __m512(b), __m512(c))); }
#elif TERCET_VECTOR_BYTES == 32
inline Floats fma(Floats a, Floats b, Floats c) { return Floats(_mm256_fmadd_ps(__m256(a), __m256(b), __m256(c))); }
#else
inline Floats fma(Floats a, Floats b, Floats c) { return a * b + c; }
#endif

// NaN in either argument of these comes out: maxps and minps give their second argument then, as the selection does.
inline Floats max(Floats a, Floats b) { return a != a ? a : (a > b ? a : b); }
inline Floats min(Floats a, Floats b) { return a != a ? a : (a < b ? a : b); }

// op over all lanes, in every lane of the result.
template <int step, int... i>
inline Floats partners(Floats v, std::integer_sequence<int, i...>) { return __builtin_shufflevector(v, v, (i ^ step)...); }
template <int step = lanes / 2, class Op>
inline Floats over_lanes(Floats v, Op op) {
    v = op(v, partners<step>(v, std::make_integer_sequence<int, lanes>{}));
    if constexpr (step > 1) return over_lanes<step / 2>(v, op);
    else return v;
}

}  // namespace
}  // namespace tercet::simd
