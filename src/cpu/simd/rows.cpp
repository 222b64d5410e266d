// SPDX-License-Identifier: Apache-2.0
// Loops over rows of channels: pooling, depthwise convolution, reductions.
#include "cpu/simd/exp.h"
#include "cpu/simd/parts.h"

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

void max_pool(float* out, const float* const* x, std::int64_t taps, std::int64_t channels, float) noexcept {
    for_vectors(channels, [&](std::int64_t c, std::int64_t n) {
        Floats m = load(x[0] + c, n);
        for (std::int64_t t = 1; t < taps; ++t) m = max(m, load(x[t] + c, n));
        store(out + c, m, n);
    });
}

void sum_pool(float* out, const float* const* x, std::int64_t taps, std::int64_t channels, float scale) noexcept {
    for_vectors(channels, [&](std::int64_t c, std::int64_t n) {
        Floats s{};
        for (std::int64_t t = 0; t < taps; ++t) s += load(x[t] + c, n);
        store(out + c, s * scale, n);
    });
}

void depthwise(float* y, const float* const* x, const float* w, const float* bias, std::int64_t taps, std::int64_t channels) noexcept {
    for_vectors(channels, [&](std::int64_t c, std::int64_t n) {
        Floats s = bias ? load(bias + c, n) : Floats{};
        for (std::int64_t t = 0; t < taps; ++t) s += load(x[t] + c, n) * load(w + t * channels + c, n);
        store(y + c, s, n);
    });
}

template <class Op>
inline float horizontal(Floats v, std::int64_t n, Op op) {
    float r = v[0];
    for (std::int64_t i = 1; i < n; ++i) r = op(r, v[i]);
    return r;
}

float sum(const float* x, std::int64_t n) noexcept {
    Floats s{};
    for_vectors(n, [&](std::int64_t i, std::int64_t k) { s += load(x + i, k); });
    return horizontal(s, lanes, [](float a, float b) { return a + b; });
}

float sum_squares(const float* x, std::int64_t n) noexcept {
    Floats s{};
    for_vectors(n, [&](std::int64_t i, std::int64_t k) {
        const Floats v = load(x + i, k);
        s += v * v;
    });
    return horizontal(s, lanes, [](float a, float b) { return a + b; });
}

float maximum(const float* x, std::int64_t n) noexcept {
    float m = x[0];
    Floats v = all(m);
    std::int64_t i = 0;
    for (; i + lanes <= n; i += lanes) v = max(v, load(x + i));
    const auto greater = [](float a, float b) { return a != a ? a : b != b ? b : a > b ? a : b; };
    m = horizontal(v, lanes, greater);
    for (; i < n; ++i) m = greater(m, x[i]);
    return m;
}

float exp_minus(float* y, const float* x, float max_x, std::int64_t n) noexcept {
    Floats s{};
    for_vectors(n, [&](std::int64_t i, std::int64_t k) {
        Floats e = exp(load(x + i, k) - max_x);
        if (k < lanes)
            for (std::int64_t j = k; j < lanes; ++j) e[j] = 0;
        store(y + i, e, k);
        s += e;
    });
    return horizontal(s, lanes, [](float a, float b) { return a + b; });
}

}  // namespace

namespace TERCET_LEVEL {
const PoolRow max_pool_row = max_pool;
const PoolRow sum_pool_row = sum_pool;
const DepthwiseRow depthwise_row = depthwise;
const Reductions reductions{sum, maximum, sum_squares, exp_minus};
}  // namespace TERCET_LEVEL

}  // namespace tercet::simd
