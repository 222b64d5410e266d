// SPDX-License-Identifier: Apache-2.0
// Tercet built without TensorRT.
#include "system/mapped_file.h"
#include "tensorrt_runtime/engine_data.h"
#include "tensorrt_runtime/plan_file.h"

#include <fmt/format.h>

namespace tercet {

std::string_view tensorrt_runtime() { return {}; }

std::shared_ptr<const TensorRtEngineData> open_tensorrt_engine(const std::filesystem::path& file) {
    const std::optional<PlanFile> plan = read_plan_file(map_file(file).bytes);
    if (!plan) throw Error({.what = "begins like no TensorRT engine", .where = file.string(), .fix = "make one with `tercet build MODEL.onnx --target trt10x`"});
    throw Error({.what = fmt::format("is an engine of {}, and this tercet was built without TensorRT", plan->name()), .where = file.string(),
                 .fix = fmt::format("build Tercet with `cmake --preset release -DTENSORRT_ROOT=DIR`, DIR holding include/NvInferRuntime.h and lib of {} (docs/tensorrt.md)", plan->name())});
}

}  // namespace tercet
