// SPDX-License-Identifier: Apache-2.0
// Places of the values that a stage computes in one piece of memory.
#pragma once

#include "engine/program.h"

namespace tercet {

struct Placement {
    std::vector<std::int64_t> offsets;  // by value; -1 for those that are not computed here
    std::int64_t bytes = 0;             // of it all
};

/// Values that live at the same time do not overlap; sizes are the largest within these ranges; outputs, and what later steps
/// read, live to the end. Error if a value is too large to be addressed.
Placement place_values(const Program& program, const SymbolRanges& ranges, StepRange steps);

}  // namespace tercet
