// SPDX-License-Identifier: Apache-2.0
// Tensors by their names: TensorRT 8.5 and later, and TensorRT for RTX.
#pragma once

#include "tensorrt_runtime/nv/dims.h"

namespace tercet::nv {

using nvinfer1::OptProfileSelector;

inline int tensor_count(const nvinfer1::ICudaEngine& e) { return e.getNbIOTensors(); }
inline const char* tensor_name(const nvinfer1::ICudaEngine& e, int i) { return e.getIOTensorName(i); }
inline bool is_input(const nvinfer1::ICudaEngine& e, const char* name) { return e.getTensorIOMode(name) == nvinfer1::TensorIOMode::kINPUT; }
inline nvinfer1::DataType type_of(const nvinfer1::ICudaEngine& e, const char* name) { return e.getTensorDataType(name); }
inline nvinfer1::Dims dims_in(const nvinfer1::ICudaEngine& e, const char* name) { return e.getTensorShape(name); }
inline bool is_on_host(const nvinfer1::ICudaEngine& e, const char* name) { return e.getTensorLocation(name) == nvinfer1::TensorLocation::kHOST; }
inline bool is_on_gpu(const nvinfer1::ICudaEngine& e, const char* name) { return !is_on_host(e, name); }
inline bool is_linear(const nvinfer1::ICudaEngine& e, const char* name) { return e.getTensorFormat(name) == nvinfer1::TensorFormat::kLINEAR; }
inline bool holds_sizes(const nvinfer1::ICudaEngine& e, const char* name) { return e.isShapeInferenceIO(name); }
inline nvinfer1::Dims profile_dims(const nvinfer1::ICudaEngine& e, const char* name, int profile, OptProfileSelector which) { return e.getProfileShape(name, profile, which); }

/// An engine of TensorRT's first way, before batches had an axis. Version 10 still has the question, and always answers no.
template <class E>
bool has_implicit_batch(const E& e) {
    if constexpr (sizeof(Extent) == 4) return e.hasImplicitBatchDimension();
    else return false;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
/// Versions 8.5 and 8.6 call these two deprecated, and have nothing in their place.
template <class E>
const std::int32_t* values_by_index(const E& e, const char* name, int profile, OptProfileSelector which) {
    return e.getProfileShapeValues(profile, profile * e.getNbIOTensors() + e.getBindingIndex(name), which);
}
#pragma GCC diagnostic pop

/// `count` elements of a tensor of sizes; empty if the profile has none. They have 64 bits where V2 stands there, and 32 before.
template <class E>
std::vector<std::int64_t> profile_values(const E& e, const char* name, int profile, OptProfileSelector which, std::size_t count) {
    const auto copy = [&](const auto* values) { return values ? std::vector<std::int64_t>(values, values + count) : std::vector<std::int64_t>(); };
    if constexpr (requires { e.getProfileTensorValuesV2(name, profile, which); }) return copy(e.getProfileTensorValuesV2(name, profile, which));
    else if constexpr (requires { e.getProfileTensorValues(name, profile, which); }) return copy(e.getProfileTensorValues(name, profile, which));
    else return copy(values_by_index(e, name, profile, which));
}

/// Memory for outputs whose shape only the run tells.
class Allocator : public nvinfer1::IOutputAllocator {
public:
    virtual void* allocate(std::size_t bytes) noexcept = 0;  // null: there is none
    std::vector<std::int64_t> shape{};                       // as the run told

    void* reallocateOutput(const char*, void*, std::uint64_t bytes, std::uint64_t) noexcept override { return allocate(bytes); }
    void notifyShape(const char*, const nvinfer1::Dims& dims) noexcept override { shape = shape_of(dims); }
};

/// An execution context with all that is set in it before a run.
class Calls {
public:
    Calls(const nvinfer1::ICudaEngine&, nvinfer1::IExecutionContext& context) : context_(context) {}

    bool set_profile(int profile, cudaStream_t stream) { return context_.setOptimizationProfileAsync(profile, stream); }
    bool set_dims(const char* name, const nvinfer1::Dims& dims) { return context_.setInputShape(name, dims); }
    nvinfer1::Dims dims(const char* name) const { return context_.getTensorShape(name); }
    bool set_address(const char* name, void* data) { return context_.setTensorAddress(name, data); }
    bool set_host_input(const char* name, const void* data) { return context_.setInputTensorAddress(name, data); }
    bool read_host_output(const char*, void*) const { return true; }  // the run writes to its address
    bool set_allocator(const char* name, Allocator& allocator) { return context_.setOutputAllocator(name, &allocator); }
    bool enqueue(cudaStream_t stream) { return context_.enqueueV3(stream); }

private:
    nvinfer1::IExecutionContext& context_;
};

}  // namespace tercet::nv
