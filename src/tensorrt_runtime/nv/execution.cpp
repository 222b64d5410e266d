// SPDX-License-Identifier: Apache-2.0
// Running a TensorRT engine: inputs to the GPU, the engine, outputs back, all in one stream.
#include "tensorrt_runtime/nv/calls.h"
#include "tensorrt_runtime/nv/cuda.h"
#include "tensorrt_runtime/nv/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace tercet::nv {
namespace {

std::size_t bytes_for(DType dtype, std::span<const std::int64_t> shape) {
    std::int64_t count = 1;
    for (std::int64_t d : shape)
        if (d < 0 || __builtin_mul_overflow(count, d, &count)) throw Error({.what = fmt::format("a tensor of [{}] is too large", fmt::join(shape, ",")), .fix = "give smaller shapes"});
    return bytes_of(dtype, count);
}

// An output's memory, taken when TensorRT says how much it needs.
class OutputMemory : public Allocator {
public:
    void* allocate(std::size_t bytes) noexcept override {
        try {
            return gpu.reserve(bytes);
        } catch (const Error&) {
            return nullptr;
        }
    }
    Memory gpu{Memory::Where::gpu};
};

struct Input {
    std::string name;
    bool on_host, on_gpu;
    Memory host{Memory::Where::host}, gpu{Memory::Where::gpu};
};

struct Output {
    std::string name;
    DType dtype;
    bool on_host;
    OutputMemory memory{};
    Memory host{Memory::Where::host};
    std::vector<std::int64_t> shape{};  // of the last run
};

class Execution : public TensorRtExecution {
public:
    explicit Execution(std::shared_ptr<const Engine> engine) : engine_(std::move(engine)) {
        const nvinfer1::ICudaEngine& e = *engine_->trt_engine;
        context_.reset(engine_->trt_engine->createExecutionContext());
        if (!context_) fail(*engine_, "make a context", "end other programs on the GPU, or build the engine with a smaller workspace or smaller --max-shapes");
        calls_ = std::make_unique<Calls>(e, *context_);
        for (const TensorInfo& i : engine_->inputs) inputs_.push_back(std::make_unique<Input>(Input{i.name, is_on_host(e, i.name.c_str()), is_on_gpu(e, i.name.c_str())}));
        for (const TensorInfo& o : engine_->outputs) outputs_.push_back(std::make_unique<Output>(Output{o.name, o.dtype, is_on_host(e, o.name.c_str())}));
    }

    std::span<const ResultView> run(std::size_t profile, std::span<const InputView> inputs) override {
        if (profile != profile_) {
            need(calls_->set_profile(static_cast<int>(profile), stream_.get()), "use this profile", "with TensorRT 8, every context needs a profile of its own: run one at a time");
            stream_.wait();
            profile_ = profile;
        }
        for (std::size_t i = 0; i < inputs.size(); ++i) give(*inputs_[i], inputs[i]);
        std::vector<bool> open;  // outputs whose shape only the run tells
        for (auto& o : outputs_) open.push_back(!prepare(*o));
        start_.record(stream_);
        need(calls_->enqueue(stream_.get()), "run it", "give other inputs, or build the engine again");
        end_.record(stream_);
        for (std::size_t i = 0; i < outputs_.size(); ++i)
            if (!open[i]) fetch(*outputs_[i]);
        stream_.wait();
        if (std::ranges::find(open, true) != open.end()) {
            for (std::size_t i = 0; i < outputs_.size(); ++i)
                if (open[i]) {
                    outputs_[i]->shape = outputs_[i]->memory.shape;
                    fetch(*outputs_[i]);
                }
            stream_.wait();
        }
        results_.clear();
        for (const auto& o : outputs_) results_.push_back({o->dtype, o->shape, o->host.get()});
        return results_;
    }

    double gpu_ms() const override { return end_.ms_since(start_); }

private:
    void need(bool done, std::string_view doing, const char* fix) const {
        if (!done) fail(*engine_, doing, fix);
    }

    void give(Input& to, const InputView& from) {
        const char* name = to.name.c_str();
        const std::size_t bytes = bytes_for(from.dtype, from.shape);
        need(calls_->set_dims(name, dims_of(from.shape)), fmt::format("take '{}' as [{}]", to.name, fmt::join(from.shape, ",")), "give it another shape");
        if (to.on_host) {
            if (bytes > 0) std::memcpy(to.host.reserve(bytes), from.data, bytes);
            need(calls_->set_host_input(name, to.host.reserve(bytes)), fmt::format("take the sizes in '{}'", to.name), "give sizes within the engine's profile");
        }
        if (to.on_gpu) {
            void* gpu = to.gpu.reserve(bytes);
            if (bytes > 0) check(cudaMemcpyAsync(gpu, from.data, bytes, cudaMemcpyHostToDevice, stream_.get()), "copy an input to the GPU");
            need(calls_->set_address(name, gpu), fmt::format("take '{}'", to.name), "build the engine again");
        }
    }

    // Memory for an output; false if how much only the run tells.
    bool prepare(Output& o) {
        const char* name = o.name.c_str();
        const nvinfer1::Dims dims = calls_->dims(name);
        o.shape = shape_of(dims);
        if (dims.nbDims < 0 || std::ranges::any_of(o.shape, [](std::int64_t d) { return d < 0; })) {
            need(!o.on_host && dims.nbDims >= 0 && calls_->set_allocator(name, o.memory), fmt::format("tell the shape of '{}'", o.name), "give other inputs, or build the engine again");
            return false;
        }
        const std::size_t bytes = bytes_for(o.dtype, o.shape);
        need(calls_->set_address(name, o.on_host ? o.host.reserve(bytes) : o.memory.gpu.reserve(bytes)), fmt::format("give '{}'", o.name), "build the engine again");
        return true;
    }

    void fetch(Output& o) {
        const std::size_t bytes = bytes_for(o.dtype, o.shape);
        void* host = o.host.reserve(bytes);
        if (o.on_host) need(calls_->read_host_output(o.name.c_str(), host), fmt::format("tell the sizes in '{}'", o.name), "build the engine again");
        else if (bytes > 0) check(cudaMemcpyAsync(host, o.memory.gpu.get(), bytes, cudaMemcpyDeviceToHost, stream_.get()), "copy an output from the GPU");
    }

    // In this order: the context goes first, the engine last.
    std::shared_ptr<const Engine> engine_;
    Stream stream_;
    Event start_, end_;
    std::vector<std::unique_ptr<Input>> inputs_;
    std::vector<std::unique_ptr<Output>> outputs_;  // stay where they are: TensorRT has their addresses
    std::vector<ResultView> results_;
    std::unique_ptr<nvinfer1::IExecutionContext> context_;
    std::unique_ptr<Calls> calls_;
    std::size_t profile_ = static_cast<std::size_t>(-1);
};

}  // namespace

std::unique_ptr<TensorRtExecution> make_execution(std::shared_ptr<const Engine> engine) {
    return std::make_unique<Execution>(std::move(engine));
}

}  // namespace tercet::nv
