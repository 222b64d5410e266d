// SPDX-License-Identifier: Apache-2.0
// Engines that TensorRT builds: Tercet plans and calibrates, a script with TensorRT's Python module builds.
#pragma once

#include "tercet/build.h"

namespace tercet {

/// What build() does for a TensorRT target.
BuildResult build_tensorrt(const std::filesystem::path& model, const BuildSettings& settings);

/// A model with its precision written in, as strongly typed TensorRTs get it, and what of its layers is in which precision.
struct TypedModel {
    std::filesystem::path file;
    BuildResult result;
};
TypedModel write_typed_model(const std::filesystem::path& model, const BuildSettings& settings, const std::filesystem::path& folder);

/// "model_trt10x_int8.trt" for a TensorRT, "model_cpu_fp32.engine" for the CPU.
std::string engine_name(const std::filesystem::path& model, std::string_view target, std::string_view precision);

}  // namespace tercet
