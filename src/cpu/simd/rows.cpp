// SPDX-License-Identifier: Apache-2.0
// Loops over rows of channels: pooling, depthwise convolution, reductions.
#include "cpu/simd/exp.h"
#include "cpu/simd/loops.h"
#include "cpu/simd/parts.h"

namespace tercet::simd {
namespace {

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
        for (std::int64_t t = 0; t < taps; ++t) s = fma(load(x[t] + c, n), load(w + t * channels + c, n), s);
        store(y + c, s, n);
    });
}

double sum(const float* x, std::int64_t n) noexcept {
    return sum_of(x, n, plus);
}
double sum_magnitudes(const float* x, std::int64_t n) noexcept {
    return sum_of(x, n, [](Floats s, Floats v) { return s + magnitude(v); });
}
double sum_squares(const float* x, float mean, std::int64_t n) noexcept {
    return sum_of(x, n, [=](Floats s, Floats v) { return fma(v - mean, v - mean, s); });
}

// The most by `better`, in every lane.
template <class Better>
inline Floats extreme_of(const float* x, std::int64_t n, Better better) {
    const Floats first = all(x[0]);
    Floats m = first, other = first;
    std::int64_t i = 0;
    for (; i + 2 * lanes <= n; i += 2 * lanes) {
        m = better(m, load(x + i));
        other = better(other, load(x + i + lanes));
    }
    for (; i < n; i += lanes) {
        const std::int64_t k = n - i < lanes ? n - i : lanes;
        m = better(m, filled(load(x + i, k), k, first));
    }
    return over_lanes(better(m, other), better);
}
inline Floats maximum_of(const float* x, std::int64_t n) { return extreme_of(x, n, greater); }

// The sum, in every lane.
inline Floats exp_minus_all(float* y, const float* x, Floats max_x, std::int64_t n) {
    Sums s;
    for_parts(n, [&](int p, std::int64_t i, std::int64_t k) {
        Floats e = exp(load(x + i, k) - max_x);
        if (k < lanes) e = filled(e, k, Floats{});
        store(y + i, e, k);
        s.part[p] += e;
    });
    return total_of(s);
}

float maximum(const float* x, std::int64_t n) noexcept { return maximum_of(x, n)[0]; }
float minimum(const float* x, std::int64_t n) noexcept { return extreme_of(x, n, less)[0]; }
float exp_minus(float* y, const float* x, float max_x, std::int64_t n) noexcept { return exp_minus_all(y, x, all(max_x), n)[0]; }

void softmax(float* y, const float* x, std::int64_t rows, std::int64_t n) noexcept {
    if (n <= lanes) {  // a row in one register; the same bits
        for (std::int64_t r = 0; r < rows; ++r, x += n, y += n) {
            const Floats v = load(x, n);
            const Floats e = filled(exp(v - over_lanes(filled(v, n, all(x[0])), greater)), n, Floats{});
            store(y, e * (1.0f / over_lanes(e, plus)), n);
        }
        return;
    }
    for (std::int64_t r = 0; r < rows; ++r, x += n, y += n) {
        const Floats scale = 1.0f / exp_minus_all(y, x, maximum_of(x, n), n);
        for_vectors(n, [&](std::int64_t i, std::int64_t k) { store(y + i, load(y + i, k) * scale, k); });
    }
}

}  // namespace

namespace TERCET_LEVEL {
const PoolRow max_pool_row = max_pool;
const PoolRow sum_pool_row = sum_pool;
const DepthwiseRow depthwise_row = depthwise;
const Reductions reductions{sum, sum_magnitudes, sum_squares, maximum, minimum, exp_minus};
const SoftmaxRows softmax_rows = softmax;
}  // namespace TERCET_LEVEL

}  // namespace tercet::simd
