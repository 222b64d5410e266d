// SPDX-License-Identifier: Apache-2.0
#include "api/bench_loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <thread>

namespace tercet {

double ms_since(BenchClock::time_point start) { return std::chrono::duration<double, std::milli>(BenchClock::now() - start).count(); }

std::vector<std::vector<std::int64_t>> shapes_for(std::span<const TensorInfo> inputs, std::int64_t batch) {
    std::vector<std::vector<std::int64_t>> shapes;
    for (const TensorInfo& in : inputs) {
        shapes.push_back(in.opt_shape);
        if (batch > 0 && !in.shape.empty() && in.min_shape[0] != in.max_shape[0]) {
            if (batch < in.min_shape[0] || batch > in.max_shape[0])
                throw Error({.what = fmt::format("--batch {}: the engine's profile is {} to {}", batch, in.min_shape[0], in.max_shape[0]), .fix = "give a batch within it, or build the engine with other --min-shapes and --max-shapes"});
            shapes.back()[0] = batch;
        } else if (batch > 0 && !in.shape.empty() && in.opt_shape[0] != batch && inputs.size() == 1)
            throw Error({.what = fmt::format("--batch {}: the engine's batch is fixed to {}", batch, in.opt_shape[0]), .fix = "build it from a model with a dynamic batch"});
    }
    return shapes;
}

Latencies measure_latencies(std::size_t streams, const BenchSettings& settings, const std::function<void(std::size_t stream)>& run) {
    for (std::size_t i = 0; i < streams; ++i) {  // twice at least
        const auto warm = BenchClock::now();
        do run(i);
        while (ms_since(warm) < settings.seconds * 100);
    }
    Latencies found{.ms = std::vector<std::vector<double>>(streams)};
    const auto measured = BenchClock::now();
    std::vector<std::exception_ptr> failures(streams);
    const auto stream = [&](std::size_t i) {
        try {
            std::int64_t shown = 0;
            do {
                const auto s = BenchClock::now();
                run(i);
                found.ms[i].push_back(ms_since(s));
                const auto tenths = static_cast<std::int64_t>(ms_since(measured) / 100);
                if (i == 0 && settings.progress && tenths > shown) settings.progress({"measuring", shown = tenths, std::max(tenths, static_cast<std::int64_t>(settings.seconds * 10))});
            } while (ms_since(measured) < settings.seconds * 1000 || found.ms[i].size() < 3);
        } catch (...) {
            failures[i] = std::current_exception();
        }
    };
    {
        std::vector<std::jthread> others;
        for (std::size_t i = 1; i < streams; ++i) others.emplace_back(stream, i);
        stream(0);
    }
    for (const std::exception_ptr& failure : failures)
        if (failure) std::rethrow_exception(failure);
    found.seconds = ms_since(measured) / 1000;
    return found;
}

std::vector<double> sorted(const std::vector<std::vector<double>>& parts) {
    std::vector<double> all;
    for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
    std::ranges::sort(all);
    return all;
}

double percentile(const std::vector<double>& sorted, double p) {
    return sorted[std::min(sorted.size() - 1, static_cast<std::size_t>(std::ceil(p * static_cast<double>(sorted.size())) - 1))];
}

}  // namespace tercet
