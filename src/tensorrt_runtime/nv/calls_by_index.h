// SPDX-License-Identifier: Apache-2.0
// Tensors by the numbers of their bindings: TensorRT 8.0 to 8.4. Every profile has bindings of its own, one block after the
// other; names are those of the first block.
#pragma once

#include "tensorrt_runtime/nv/dims.h"

#include <algorithm>
#include <cstddef>

namespace tercet::nv {

using nvinfer1::OptProfileSelector;

inline int tensor_count(const nvinfer1::ICudaEngine& e) { return e.getNbBindings() / std::max(1, e.getNbOptimizationProfiles()); }
inline const char* tensor_name(const nvinfer1::ICudaEngine& e, int i) { return e.getBindingName(i); }
inline bool is_input(const nvinfer1::ICudaEngine& e, const char* name) { return e.bindingIsInput(e.getBindingIndex(name)); }
inline nvinfer1::DataType type_of(const nvinfer1::ICudaEngine& e, const char* name) { return e.getBindingDataType(e.getBindingIndex(name)); }
inline nvinfer1::Dims dims_in(const nvinfer1::ICudaEngine& e, const char* name) { return e.getBindingDimensions(e.getBindingIndex(name)); }
inline bool holds_sizes(const nvinfer1::ICudaEngine& e, const char* name) { return e.isShapeBinding(e.getBindingIndex(name)); }
inline bool is_on_host(const nvinfer1::ICudaEngine& e, const char* name) { return holds_sizes(e, name); }
inline bool is_on_gpu(const nvinfer1::ICudaEngine& e, const char* name) { return e.isExecutionBinding(e.getBindingIndex(name)); }  // an input may be both
inline bool is_linear(const nvinfer1::ICudaEngine& e, const char* name) { return e.getBindingFormat(e.getBindingIndex(name)) == nvinfer1::TensorFormat::kLINEAR; }
inline bool has_implicit_batch(const nvinfer1::ICudaEngine& e) { return e.hasImplicitBatchDimension(); }

inline nvinfer1::Dims profile_dims(const nvinfer1::ICudaEngine& e, const char* name, int profile, OptProfileSelector which) {
    return e.getProfileDimensions(profile * tensor_count(e) + e.getBindingIndex(name), profile, which);
}

inline std::vector<std::int64_t> profile_values(const nvinfer1::ICudaEngine& e, const char* name, int profile, OptProfileSelector which, std::size_t count) {
    const std::int32_t* values = e.getProfileShapeValues(profile, profile * tensor_count(e) + e.getBindingIndex(name), which);
    return values ? std::vector<std::int64_t>(values, values + count) : std::vector<std::int64_t>();
}

/// These versions have no operator whose output's shape depends on data.
class Allocator {
public:
    virtual void* allocate(std::size_t bytes) noexcept = 0;
    std::vector<std::int64_t> shape{};
};

class Calls {
public:
    Calls(const nvinfer1::ICudaEngine& engine, nvinfer1::IExecutionContext& context)
        : engine_(engine), context_(context), addresses_(static_cast<std::size_t>(engine.getNbBindings())) {}

    bool set_profile(int profile, cudaStream_t stream) {
        first_ = profile * tensor_count(engine_);
        return context_.setOptimizationProfileAsync(profile, stream);
    }
    bool set_dims(const char* name, const nvinfer1::Dims& dims) { return context_.setBindingDimensions(binding(name), dims); }
    nvinfer1::Dims dims(const char* name) const { return context_.getBindingDimensions(binding(name)); }
    bool set_address(const char* name, void* data) {
        addresses_[static_cast<std::size_t>(binding(name))] = data;
        return true;
    }
    bool set_host_input(const char* name, const void* data) { return context_.setInputShapeBinding(binding(name), static_cast<const std::int32_t*>(data)); }
    bool read_host_output(const char* name, void* data) const { return context_.getShapeBinding(binding(name), static_cast<std::int32_t*>(data)); }
    bool set_allocator(const char*, Allocator&) { return false; }
    bool enqueue(cudaStream_t stream) { return context_.enqueueV2(addresses_.data(), stream, nullptr); }

private:
    int binding(const char* name) const { return first_ + engine_.getBindingIndex(name); }

    const nvinfer1::ICudaEngine& engine_;
    nvinfer1::IExecutionContext& context_;
    std::vector<void*> addresses_;
    int first_ = 0;  // of the profile's bindings
};

}  // namespace tercet::nv
