// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "onnx/read_node.h"

#include <span>

namespace tercet::onnx {

/// Positions of the nodes of one graph, each behind those whose outputs it or a subgraph of it reads, otherwise as they stand.
/// Error that names a node of it if there is a cycle.
std::vector<std::size_t> sort_nodes(std::span<const FileNode> nodes);

}  // namespace tercet::onnx
