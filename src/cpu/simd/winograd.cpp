// SPDX-License-Identifier: Apache-2.0
// Transforms of Winograd's convolution F(m, 3) in two dimensions (Lavin and Gray, "Fast Algorithms for Convolutional Neural
// Networks", 2015):  y = A'[(G g G') * (B' d B)] A,  d of n x n pixels, n = m + 2. Points 0, 1, -1, infinity for m = 2, with 2
// and -2 for m = 4, with 1/2 and -1/2 as well for m = 6. Rows for a point and its negative share their even and odd parts.
#include "cpu/simd/parts.h"

namespace tercet::simd {
namespace {

template <int m> struct Points;

template <> struct Points<2> {
    static void input(const Floats* d, Floats* t) {
        t[0] = d[0] - d[2];
        t[1] = d[1] + d[2];
        t[2] = d[2] - d[1];
        t[3] = d[3] - d[1];
    }
    static void weights(const Floats* g, Floats* t) {
        const Floats even = 0.5f * (g[0] + g[2]), odd = 0.5f * g[1];
        t[0] = g[0], t[1] = even + odd, t[2] = even - odd, t[3] = g[2];
    }
    static void output(const Floats* s, Floats* y) {
        y[0] = s[0] + s[1] + s[2];
        y[1] = s[1] - s[2] + s[3];
    }
};

template <> struct Points<4> {
    static void input(const Floats* d, Floats* t) {
        const Floats a = d[4] - 4.0f * d[2], b = d[3] - 4.0f * d[1], c = d[4] - d[2], e = 2.0f * (d[3] - d[1]);
        t[0] = 4.0f * (d[0] - d[2]) + c;
        t[1] = a + b, t[2] = a - b;
        t[3] = c + e, t[4] = c - e;
        t[5] = 4.0f * (d[1] - d[3]) + (d[5] - d[3]);
    }
    static void weights(const Floats* g, Floats* t) {
        const Floats even1 = (g[0] + g[2]) * (-1.0f / 6), odd1 = g[1] * (-1.0f / 6);
        const Floats even2 = g[0] * (1.0f / 24) + g[2] * (1.0f / 6), odd2 = g[1] * (1.0f / 12);
        t[0] = g[0] * 0.25f;
        t[1] = even1 + odd1, t[2] = even1 - odd1;
        t[3] = even2 + odd2, t[4] = even2 - odd2;
        t[5] = g[2];
    }
    static void output(const Floats* s, Floats* y) {
        const Floats p = s[1] + s[2], q = s[1] - s[2], r = s[3] + s[4], u = s[3] - s[4];
        y[0] = s[0] + p + r;
        y[1] = q + 2.0f * u;
        y[2] = p + 4.0f * r;
        y[3] = q + 8.0f * u + s[5];
    }
};

template <> struct Points<6> {
    static void input(const Floats* d, Floats* t) {
        t[0] = (d[0] - d[6]) + 5.25f * (d[4] - d[2]);
        t[7] = (d[7] - d[1]) + 5.25f * (d[3] - d[5]);
        const Floats even1 = (d[2] + d[6]) - 4.25f * d[4], odd1 = (d[1] + d[5]) - 4.25f * d[3];
        t[1] = even1 + odd1, t[2] = even1 - odd1;
        const Floats even2 = d[6] + 0.25f * d[2] - 1.25f * d[4], odd2 = 0.5f * d[1] - 2.5f * d[3] + 2.0f * d[5];
        t[3] = even2 + odd2, t[4] = even2 - odd2;
        const Floats even3 = d[6] + 4.0f * d[2] - 5.0f * d[4], odd3 = 2.0f * d[1] - 2.5f * d[3] + 0.5f * d[5];
        t[5] = even3 + odd3, t[6] = even3 - odd3;
    }
    static void weights(const Floats* g, Floats* t) {
        const Floats even1 = (g[0] + g[2]) * (-2.0f / 9), odd1 = g[1] * (-2.0f / 9);
        const Floats even2 = g[0] * (1.0f / 90) + g[2] * (2.0f / 45), odd2 = g[1] * (1.0f / 45);
        const Floats even3 = g[0] * (1.0f / 45) + g[2] * (1.0f / 180), odd3 = g[1] * (1.0f / 90);
        t[0] = g[0];
        t[1] = even1 + odd1, t[2] = even1 - odd1;
        t[3] = even2 + odd2, t[4] = even2 - odd2;
        t[5] = even3 + odd3, t[6] = even3 - odd3;
        t[7] = g[2];
    }
    static void output(const Floats* s, Floats* y) {
        const Floats p1 = s[1] + s[2], q1 = s[1] - s[2], p2 = s[3] + s[4], q2 = s[3] - s[4], p3 = s[5] + s[6], q3 = s[5] - s[6];
        y[0] = s[0] + p1 + p2 + 32.0f * p3;
        y[1] = q1 + 2.0f * q2 + 16.0f * q3;
        y[2] = p1 + 4.0f * p2 + 8.0f * p3;
        y[3] = q1 + 8.0f * q2 + 4.0f * q3;
        y[4] = p1 + 16.0f * p2 + 2.0f * p3;
        y[5] = q1 + 32.0f * q2 + q3 + s[7];
    }
};

// A transform of rows, then of columns: in[rows][cols] -> out[to][to], both of `from` elements a side before.
template <int from, int to, void (*one)(const Floats*, Floats*), class Load, class Store>
inline void both(Load load_at, Store store_at) {
    Floats half[from][to];
#pragma GCC unroll 8
    for (int i = 0; i < from; ++i) {
        Floats row[from];
#pragma GCC unroll 8
        for (int j = 0; j < from; ++j) row[j] = load_at(i, j);
        one(row, half[i]);
    }
#pragma GCC unroll 8
    for (int j = 0; j < to; ++j) {
        Floats column[from], t[to];
#pragma GCC unroll 8
        for (int i = 0; i < from; ++i) column[i] = half[i][j];
        one(column, t);
#pragma GCC unroll 8
        for (int i = 0; i < to; ++i) store_at(i, j, t[i]);
    }
}

inline Floats load(const float* p, std::int64_t n) { return n >= lanes ? load(p) : load_part(p, n); }
inline void store(float* p, Floats v, std::int64_t n) {
    if (n >= lanes) store(p, v);
    else store_part(p, v, n);
}

template <int m>
void input(const float* const* pixels, std::int64_t channels, float* out, std::int64_t out_stride) noexcept {
    constexpr int n = m + 2;
    for (std::int64_t c = 0; c < channels; c += lanes)
        both<n, n, Points<m>::input>([&](int i, int j) { return load(pixels[i * n + j] + c, channels - c); },
                                     [&](int i, int j, Floats v) { store(out + (i * n + j) * out_stride + c, v, channels - c); });
}

template <int m>
void weights(const float* taps, std::int64_t tap_stride, std::int64_t count, float* out, std::int64_t out_stride) noexcept {
    constexpr int n = m + 2;
    for (std::int64_t k = 0; k < count; k += lanes) {
        Floats half[3][n];
        for (int i = 0; i < 3; ++i) {
            const Floats row[3]{load(taps + (i * 3) * tap_stride + k, count - k), load(taps + (i * 3 + 1) * tap_stride + k, count - k), load(taps + (i * 3 + 2) * tap_stride + k, count - k)};
            Points<m>::weights(row, half[i]);
        }
        for (int j = 0; j < n; ++j) {
            const Floats column[3]{half[0][j], half[1][j], half[2][j]};
            Floats t[n];
            Points<m>::weights(column, t);
            for (int i = 0; i < n; ++i) store(out + (i * n + j) * out_stride + k, t[i], count - k);
        }
    }
}

template <int m>
void output(const WinogradOutput& a) noexcept {
    constexpr int n = m + 2;
    for (std::int64_t c = 0; c < a.columns; c += lanes) {
        const Floats bias = load(a.bias + c);
        both<n, m, Points<m>::output>([&](int i, int j) { return load(a.sums + (i * n + j) * a.sums_stride + c); },
                                      [&](int i, int j, Floats v) {
                                          if (i < a.lines && j < a.pixels) store(a.y + i * a.line_stride + j * a.pixel_stride + c, v + bias, a.columns - c);
                                      });
    }
}

constexpr Winograd points[]{{2, input<2>, weights<2>, output<2>}, {4, input<4>, weights<4>, output<4>}, {6, input<6>, weights<6>, output<6>}};

}  // namespace

namespace TERCET_LEVEL {
const Winograd* const winograd = points;
}  // namespace TERCET_LEVEL

}  // namespace tercet::simd
