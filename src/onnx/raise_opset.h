// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "graph/graph.h"
#include "onnx/model_tree.h"

namespace tercet::onnx {

/// Writes a model in a newer version of ONNX's own operators: nodes whose form changed in between, also those of subgraphs and
/// functions, get the newer one, the others stay as they are. `graph` is what the model became when it was read, for the types
/// of values. Does nothing if the model is as new. Error that names the node and the version if one cannot be converted.
void raise_opset(ModelTree&, std::int64_t to, const Graph& graph);

/// The least IR version that goes with a version of ONNX's own operators.
std::int64_t ir_version_of(std::int64_t opset);

}  // namespace tercet::onnx
