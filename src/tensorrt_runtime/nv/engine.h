// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensorrt_runtime/engine_data.h"

#include <NvInferRuntime.h>

namespace tercet::nv {

struct Engine : TensorRtEngineData, std::enable_shared_from_this<Engine> {
    std::unique_ptr<nvinfer1::IRuntime> trt_runtime;      // goes after the engine
    std::unique_ptr<nvinfer1::ICudaEngine> trt_engine;

    std::unique_ptr<TensorRtExecution> new_execution() const override;
};

/// Of something that TensorRT refused to do, with what it logged.
[[noreturn]] void fail(const Engine& engine, std::string_view doing, std::string fix);

std::unique_ptr<TensorRtExecution> make_execution(std::shared_ptr<const Engine> engine);

}  // namespace tercet::nv
