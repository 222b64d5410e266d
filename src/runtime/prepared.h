// SPDX-License-Identifier: Apache-2.0
// Prepared: some of a program's steps made ready for one set of sizes.
#pragma once

#include "engine/program.h"
#include "target/run_phases.h"

#include <optional>

namespace tercet {

class Expansions;
class ThreadPool;

struct PreparedStep {
    Kernel kernel;
    Tensor expansion{};                     // given to the kernel in place of input 1; empty: none
    std::vector<ValueId> inputs, outputs;   // as in the node
    std::vector<const void*> in;            // addresses, filled in for each run
    std::vector<void*> out;
    const Choice* choice = nullptr;
};

struct PreparedPhase {
    std::size_t step, phase;                // of Prepared::steps, of its kernel
};

struct Prepared {
    StepRange range;                        // of the program's steps
    std::vector<PreparedStep> steps;
    std::vector<PreparedPhase> phases;      // of all steps
    PhaseList list;                         // of the same
    std::size_t workspace_bytes = 0, worker_bytes = 0;  // the largest of the kernels'
};

/// Values of the symbols for these input shapes (in the program's order). Error that names the input, its shape and the
/// profile if they do not fit.
Symbols bind_symbols(const Program&, std::span<const Dims> input_shapes);

/// Takes the tactics of a profile point (nullopt: of the one nearest in volume), compiles their kernels and makes the expansions
/// that they read and that are not there yet, on the pool's workers. The sizes were checked (check_shapes). Error if a view would
/// change its number of elements.
Prepared prepare(const Program&, StepRange, const Symbols&, std::optional<ProfilePoint>, Expansions&, ThreadPool&);

}  // namespace tercet
