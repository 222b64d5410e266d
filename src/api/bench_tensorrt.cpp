// SPDX-License-Identifier: Apache-2.0
#include "api/bench_loop.h"
#include "system/mapped_file.h"
#include "tensorrt_runtime/plan_file.h"
#include "tercet/inputs.h"
#include "tercet/tensorrt_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace tercet {
namespace {

// Without TensorRT in this program, its own one can measure.
TensorRtEngine open_or_name_another_way(const std::filesystem::path& file) {
    try {
        return TensorRtEngine::open(file);
    } catch (const Error& e) {
        const auto plan = tensorrt_runtime().empty() ? read_plan_file(map_file(file).bytes) : std::nullopt;
        if (!plan) throw;
        Fault fault = e.fault();
        fault.fix += fmt::format(", or measure it with `{} --loadEngine={}`", plan->rtx ? "tensorrt_rtx" : "trtexec", file.string());
        throw Error(std::move(fault));
    }
}

TensorRtBenchResult::Percentiles percentiles_of(const std::vector<std::vector<double>>& parts) {
    const std::vector<double> all = sorted(parts);
    return {percentile(all, 0.5), percentile(all, 0.9), percentile(all, 0.95), percentile(all, 0.99)};
}

template <class T>
void fill(Array& array, std::span<const std::int64_t> values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
        const T v = static_cast<T>(values[i]);
        std::memcpy(array.data.data() + i * sizeof(T), &v, sizeof(T));
    }
}

}  // namespace

Array random_input(const TensorRtEngine& engine, std::size_t input, std::span<const std::int64_t> shape) {
    const TensorInfo& info = engine.inputs()[input];
    Array a = random_array(info.dtype, shape, input + 1);
    const std::vector<std::int64_t>& sizes = engine.profiles()[0].inputs[input].opt_values;
    if (info.dtype == DType::i32 && a.data.size() == sizes.size() * 4) fill<std::int32_t>(a, sizes);
    if (info.dtype == DType::i64 && a.data.size() == sizes.size() * 8) fill<std::int64_t>(a, sizes);
    return a;
}

TensorRtBenchResult bench_tensorrt(const std::filesystem::path& file, const BenchSettings& settings) {
    TensorRtBenchResult r{.streams = std::max(1, settings.streams)};
    const auto start = BenchClock::now();
    const TensorRtEngine engine = open_or_name_another_way(file);
    std::vector<TensorRtContext> contexts;
    for (int i = 0; i < r.streams; ++i) contexts.emplace_back(engine);
    r.load_ms = ms_since(start);
    r.runtime = engine.runtime();
    r.warnings.assign(engine.warnings().begin(), engine.warnings().end());

    const auto shapes = shapes_for(engine.inputs(), settings.batch);
    std::vector<Array> arrays;
    for (std::size_t i = 0; i < shapes.size(); ++i) arrays.push_back(random_input(engine, i, shapes[i]));
    std::vector<InputView> inputs;
    for (const Array& a : arrays) inputs.push_back({a.dtype, a.shape, a.data.data()});
    r.batch = shapes.empty() || shapes[0].empty() ? 1 : shapes[0][0];

    const auto first = BenchClock::now();
    contexts[0].run(inputs);
    r.first_inference_ms = ms_since(first);
    std::vector<std::vector<double>> on_gpu(contexts.size());
    const Latencies latencies = measure_latencies(contexts.size(), settings, [&](std::size_t i) {
        contexts[i].run(inputs);
        on_gpu[i].push_back(contexts[i].gpu_ms());
    });
    for (std::size_t i = 0; i < on_gpu.size(); ++i) on_gpu[i].erase(on_gpu[i].begin(), on_gpu[i].end() - static_cast<std::ptrdiff_t>(latencies.ms[i].size()));  // the warm-up
    for (const auto& part : latencies.ms) r.runs += static_cast<std::int64_t>(part.size());
    r.samples_per_s = static_cast<double>(r.runs * r.batch) / latencies.seconds;
    r.latency_ms = percentiles_of(latencies.ms);
    r.gpu_ms = percentiles_of(on_gpu);
    return r;
}

}  // namespace tercet
