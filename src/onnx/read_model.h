// SPDX-License-Identifier: Apache-2.0
// Import: an ONNX file becomes a Graph whose operators are all in their newest form (operator set newest_opset).
#pragma once

#include "graph/graph.h"

#include <filesystem>
#include <map>
#include <string>

namespace tercet {

struct Model {
    Graph graph;
    std::string producer;       // "pytorch 2.5", for people
    std::int64_t ir_version = 0;
    std::int64_t opset = 0;     // of ONNX's own domain, as in the file
};

struct ReadSettings {
    std::map<std::string, Tensor> fixed_inputs{};  // inputs that become constants; Error if there is no such input
    std::string name = "FILE";                     // what commands in errors call a model that is read from memory
};

/// Reads operator sets 7 to 28, IR versions 3 to 14. Weights stay where they are in the mapped file (or in the external
/// data files beside it), which lives as long as a tensor refers to it. Error, with the file in front, if the file is
/// missing (says how to make one), empty, truncated, no ONNX model, invalid, or holds something unsupported.
Model read_model(const std::filesystem::path& file, const ReadSettings& settings = {});

/// The same from memory; `bytes` is kept by the constants' owner. External data is looked up in `folder`.
Model read_model(std::span<const std::byte> bytes, std::shared_ptr<const void> owner, const std::filesystem::path& folder,
                 const ReadSettings& settings = {});

/// One TensorProto file (.pb), as ONNX's test data has them. Its name comes along.
std::pair<std::string, Tensor> read_tensor(const std::filesystem::path& file);

/// Writes a TensorProto file.
void write_tensor(const std::filesystem::path& file, std::string_view name, const Tensor& tensor);

}  // namespace tercet
