// SPDX-License-Identifier: Apache-2.0
// What TensorRT needs of CUDA's runtime, each freed when it goes. Every failure is an Error.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <string_view>

namespace tercet::nv {

/// Error "CUDA cannot DOING: reason" unless it is cudaSuccess.
void check(cudaError_t status, std::string_view doing);

/// Error if there is no GPU that this CUDA could use.
void require_gpu();

class Stream {
public:
    Stream();
    ~Stream();
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    cudaStream_t get() const { return stream_; }
    void wait() const;  // until all of it is done

private:
    cudaStream_t stream_ = nullptr;
};

class Event {
public:
    Event();
    ~Event();
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;
    void record(const Stream& stream);
    double ms_since(const Event& earlier) const;  // both are over

private:
    cudaEvent_t event_ = nullptr;
};

/// Memory on the GPU, or of the host's, locked in place so that copies need no detour. It grows, and keeps nothing then.
class Memory {
public:
    enum class Where { gpu, host };
    explicit Memory(Where where) : where_(where) {}
    ~Memory();
    Memory(Memory&& other) noexcept;
    Memory& operator=(Memory&&) = delete;
    void* reserve(std::size_t bytes);  // its address, never null
    void* get() const { return data_; }

private:
    void free() noexcept;

    Where where_;
    void* data_ = nullptr;
    std::size_t bytes_ = 0;
};

}  // namespace tercet::nv
