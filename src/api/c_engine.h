// SPDX-License-Identifier: Apache-2.0
// The handle of an engine in the C interface.
#pragma once

#include "api/c_call.h"
#include "tercet/engine.h"

#include <string>
#include <vector>

struct tercet_tensor_info {
    const tercet::TensorInfo* info = nullptr;  // of the engine's, which stays where it is
    std::vector<std::int64_t> shape{};         // -1 for what is not a number
};

struct tercet_engine {
    tercet::Engine engine;
    std::string model{}, precision{}, isa{};   // ended by a zero
    std::vector<tercet_tensor_info> inputs{}, outputs{};
};
