// SPDX-License-Identifier: Apache-2.0
/// @file
/// Measuring an engine.
#pragma once

#include "tercet/engine.h"
#include "tercet/progress.h"
#include "tercet/roof.h"

#include <functional>

namespace [[gnu::visibility("default")]] tercet {

/// What bench() measures, and how.
struct BenchSettings {
    std::int64_t batch = 0;      ///< of every input with a dynamic first dimension; 0: the profile's optimum
    double seconds = 3;          ///< to measure, after a warm-up
    int threads = 0;             ///< per stream; 0: all
    int streams = 1;             ///< contexts that run at the same time, each on `threads` threads
    bool profile = false;        ///< time the steps, too, and measure the roof
    std::string max_isa;         ///< as for Engine::open
    std::function<void(const Progress&)> progress;  ///< in tenths of a second, from the calling thread
};

/// What bench() measured.
struct BenchResult {
    double samples_per_s = 0;
    struct { double p50 = 0, p90 = 0, p95 = 0, p99 = 0; } latency_ms;  ///< of one run, by percentile
    double load_ms = 0, first_inference_ms = 0;
    std::uint64_t peak_rss_bytes = 0;
    std::int64_t batch = 0, runs = 0;
    int threads = 0, streams = 0;
    std::vector<StepInfo> steps;  ///< with the median time of each, if profiled
    Roof roof;                    ///< of one stream's threads, if profiled
};

/// Opens the engine (which is timed) and runs it on random inputs.
BenchResult bench(const std::filesystem::path& engine, const BenchSettings& settings = {});

}  // namespace tercet
