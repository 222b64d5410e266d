// SPDX-License-Identifier: Apache-2.0
// Register tiles: see TileArgs. All sums of a tile stay in registers over the whole reduction.
#include "cpu/simd/parts.h"

namespace tercet::simd {
namespace {

template <int Rows, int Vectors>
void tile(const TileArgs& a) noexcept {
    constexpr int cols = Vectors * lanes;
    Floats sum[Rows][Vectors];
#pragma GCC unroll 32
    for (int v = 0; v < Vectors; ++v) {
        const Floats start = a.bias ? load(a.bias + v * lanes) : Floats{};
#pragma GCC unroll 32
        for (int r = 0; r < Rows; ++r) sum[r][v] = start;
    }
    const float* w = a.w;
    for (std::int64_t t = 0; t < a.taps; ++t) {
        const float* x[Rows];
#pragma GCC unroll 32
        for (int r = 0; r < Rows; ++r) x[r] = a.x[t * Rows + r];
        for (std::int64_t k = 0; k < a.depth; ++k, w += cols) {
            Floats weight[Vectors];
#pragma GCC unroll 32
            for (int v = 0; v < Vectors; ++v) weight[v] = load(w + v * lanes);
#pragma GCC unroll 32
            for (int r = 0; r < Rows; ++r) {
                const Floats pixel = all(x[r][k]);
#pragma GCC unroll 32
                for (int v = 0; v < Vectors; ++v) sum[r][v] += pixel * weight[v];  // contracted to an FMA by this file's options
            }
        }
    }
#pragma GCC unroll 32
    for (int r = 0; r < Rows; ++r) {
        if (r >= a.used_rows) break;
        float* y = a.y + r * a.y_stride;
#pragma GCC unroll 32
        for (int v = 0; v < Vectors; ++v) {
            const int left = a.used_cols - v * lanes;
            if (left >= lanes) store(y + v * lanes, sum[r][v]);
            else if (left > 0) store_part(y + v * lanes, sum[r][v], left);
        }
    }
}

#if TERCET_VECTOR_BYTES == 64
constexpr TileShape shapes[]{{1, 1, tile<1, 1>},   {1, 4, tile<1, 4>},   {4, 4, tile<4, 4>}, {6, 4, tile<6, 4>},
                             {8, 3, tile<8, 3>},   {8, 2, tile<8, 2>},   {14, 2, tile<14, 2>}, {12, 1, tile<12, 1>},
                             {24, 1, tile<24, 1>}};
#elif TERCET_VECTOR_BYTES == 32
constexpr TileShape shapes[]{{1, 1, tile<1, 1>}, {1, 4, tile<1, 4>}, {2, 4, tile<2, 4>}, {4, 3, tile<4, 3>},
                             {6, 2, tile<6, 2>}, {4, 2, tile<4, 2>}, {12, 1, tile<12, 1>}, {8, 1, tile<8, 1>}};
#elif defined(__aarch64__)
constexpr TileShape shapes[]{{1, 1, tile<1, 1>}, {1, 4, tile<1, 4>}, {4, 4, tile<4, 4>}, {8, 2, tile<8, 2>}, {6, 4, tile<6, 4>}};
#else
constexpr TileShape shapes[]{{1, 1, tile<1, 1>}, {1, 4, tile<1, 4>}, {4, 2, tile<4, 2>}, {6, 2, tile<6, 2>}, {2, 4, tile<2, 4>}};
#endif

}  // namespace

namespace TERCET_LEVEL {
const TileShape* const tiles = shapes;
const int tile_count = sizeof shapes / sizeof shapes[0];
}  // namespace TERCET_LEVEL

}  // namespace tercet::simd
