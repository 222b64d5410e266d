// SPDX-License-Identifier: Apache-2.0
#include "tercet/bench.h"

#include "api/bench_loop.h"
#include "system/thread_pool.h"
#include "tensor/tensor.h"

#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <string>

namespace tercet {
namespace {

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

}  // namespace

BenchResult bench(const std::filesystem::path& file, const BenchSettings& settings) {
    BenchResult r;
    r.streams = std::max(1, settings.streams);
    r.threads = settings.threads > 0 ? settings.threads : std::max(1, usable_processors() / r.streams);
    const auto start = BenchClock::now();
    const Engine engine = Engine::open(file, Load::map, settings.max_isa);
    std::vector<Context> contexts;
    for (int i = 0; i < r.streams; ++i) contexts.emplace_back(engine, r.threads);
    r.load_ms = ms_since(start);
    const auto shapes = shapes_for(engine.inputs(), settings.batch);
    const std::vector<Tensor> tensors = random_inputs(engine, shapes);
    std::vector<InputView> inputs;
    for (std::size_t i = 0; i < shapes.size(); ++i) inputs.push_back({tensors[i].dtype(), shapes[i], tensors[i].data()});
    r.batch = shapes.empty() || shapes[0].empty() ? 1 : shapes[0][0];

    const auto first = BenchClock::now();
    contexts[0].run(inputs);
    r.first_inference_ms = ms_since(first);
    const Latencies latencies = measure_latencies(contexts.size(), settings, [&](std::size_t i) { contexts[i].run(inputs); });
    const std::vector<double> all = sorted(latencies.ms);
    r.runs = static_cast<std::int64_t>(all.size());
    r.samples_per_s = static_cast<double>(r.runs * r.batch) / latencies.seconds;
    r.latency_ms = {percentile(all, 0.5), percentile(all, 0.9), percentile(all, 0.95), percentile(all, 0.99)};

    if (settings.profile) {
        std::vector<std::vector<double>> times;
        const auto profiled = BenchClock::now();
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
