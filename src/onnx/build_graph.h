// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "onnx/declared.h"
#include "onnx/read_node.h"

#include <set>

namespace tercet::onnx {

/// A GraphProto as it stands in the file, and what the model says of its operators.
struct FileGraph {
    std::string name;
    std::vector<FileNode> nodes;
    std::vector<NamedTensor> initializers;
    std::vector<Declared> inputs, outputs;
    OperatorSets sets;
    std::set<std::pair<std::string, std::string>> functions;  // (domain, name) of functions that the model defines
};

/// Wires values by name, sorts, and makes node after node one of the newest form with types. Error, naming node and value,
/// if that fails.
Graph build_graph(FileGraph, const std::map<std::string, Tensor>& fixed_inputs);

}  // namespace tercet::onnx
