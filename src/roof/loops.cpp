// SPDX-License-Identifier: Apache-2.0
// What every processor runs: the register tiles of the kernels, and vector code by the compiler.
#include "roof/loops.h"

#include "cpu/simd/simd.h"

#include <algorithm>
#include <cstring>
#include <span>

namespace tercet {
namespace {

// The largest tile: the most multiply-adds per load.
PeakLoop tile_loop() {
    const simd::Level& level = simd::baseline::level();
    const simd::TileShape& tile = *std::ranges::max_element(std::span(level.tiles, static_cast<std::size_t>(level.tile_count)), {},
                                                            [](const simd::TileShape& t) { return t.rows * t.vectors; });
    constexpr std::int64_t depth = 128;
    const std::int64_t cols = tile.vectors * level.lanes;
    return {DType::f32, "multiply and add, by the compiler", 2.0 * static_cast<double>(tile.rows * cols * depth), [=](std::int64_t iterations) {
                const std::vector<float> x(depth, 1.0f), w(static_cast<std::size_t>(depth * cols), 0x1p-20f);
                const std::vector<const float*> rows(static_cast<std::size_t>(tile.rows), x.data());
                std::vector<float> y(static_cast<std::size_t>(tile.rows * cols));
                for (std::int64_t i = 0; i < iterations; ++i) tile.run({rows.data(), 1, depth, w.data(), nullptr, y.data(), cols, tile.rows, static_cast<int>(cols)});
            }};
}

using Bits = std::uint64_t __attribute__((vector_size(16), may_alias));

void read(const std::byte* from, std::size_t bytes, std::int64_t times) {
    Bits sums[8]{};
    for (std::int64_t t = 0; t < times; ++t)
        for (std::size_t i = 0; i < bytes; i += sizeof sums) {
            const Bits* v = reinterpret_cast<const Bits*>(from + i);
#pragma GCC unroll 8
            for (int k = 0; k < 8; ++k) sums[k] ^= v[k];
        }
    for (int k = 1; k < 8; ++k) sums[0] ^= sums[k];
    volatile std::uint64_t used = sums[0][0] ^ sums[0][1];
    static_cast<void>(used);
}

void copy(std::byte* to, const std::byte* from, std::size_t bytes, std::int64_t times) {
    for (std::int64_t t = 0; t < times; ++t) {
        std::memcpy(to, from, bytes);
        __asm__ volatile("" ::: "memory");  // each time anew
    }
}

}  // namespace

std::vector<PeakLoop> peak_loops([[maybe_unused]] const Isa& isa) {
#if defined(__x86_64__)
    if (isa.has(Isa::Level::avx2)) return x64::peak_loops(isa);
#endif
    return {tile_loop()};
}

MemoryLoops memory_loops([[maybe_unused]] const Isa& isa) {
#if defined(__x86_64__)
    if (isa.has(Isa::Level::avx2)) return x64::memory_loops(isa);
#endif
    return {.read = read, .copy = copy};
}

}  // namespace tercet
