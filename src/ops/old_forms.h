// SPDX-License-Identifier: Apache-2.0
// What many operators had in ONNX's first operator sets and lost soon after, as upgrades.
#pragma once

#include "ops/op.h"

#include <optional>
#include <string_view>

namespace tercet {

/// Takes the attribute away from the node. Empty if it is not given, Error if it is no integer.
std::optional<std::int64_t> take_integer(Graph&, NodeId, std::string_view attribute);

/// To operator set 6: no attribute consumed_inputs, which said which inputs' memory might be reused.
void drop_consumed_inputs(Graph&, NodeId);

/// To operator set 7, of operators on two values: numpy's broadcasting. Before, b had a's shape, or with broadcast = 1
/// one element or a part of a's extents that begins at `axis`, the last ones if there is no axis; it gets axes of extent 1.
void align_second_input(Graph&, NodeId);

/// To operator set 2, of p-norms: p is an integer.
void whole_power(Graph&, NodeId);

/// Gives the node, as its input i, the same elements under a shape with `count` more axes of extent 1 behind its own.
void append_axes(Graph&, NodeId, std::size_t i, int count);

}  // namespace tercet
