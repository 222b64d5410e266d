// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/program.h"
#include "tercet/build.h"

namespace tercet {

/// Ranges of the symbols in the graph's input shapes, from the shapes that the user gave per input. A symbol of a first
/// dimension (a batch) that none says anything about gets 1 / 16 / 32. Error, which names the option to give, for any other
/// symbol without a range, an unknown input, a wrong rank, a fixed size contradicted, or min <= opt <= max broken.
Profile make_profile(const Graph& graph, const Shapes& min, const Shapes& opt, const Shapes& max);

}  // namespace tercet
