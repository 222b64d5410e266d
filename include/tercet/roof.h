// SPDX-License-Identifier: Apache-2.0
/// @file
/// The roof of this machine: what its processor computes and what its caches and memory deliver at best, measured. A step of an
/// engine takes at least as long as its operations take at the peak, and as its bytes take from where they fit:
///
///     least time = max(operations / peak, bytes / bandwidth)
#pragma once

#include "tercet/engine.h"

namespace [[gnu::visibility("default")]] tercet {

/// What the machine does at best.
struct Roof {
    /// Per second; 0: not measured.
    struct Rate {
        double one_thread = 0, all_threads = 0;
    };
    /// Operations per second of one instruction; a multiply-add counts as two.
    struct Peak {
        DType type = DType::undefined;    ///< of the factors: f32, bf16, f16, i16, i8
        std::string instruction;          ///< "vfmadd231ps zmm"
        Rate operations;
    };
    /// Bytes per second of a level of the memory. What is copied counts twice, as read and as written.
    struct Level {
        std::string name;                 ///< "L1", "L2", "L3", "memory"
        double capacity_bytes = 0;        ///< of all caches of the level that the threads have; infinite for memory
        double measured_bytes = 0;        ///< that all threads together went over
        Rate read, copy;
    };

    int threads = 0;
    std::string isa;                      ///< the level whose instructions were measured
    std::vector<Peak> peaks;
    std::vector<Level> levels;            ///< nearest first, the last one is memory

    /// Of all threads, by the best instruction for factors of this type. That of f32 where the type has none.
    double operations_per_s(DType type) const;
    /// Of all threads, from the nearest level that holds so many bytes.
    double bytes_per_s(double bytes) const;

    /// The least time that the step can take.
    double least_microseconds(const StepInfo& step) const;
};

/// What measure_roof() measures.
struct RoofSettings {
    int threads = 0;                      ///< 0: all
    std::string max_isa;                  ///< a level's name; empty: what the processor has
    bool quick = false;                   ///< f32 and `types` alone, reads alone, on all threads alone: a fifth of a second
    std::vector<DType> types;             ///< more than f32, for `quick`
};

/// Measures the roof. Loads the machine for one to two seconds and takes up to 256 MiB meanwhile. Error if there is no level of
/// that name, no memory or no thread. Other programs that run at the same time lower what is measured.
Roof measure_roof(const RoofSettings& settings = {});

}  // namespace tercet
