// SPDX-License-Identifier: Apache-2.0
#include "tensorrt_runtime/nv/cuda.h"

#include "tercet/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tercet::nv {

void check(cudaError_t status, std::string_view doing) {
    if (status == cudaSuccess) return;
    throw Error({.what = fmt::format("CUDA cannot {}: {}", doing, cudaGetErrorString(status)),
                 .fix = status == cudaErrorMemoryAllocation ? "give smaller shapes, or end other programs on the GPU" : "see `nvidia-smi`; errors of the GPU itself need a new start of the program"});
}

void require_gpu() {
    int count = 0;
    const cudaError_t status = cudaGetDeviceCount(&count);
    if (status == cudaSuccess && count > 0) return;
    throw Error({.what = fmt::format("TensorRT engines need an NVIDIA GPU, and there is none to use: {}", status == cudaSuccess ? "none is shown" : cudaGetErrorString(status)),
                 .fix = "see `nvidia-smi` and CUDA_VISIBLE_DEVICES; containers want `--gpus all`"});
}

Stream::Stream() { check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "make a stream"); }
Stream::~Stream() { cudaStreamDestroy(stream_); }
void Stream::wait() const { check(cudaStreamSynchronize(stream_), "run the engine"); }

Event::Event() { check(cudaEventCreate(&event_), "make an event"); }
Event::~Event() { cudaEventDestroy(event_); }
void Event::record(const Stream& stream) { check(cudaEventRecord(event_, stream.get()), "record an event"); }

double Event::ms_since(const Event& earlier) const {
    float ms = 0;
    check(cudaEventElapsedTime(&ms, earlier.event_, event_), "read an event");
    return static_cast<double>(ms);
}

Memory::~Memory() { free(); }
Memory::Memory(Memory&& other) noexcept : where_(other.where_), data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

void Memory::free() noexcept {
    if (data_ && where_ == Where::gpu) cudaFree(data_);
    if (data_ && where_ == Where::host) cudaFreeHost(data_);
    data_ = nullptr;
    bytes_ = 0;
}

void* Memory::reserve(std::size_t bytes) {
    bytes = std::max<std::size_t>(bytes, 1);
    if (bytes <= bytes_) return data_;
    free();
    const auto doing = fmt::format("allocate {} bytes{}", bytes, where_ == Where::gpu ? " on the GPU" : "");
    check(where_ == Where::gpu ? cudaMalloc(&data_, bytes) : cudaMallocHost(&data_, bytes), doing);
    bytes_ = bytes;
    return data_;
}

}  // namespace tercet::nv
