// SPDX-License-Identifier: Apache-2.0
// What stands behind a TensorRtEngine and a TensorRtContext. With TensorRT it is src/tensorrt_runtime/nv, without it `without`,
// which has nothing but the reason.
#pragma once

#include "tercet/tensorrt_engine.h"

namespace tercet {

/// A context on the GPU.
struct TensorRtExecution {
    virtual ~TensorRtExecution() = default;
    virtual std::span<const ResultView> run(std::size_t profile, std::span<const InputView> inputs) = 0;  // inputs are checked
    virtual double gpu_ms() const = 0;
};

struct TensorRtEngineData {
    std::filesystem::path file;
    std::uint64_t bytes = 0;
    std::string runtime;
    std::vector<TensorInfo> inputs, outputs;
    std::vector<TensorRtProfile> profiles;
    std::vector<std::string> warnings;

    virtual ~TensorRtEngineData() = default;
    virtual std::unique_ptr<TensorRtExecution> new_execution() const = 0;
};

/// Error as TensorRtEngine::open.
std::shared_ptr<const TensorRtEngineData> open_tensorrt_engine(const std::filesystem::path& file);

}  // namespace tercet
