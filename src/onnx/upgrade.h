// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ops/op.h"

namespace tercet::onnx {

/// Makes a node of operator set `opset` one of the newest form. Its inputs have types. The operator may change on the way
/// (Upsample became Resize), and onnxruntime's own operators are replaced by others: the node is gone then.
/// Error if the operator is unknown, younger than the operator set, or the node is no such node.
void upgrade(Graph&, NodeId, std::int64_t opset);

/// What upgrades rely on: the node has outputs, its first input is there, known attributes are of their kind. Error if not.
void check_form(const OpDef&, const Node&);

}  // namespace tercet::onnx
