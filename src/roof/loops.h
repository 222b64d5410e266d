// SPDX-License-Identifier: Apache-2.0
// The loops that the roof is measured with. All may run on any number of threads at once.
#pragma once

#include "target/isa.h"
#include "tercet/dtype.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace tercet {

/// Multiply-adds in so many independent chains that no one waits for another's result.
struct PeakLoop {
    DType type;
    std::string instruction;
    double operations;  // of one iteration: two per multiply-add
    std::function<void(std::int64_t iterations)> run;
};

/// One per instruction that multiplies and adds at this level. f32 comes first.
std::vector<PeakLoop> peak_loops(const Isa& isa);

/// They go `times` times over addresses that are aligned to 64 bytes, in bytes that are a multiple of `block`.
struct MemoryLoops {
    static constexpr std::size_t block = 2048;
    std::function<void(const std::byte* from, std::size_t bytes, std::int64_t times)> read;
    std::function<void(std::byte* to, const std::byte* from, std::size_t bytes, std::int64_t times)> copy;
};
MemoryLoops memory_loops(const Isa& isa);

namespace x64 {  // generated code, for avx2 and above
std::vector<PeakLoop> peak_loops(const Isa& isa);
MemoryLoops memory_loops(const Isa& isa);
}  // namespace x64

}  // namespace tercet
