// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/program.h"
#include "tercet/engine.h"

namespace tercet {

/// What an Engine shares: the program, whose constants point into the file, and its description for users.
struct EngineData {
    Program program;
    std::vector<TensorInfo> inputs, outputs;
    std::uint64_t bytes = 0;
};

}  // namespace tercet
