// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "graph/graph.h"

namespace tercet::onnx {

/// Makes a node of operator set `opset` one of the newest form. Its inputs have types. The operator may change on the way
/// (Upsample became Resize), and onnxruntime's own operators are replaced by others: the node is gone then.
/// Error if the operator is unknown, younger than the operator set, or the node is no such node.
void upgrade(Graph&, NodeId, std::int64_t opset);

}  // namespace tercet::onnx
