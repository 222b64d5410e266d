// SPDX-License-Identifier: Apache-2.0
// Which instructions kernels may use: a level, each of which includes those below it.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace tercet {

struct Isa {
    enum class Level {
        reference,    // reference implementations only
        baseline,     // what every processor of the architecture has: SSE2, NEON
        avx2,         // with FMA and F16C
        avx512,       // F, BW, CD, DQ, VL
        avx512_vnni,
        avx512_bf16,
        avx512_fp16,
        amx,          // tile, INT8 and BF16
    };
    Level level = Level::reference;

    bool has(Level l) const { return level >= l; }
    std::string_view name() const;  // "avx512vnni"
    friend bool operator==(const Isa&, const Isa&) = default;
};

Isa host_isa();                                      // the most that this processor and system run
std::optional<Isa> isa_named(std::string_view name);
std::span<const std::string_view> isa_names();       // lowest first
inline Isa lesser(Isa a, Isa b) { return a.level < b.level ? a : b; }

/// The processor as people know it ("Intel(R) Xeon(R) Processor"), for the timing cache and `doctor`.
std::string_view processor_name();

}  // namespace tercet
