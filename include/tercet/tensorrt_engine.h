// SPDX-License-Identifier: Apache-2.0
/// @file
/// Running a TensorRT engine file (.trt) on a GPU, in a Tercet that was built with TensorRT. As with Tercet's own engines, one
/// TensorRtEngine is opened once and shared, and every caller gets a TensorRtContext:
///
///     tercet::TensorRtContext context(tercet::TensorRtEngine::open("model_trt10x_fp16.trt"));
///     const std::int64_t shape[] = {1, 28, 28, 1};
///     auto outputs = context.run({{{tercet::DType::f32, shape, pixels}}});
#pragma once

#include "tercet/bench.h"
#include "tercet/data.h"
#include "tercet/engine.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace [[gnu::visibility("default")]] tercet {

/// The TensorRT that this Tercet was built with, "TensorRT 10.16.0"; empty if it was built without and opens no TensorRT engine.
std::string_view tensorrt_runtime();

/// Whether the file is TensorRT's to read: it begins as TensorRT's engines do, or is named .trt or .plan and begins like nothing
/// that Tercet knows. False if there is no such file.
bool is_tensorrt_engine(const std::filesystem::path& file);

/// Shapes that an engine was built for: one of its optimization profiles.
struct TensorRtProfile {
    /// What one input may be.
    struct Input {
        std::vector<std::int64_t> min_shape, opt_shape, max_shape;
        std::vector<std::int64_t> min_values, opt_values, max_values;  ///< of an input whose elements are sizes; else empty
    };
    std::vector<Input> inputs;  ///< in the engine's order
};

struct TensorRtEngineData;
struct TensorRtExecution;

/// A TensorRT engine on the GPU. Immutable and cheap to copy; safe to use from any thread.
class TensorRtEngine {
public:
    /// Puts the engine on the first GPU that CUDA shows (CUDA_VISIBLE_DEVICES). Error if this Tercet was built without TensorRT,
    /// there is no GPU, or TensorRT refuses the file, with TensorRT's reason: its engines run on the version and the kind of GPU
    /// that they were built for.
    static TensorRtEngine open(const std::filesystem::path& file);

    /// A dynamic extent is "?"; the ranges are those of all profiles together, the optimum is the first one's.
    std::span<const TensorInfo> inputs() const;
    std::span<const TensorInfo> outputs() const;         ///< no ranges where an extent is dynamic
    std::span<const TensorRtProfile> profiles() const;   ///< at least one
    std::string_view runtime() const;                    ///< the TensorRT that runs it: "TensorRT 10.16.0"
    std::uint64_t bytes() const;                         ///< of the file
    std::span<const std::string> warnings() const;       ///< TensorRT's, of opening it

    explicit TensorRtEngine(std::shared_ptr<const TensorRtEngineData> data) : data_(std::move(data)) {}  ///< for Tercet itself
    const std::shared_ptr<const TensorRtEngineData>& data() const { return data_; }                      ///< for Tercet itself

private:
    std::shared_ptr<const TensorRtEngineData> data_;
};

/// One caller's memory and stream on the GPU. Not thread-safe; several contexts of one engine run independently (with TensorRT 8,
/// if the engine has a profile for each).
class TensorRtContext {
public:
    /// Error if TensorRT cannot make one, for want of memory on the GPU above all.
    explicit TensorRtContext(TensorRtEngine engine);
    ~TensorRtContext();
    TensorRtContext(TensorRtContext&&) noexcept;             ///< the other can only be destroyed or assigned to afterwards
    TensorRtContext& operator=(TensorRtContext&&) noexcept;  ///< the same

    /// Copies the inputs to the GPU, runs by the profile whose optimum is nearest to their shapes, and copies the results back,
    /// where they are valid until the next run. Error if a dtype or shape is not the engine's or in none of its profiles, or if
    /// TensorRT fails.
    std::span<const ResultView> run(std::span<const InputView> inputs);

    double gpu_ms() const;                ///< what the last run took on the GPU, without the copies
    const TensorRtEngine& engine() const; ///< what it runs

private:
    TensorRtEngine engine_;
    std::unique_ptr<TensorRtExecution> execution_;
};

/// Made up elements for an input: sizes as the first profile's optimum has them, else as random_array() gives them.
Array random_input(const TensorRtEngine& engine, std::size_t input, std::span<const std::int64_t> shape);

/// What bench_tensorrt() measured.
struct TensorRtBenchResult {
    /// Of single runs.
    struct Percentiles { double p50 = 0, p90 = 0, p95 = 0, p99 = 0; };
    double samples_per_s = 0;
    Percentiles latency_ms;  ///< of a run, copies to the GPU and back included
    Percentiles gpu_ms;      ///< of its part without the copies
    double load_ms = 0, first_inference_ms = 0;
    std::int64_t batch = 0, runs = 0;
    int streams = 0;
    std::string runtime;
    std::vector<std::string> warnings;
};

/// Opens the engine (which is timed) and runs it on random inputs. Of the settings, batch, seconds, streams and progress count.
TensorRtBenchResult bench_tensorrt(const std::filesystem::path& engine, const BenchSettings& settings = {});

}  // namespace tercet
