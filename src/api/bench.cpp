// SPDX-License-Identifier: Apache-2.0
#include "tercet/bench.h"

#include "system/thread_pool.h"
#include "tensor/tensor.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <fstream>
#include <random>
#include <string>
#include <thread>

namespace tercet {
namespace {

using clock = std::chrono::steady_clock;

double ms_since(clock::time_point start) { return std::chrono::duration<double, std::milli>(clock::now() - start).count(); }

std::vector<std::vector<std::int64_t>> shapes_for(const Engine& engine, std::int64_t batch) {
    std::vector<std::vector<std::int64_t>> shapes;
    for (const TensorInfo& in : engine.inputs()) {
        shapes.push_back(in.opt_shape);
        if (batch > 0 && !in.shape.empty() && in.min_shape[0] != in.max_shape[0]) {
            if (batch < in.min_shape[0] || batch > in.max_shape[0])
                throw Error({.what = fmt::format("--batch {}: the engine's profile is {} to {}", batch, in.min_shape[0], in.max_shape[0]), .fix = "give a batch within it, or build the engine with other --min-shapes and --max-shapes"});
            shapes.back()[0] = batch;
        } else if (batch > 0 && !in.shape.empty() && in.opt_shape[0] != batch && engine.inputs().size() == 1)
            throw Error({.what = fmt::format("--batch {}: the engine's batch is fixed to {}", batch, in.opt_shape[0]), .fix = "build it from a model with a dynamic batch"});
    }
    return shapes;
}

// Values in [0, 1): what images are; integers 0, which is valid wherever they index.
std::vector<Tensor> random_inputs(const Engine& engine, const std::vector<std::vector<std::int64_t>>& shapes) {
    std::mt19937 random(1);
    std::vector<Tensor> tensors;
    for (std::size_t i = 0; i < shapes.size(); ++i) {
        Tensor t = Tensor::zeros(engine.inputs()[i].dtype, Dims(shapes[i]));
        if (is_float(t.dtype()))
            for (std::int64_t k = 0; k < t.count(); ++k) t.writable().set_at(k, static_cast<double>(random() >> 8) * 0x1p-24);
        tensors.push_back(std::move(t));
    }
    return tensors;
}

// Of this program alone: what the kernel counts for a process includes the one that started it.
std::uint64_t peak_rss_bytes() {
    std::ifstream status("/proc/self/status");
    for (std::string key; status >> key; status.ignore(1 << 12, '\n'))
        if (std::uint64_t kib = 0; key == "VmHWM:" && status >> kib) return kib * 1024;
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

double percentile(const std::vector<double>& sorted, double p) {
    return sorted[std::min(sorted.size() - 1, static_cast<std::size_t>(std::ceil(p * static_cast<double>(sorted.size())) - 1))];
}

}  // namespace

BenchResult bench(const std::filesystem::path& file, const BenchSettings& settings) {
    BenchResult r;
    r.streams = std::max(1, settings.streams);
    r.threads = settings.threads > 0 ? settings.threads : std::max(1, usable_processors() / r.streams);
    const auto start = clock::now();
    const Engine engine = Engine::open(file, Load::map, settings.max_isa);
    std::vector<Context> contexts;
    for (int i = 0; i < r.streams; ++i) contexts.emplace_back(engine, r.threads);
    r.load_ms = ms_since(start);
    const auto shapes = shapes_for(engine, settings.batch);
    const std::vector<Tensor> tensors = random_inputs(engine, shapes);
    std::vector<InputView> inputs;
    for (std::size_t i = 0; i < shapes.size(); ++i) inputs.push_back({tensors[i].dtype(), shapes[i], tensors[i].data()});
    r.batch = shapes.empty() || shapes[0].empty() ? 1 : shapes[0][0];

    const auto first = clock::now();
    contexts[0].run(inputs);
    r.first_inference_ms = ms_since(first);
    for (Context& c : contexts) {  // warm up: a tenth of the time, twice at least
        const auto warm = clock::now();
        do c.run(inputs);
        while (ms_since(warm) < settings.seconds * 100);
    }
    std::vector<std::vector<double>> latencies(contexts.size());
    const auto measured = clock::now();
    const auto stream = [&](std::size_t i) {
        std::int64_t shown = 0;
        do {
            const auto s = clock::now();
            contexts[i].run(inputs);
            latencies[i].push_back(ms_since(s));
            const auto tenths = static_cast<std::int64_t>(ms_since(measured) / 100);
            if (i == 0 && settings.progress && tenths > shown) settings.progress({"measuring", shown = tenths, std::max(tenths, static_cast<std::int64_t>(settings.seconds * 10))});
        } while (ms_since(measured) < settings.seconds * 1000 || latencies[i].size() < 3);
    };
    {
        std::vector<std::jthread> others;
        for (std::size_t i = 1; i < contexts.size(); ++i) others.emplace_back(stream, i);
        stream(0);
    }
    const double seconds = ms_since(measured) / 1000;
    std::vector<double> all;
    for (const auto& l : latencies) all.insert(all.end(), l.begin(), l.end());
    std::ranges::sort(all);
    r.runs = static_cast<std::int64_t>(all.size());
    r.samples_per_s = static_cast<double>(r.runs * r.batch) / seconds;
    r.latency_ms = {percentile(all, 0.5), percentile(all, 0.9), percentile(all, 0.95), percentile(all, 0.99)};

    if (settings.profile) {
        std::vector<std::vector<double>> times;
        const auto profiled = clock::now();
        for (int i = 0; i < 5 || (ms_since(profiled) < settings.seconds * 300 && i < 1000); ++i) {
            r.steps = contexts[0].profile(inputs);
            times.resize(r.steps.size());
            for (std::size_t s = 0; s < r.steps.size(); ++s) times[s].push_back(r.steps[s].microseconds);
        }
        for (std::size_t s = 0; s < r.steps.size(); ++s) {
            std::ranges::sort(times[s]);
            r.steps[s].microseconds = percentile(times[s], 0.5);
        }
    }
    r.peak_rss_bytes = peak_rss_bytes();  // before the roof takes memory of its own
    if (settings.profile) {
        RoofSettings roof{.threads = r.threads, .max_isa = settings.max_isa, .quick = true};
        for (const StepInfo& s : r.steps) roof.types.push_back(s.type);
        r.roof = measure_roof(roof);
    }
    return r;
}

}  // namespace tercet
