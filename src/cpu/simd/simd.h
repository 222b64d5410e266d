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
    double (*sum)(const float* x, std::int64_t n) noexcept;
    double (*sum_magnitudes)(const float* x, std::int64_t n) noexcept;
    double (*sum_squares)(const float* x, float mean, std::int64_t n) noexcept;  // of x - mean
    float (*max)(const float* x, std::int64_t n) noexcept;                       // n > 0
    float (*min)(const float* x, std::int64_t n) noexcept;
    /// y = exp(x - max) and the sum of y.
    float (*exp_minus)(float* y, const float* x, float max, std::int64_t n) noexcept;
};

/// The same down the columns of rows that lie `step` floats apart: y[c] = f(y[c], f over r of x[r*step + c]) for c in [0, columns).
struct ColumnReductions {
    using Reduce = void (*)(float* y, const float* x, std::int64_t rows, std::int64_t step, std::int64_t columns) noexcept;
    Reduce sum, sum_magnitudes, sum_squares, max, min;
    /// Of (x - mean[c])^2.
    void (*sum_deviations)(float* y, const float* x, const float* mean, std::int64_t rows, std::int64_t step, std::int64_t columns) noexcept;
};

/// y[r][i] = (x[r][i] - mean) / deviation * scale[i] + bias[i], deviation = sqrt(mean of (x[r] - mean)^2 + epsilon); the mean is
/// row r's if `centered`, else 0.
struct NormalizeArgs {
    float* y;
    const float* x;          // rows of n > 0 floats, one behind the other
    std::int64_t rows, n;
    const float* scale;      // [n]
    const float* bias;       // [n]; null: zeros
    double epsilon;
    bool centered;
    float *mean, *inverse;   // [rows], inverse = 1/deviation; null: not wanted
};

struct Normalizations {
    void (*rows)(const NormalizeArgs& args) noexcept;
    /// y[i] = (x[i] - mean) * factor + shift.
    void (*row)(float* y, const float* x, float mean, float factor, float shift, std::int64_t n) noexcept;
    /// The same per column, of rows that lie `step` floats apart in x and y.
    void (*columns)(float* y, const float* x, const float* mean, const float* factor, const float* shift, std::int64_t rows, std::int64_t step, std::int64_t columns) noexcept;
};

/// Where the greatest of x[k*step + c], k in [0, n), is found, per column c: the first such k, or the last. A NaN is greater than
/// all numbers. y [columns]; 0 < n < 2^31.
using ArgColumns = void (*)(std::int64_t* y, const float* x, std::int64_t n, std::int64_t step, std::int64_t columns, bool last) noexcept;
/// The same of a row.
using ArgRow = std::int64_t (*)(const float* x, std::int64_t n, bool last) noexcept;
struct ArgReductions {
    ArgRow max_row, min_row;
    ArgColumns max_columns, min_columns;
};

/// y[r][i] = exp(x[r][i] - max of row r) / sum of the row's; rows of n > 0 floats, one behind the other. y may be x.
using SoftmaxRows = void (*)(float* y, const float* x, std::int64_t rows, std::int64_t n) noexcept;

/// The same down columns: y[k*step + c] = exp(x[k*step + c] - max of column c) / sum of the column's, k in [0, n), n > 0.
using SoftmaxColumns = void (*)(float* y, const float* x, std::int64_t n, std::int64_t step, std::int64_t columns) noexcept;

/// x[i] = exp(x[i]*scale + addend[i] - the most of these) / sum of them, for i in [0, n), n > 0; addend null: zeros.
/// All are 0 where all of these are -infinity.
using ScaledSoftmax = void (*)(float* x, const float* addend, float scale, std::int64_t n) noexcept;

/// y[t] += w[t][c] * x[t][c] over taps, per channel: y[c] = bias[c] + sum over t of x[t][c] * w[t*channels + c].
using DepthwiseRow = void (*)(float* y, const float* const* x, const float* w, const float* bias, std::int64_t taps,
                              std::int64_t channels) noexcept;

/// y[i*y_step + j] = x[j*x_step + i] for i in [0, rows), j in [0, columns): any 4 bytes.
using Transpose = void (*)(float* y, std::int64_t y_step, const float* x, std::int64_t x_step, std::int64_t rows, std::int64_t columns) noexcept;

struct Blends {
    /// y[i] = sum over t in [0, taps) of weights[t] * x[t][i].
    void (*rows)(float* y, const float* const* x, const float* weights, std::int64_t taps, std::int64_t n) noexcept;
    /// y[i] = sum over t in [0, taps) of weights[t*n + i] * x[places[t*n + i]].
    void (*within_row)(float* y, const float* x, const std::int32_t* places, const float* weights, std::int64_t taps, std::int64_t n) noexcept;
};

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
    ColumnReductions reduce_columns;
    ArgReductions arg;
    SoftmaxRows softmax;
    SoftmaxColumns softmax_columns;
    ScaledSoftmax scaled_softmax;
    Normalizations normalize;
    Transpose transpose;
    Blends blend;
    const Winograd* winograd;  // for m = 2, 4, 6
};

namespace baseline { const Level& level() noexcept; }
namespace avx2 { const Level& level() noexcept; }
namespace avx512 { const Level& level() noexcept; }

}  // namespace tercet::simd
