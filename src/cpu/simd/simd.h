// SPDX-License-Identifier: Apache-2.0
// Vector loops in C++ that the tactics are made of. The .cpp files of this folder are compiled once per ISA level, with that
// level's instructions (cmake/simd.cmake), and nothing but what is declared here leaves them: no inline function or
// template of a header that others use may be compiled in them, or the linker could keep the copy that needs AVX-512.
#pragma once

#include <cstdint>

namespace tercet::simd {

/// Sums of products for a tile of rows x cols outputs:
///     y[r][j] = bias[j] + sum over t in [0, taps), k in [0, depth) of x[t*rows + r][k] * w[(t*depth + k)*cols + j]
/// One accumulator per output, in the order t, k, by FMA where the level has it.
struct TileArgs {
    const float* const* x;    // taps * rows addresses of `depth` floats each
    std::int64_t taps, depth;
    const float* w;           // [taps, depth, cols]
    const float* bias;        // [cols]; null: zeros
    float* y;                 // rows at a distance of y_stride floats
    std::int64_t y_stride;
    int used_rows, used_cols; // what of the tile is stored
};
using Tile = void (*)(const TileArgs&) noexcept;

struct TileShape {
    int rows, vectors;  // cols = vectors * lanes
    Tile run;
};

/// out[i] = f(a[i], b[i], c[i]) for i in [0, n); out may be a, b or c.
using Map = void (*)(float* out, const float* a, const float* b, const float* c, std::int64_t n) noexcept;

struct MapEntry {
    const char* name;  // of the ScalarFunction
    bool exact;        // equal to the reference's bits; otherwise within 4 ulp
    Map run;
};

/// Pooling of one output pixel over channels: out[c] = op over t in [0, taps) of x[t][c], times `scale` for sums.
using PoolRow = void (*)(float* out, const float* const* x, std::int64_t taps, std::int64_t channels, float scale) noexcept;

struct Reductions {
    float (*sum)(const float* x, std::int64_t n) noexcept;
    float (*max)(const float* x, std::int64_t n) noexcept;
    float (*sum_squares)(const float* x, std::int64_t n) noexcept;
    /// y = exp(x - max) and the sum of y.
    float (*exp_minus)(float* y, const float* x, float max, std::int64_t n) noexcept;
};

/// y[r][i] = exp(x[r][i] - max of row r) / sum of the row's; rows of n > 0 floats, one behind the other. y may be x.
using SoftmaxRows = void (*)(float* y, const float* x, std::int64_t rows, std::int64_t n) noexcept;

/// x[i] = exp(x[i]*scale + addend[i] - the most of these) / sum of them, for i in [0, n), n > 0; addend null: zeros.
/// All are 0 where all of these are -infinity.
using ScaledSoftmax = void (*)(float* x, const float* addend, float scale, std::int64_t n) noexcept;

/// y[t] += w[t][c] * x[t][c] over taps, per channel: y[c] = bias[c] + sum over t of x[t][c] * w[t*channels + c].
using DepthwiseRow = void (*)(float* y, const float* const* x, const float* w, const float* bias, std::int64_t taps,
                              std::int64_t channels) noexcept;

/// Winograd's transforms for F(m, 3) in two dimensions; n = m + 2 pixels a side.
struct WinogradOutput {
    const float* sums;         // [n*n] at a distance of sums_stride floats, whole vectors of columns
    std::int64_t sums_stride;
    const float* bias;         // whole vectors
    std::int64_t columns;
    float* y;
    std::int64_t line_stride, pixel_stride;
    std::int64_t lines, pixels;  // how many of m are stored
};
struct Winograd {
    int m;
    /// out[e*out_stride + c], e in [0, n*n), from n*n addresses of pixels.
    void (*input)(const float* const* pixels, std::int64_t channels, float* out, std::int64_t out_stride) noexcept;
    /// The same from nine taps, for `count` weights side by side.
    void (*weights)(const float* taps, std::int64_t tap_stride, std::int64_t count, float* out, std::int64_t out_stride) noexcept;
    void (*output)(const WinogradOutput& args) noexcept;
};

struct Level {
    int lanes;  // floats per vector
    const TileShape* tiles;
    int tile_count;
    const MapEntry* maps;
    int map_count;
    PoolRow max_pool, sum_pool;
    DepthwiseRow depthwise;
    Reductions reduce;
    SoftmaxRows softmax;
    ScaledSoftmax scaled_softmax;
    const Winograd* winograd;  // for m = 2, 4, 6
};

namespace baseline { const Level& level() noexcept; }
namespace avx2 { const Level& level() noexcept; }
namespace avx512 { const Level& level() noexcept; }

}  // namespace tercet::simd
