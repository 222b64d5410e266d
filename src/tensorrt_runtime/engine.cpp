// SPDX-License-Identifier: Apache-2.0
#include "tensorrt_runtime/engine_data.h"
#include "tensorrt_runtime/profiles.h"

namespace tercet {

TensorRtEngine TensorRtEngine::open(const std::filesystem::path& file) { return TensorRtEngine(open_tensorrt_engine(file)); }

std::span<const TensorInfo> TensorRtEngine::inputs() const { return data_->inputs; }
std::span<const TensorInfo> TensorRtEngine::outputs() const { return data_->outputs; }
std::span<const TensorRtProfile> TensorRtEngine::profiles() const { return data_->profiles; }
std::string_view TensorRtEngine::runtime() const { return data_->runtime; }
std::uint64_t TensorRtEngine::bytes() const { return data_->bytes; }
std::span<const std::string> TensorRtEngine::warnings() const { return data_->warnings; }

TensorRtContext::TensorRtContext(TensorRtEngine engine) : engine_(std::move(engine)), execution_(at([&] { return engine_.data()->file.string(); }, [&] { return engine_.data()->new_execution(); })) {}
TensorRtContext::~TensorRtContext() = default;
TensorRtContext::TensorRtContext(TensorRtContext&&) noexcept = default;
TensorRtContext& TensorRtContext::operator=(TensorRtContext&& other) noexcept {
    execution_ = std::move(other.execution_);  // first what runs on the engine
    engine_ = std::move(other.engine_);
    return *this;
}

std::span<const ResultView> TensorRtContext::run(std::span<const InputView> inputs) {
    return at([&] { return engine_.data()->file.string(); }, [&] {
        check_inputs(engine_.inputs(), inputs);
        return execution_->run(choose_profile(engine_.inputs(), engine_.profiles(), inputs), inputs);
    });
}

double TensorRtContext::gpu_ms() const { return execution_->gpu_ms(); }
const TensorRtEngine& TensorRtContext::engine() const { return engine_; }

}  // namespace tercet
