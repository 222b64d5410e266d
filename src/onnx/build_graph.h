// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "onnx/declared.h"
#include "onnx/functions.h"

namespace tercet::onnx {

/// A GraphProto as it stands in the file, and what the model says of its operators.
struct FileGraph {
    std::string name;
    std::vector<FileNode> nodes;
    std::vector<NamedTensor> initializers;
    std::vector<Declared> inputs, outputs;
    OperatorSets sets;
    Functions functions;
};

/// Wires values by name, puts what they stand for in place of functions, If, Loop and Scan, and gives every node its newest form
/// and types. `source` is where functions are read from. Error, naming node and value, if that fails.
Graph build_graph(FileGraph, Source& source, const std::map<std::string, Tensor>& fixed_inputs);

}  // namespace tercet::onnx
