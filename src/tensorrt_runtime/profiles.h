// SPDX-License-Identifier: Apache-2.0
// The shapes that a TensorRT engine takes, and which of its profiles runs them.
#pragma once

#include "tercet/tensorrt_engine.h"

namespace tercet {

/// "?" for a dynamic extent (-1).
std::vector<std::string> extents_of(std::span<const std::int64_t> shape);

/// Fills in an input's ranges: the least and the most of all profiles together, the first one's optimum.
void set_ranges(TensorInfo& input, std::size_t index, std::span<const TensorRtProfile> profiles);

/// Error if number, types, ranks or fixed extents are not the engine's, or data are missing.
void check_inputs(std::span<const TensorInfo> engine, std::span<const InputView> inputs);

/// The profile that has all inputs within its ranges and an optimum nearest in size, the first of equals. Error if there is
/// none. Inputs are checked.
std::size_t choose_profile(std::span<const TensorInfo> engine, std::span<const TensorRtProfile> profiles, std::span<const InputView> inputs);

}  // namespace tercet
