// SPDX-License-Identifier: Apache-2.0
// What measuring an engine takes, whatever runs it.
#pragma once

#include "tercet/bench.h"

#include <chrono>
#include <functional>

namespace tercet {

using BenchClock = std::chrono::steady_clock;

double ms_since(BenchClock::time_point start);

/// The inputs' optimum, with this batch where it is dynamic. Error if it is outside the profile.
std::vector<std::vector<std::int64_t>> shapes_for(std::span<const TensorInfo> inputs, std::int64_t batch);

struct Latencies {
    std::vector<std::vector<double>> ms{};  // of every run, by stream
    double seconds = 0;                     // that all of them took
};

/// Calls run(stream) again and again, for all streams at the same time: a tenth of the time to warm up, then for `settings.seconds`.
Latencies measure_latencies(std::size_t streams, const BenchSettings& settings, const std::function<void(std::size_t stream)>& run);

std::vector<double> sorted(const std::vector<std::vector<double>>& parts);
double percentile(const std::vector<double>& sorted, double p);

}  // namespace tercet
