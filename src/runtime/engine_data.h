// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/program.h"
#include "runtime/expansions.h"
#include "system/mapped_file.h"
#include "tercet/engine.h"

namespace tercet {

/// What an Engine shares: the program, whose constants point into the file, its description for users, and what contexts
/// make of its weights.
struct EngineData {
    Program program;
    std::unique_ptr<Expansions> expansions = std::make_unique<Expansions>();
    std::vector<TensorInfo> inputs, outputs;
    std::uint64_t bytes = 0;
};

/// An engine from a file's bytes, which live as long as it does; otherwise as Engine::open.
Engine open_engine(const FileBytes& file, std::string_view max_isa = {});

/// An engine of a program that is used at once, in this process. `program` may refer to a model's file.
Engine engine_of(Program program);

}  // namespace tercet
