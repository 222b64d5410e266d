// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tercet/convert.h"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace tercet {

/// A run of the original: NPY files of what it was given and of what it computed, by the ONNX model's names.
struct ConversionSample {
    std::map<std::string, std::filesystem::path> inputs, outputs;
};

/// Runs the ONNX model on the samples, as an FP32 engine that is built in `folder`. `steps` says by how much whole numbers of an
/// output may differ; others must be equal. Error if it cannot be built or run, or if an output has another type or shape.
std::vector<ConversionError> check_conversion(const std::filesystem::path& model, const std::vector<ConversionSample>& samples, const std::map<std::string, double>& steps,
                                              const std::filesystem::path& folder);

}  // namespace tercet
