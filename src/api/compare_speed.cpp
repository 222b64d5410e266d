// SPDX-License-Identifier: Apache-2.0
#include "api/compare_speed.h"

#include "system/child_process.h"
#include "tercet/bench.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace tercet {
namespace {

struct Rounds {
    std::vector<BenchResult> small, large;  // one of each per round
};

double median(std::vector<double> v) {
    std::ranges::sort(v);
    const std::size_t half = v.size() / 2;
    return v.empty() ? 0 : v.size() % 2 ? v[half] : (v[half - 1] + v[half]) / 2;
}

template <class F>
std::vector<double> each(const std::vector<BenchResult>& rounds, F figure) {
    std::vector<double> v;
    for (const BenchResult& r : rounds) v.push_back(static_cast<double>(figure(r)));
    return v;
}

// What bench's --batch would be: 0 where the profile has one batch only.
std::int64_t batch_near(const Engine& engine, std::int64_t wanted) {
    for (const TensorInfo& input : engine.inputs())
        if (!input.shape.empty() && input.min_shape[0] != input.max_shape[0]) return std::clamp(wanted, input.min_shape[0], input.max_shape[0]);
    return 0;
}

void read(const nlohmann::json& j, BenchResult& r) {
    r.samples_per_s = j.at("samples_per_s");
    r.latency_ms = {j.at("latency_ms").at("p50"), j.at("latency_ms").at("p90"), j.at("latency_ms").at("p95"), j.at("latency_ms").at("p99")};
    r.load_ms = j.at("load_ms");
    r.first_inference_ms = j.at("first_inference_ms");
    r.peak_rss_bytes = j.at("peak_rss_bytes");
    r.batch = j.at("batch");
}

BenchResult measure(const std::filesystem::path& engine, std::int64_t batch, const CompareSettings& settings) {
    const double seconds = settings.seconds / std::max(1, settings.rounds);
    if (settings.program.empty()) {
        BenchResult r = bench(engine, {.batch = batch, .seconds = seconds, .threads = settings.build.threads, .max_isa = settings.max_isa});
        r.peak_rss_bytes = 0;
        return r;
    }
    std::vector<std::string> command{settings.program.string(), "bench", engine.string(), "--json", "--duration", fmt::format("{}", seconds),
                                     "--threads", fmt::to_string(settings.build.threads)};
    if (batch > 0) command.insert(command.end(), {"--batch", fmt::to_string(batch)});
    BenchResult r;
    const std::string printed = output_of_program(command);
    try {
        read(nlohmann::json::parse(printed), r);
    } catch (const nlohmann::json::exception&) {
        throw Error({.what = "does not print what `tercet bench --json` does", .where = command[0], .fix = "name the program that belongs to this library"});
    }
    return r;
}

Speed speed_of(const Rounds& own, const Rounds& reference) {
    Speed s{.latency_batch = own.small[0].batch, .throughput_batch = own.large[0].batch};
    s.load_ms = median(each(own.small, [](const BenchResult& r) { return r.load_ms; }));
    s.first_inference_ms = median(each(own.small, [](const BenchResult& r) { return r.first_inference_ms; }));
    s.latency_rounds_ms = each(own.small, [](const BenchResult& r) { return r.latency_ms.p50; });
    s.latency_p50_ms = median(s.latency_rounds_ms);
    s.latency_p99_ms = median(each(own.small, [](const BenchResult& r) { return r.latency_ms.p99; }));
    s.samples_per_s_rounds = each(own.large, [](const BenchResult& r) { return r.samples_per_s; });
    s.samples_per_s = median(s.samples_per_s_rounds);
    std::vector<double> ratios;
    for (std::size_t i = 0; i < own.large.size(); ++i) ratios.push_back(own.large[i].samples_per_s / reference.large[i].samples_per_s);
    s.speedup = median(ratios);
    for (const BenchResult& r : own.large) s.peak_rss_bytes = std::max(s.peak_rss_bytes, r.peak_rss_bytes);
    return s;
}

}  // namespace

void measure_speeds(const std::vector<ToMeasure>& engines, std::size_t reference, const CompareSettings& settings) {
    const int rounds = std::max(1, settings.rounds);
    std::vector<Rounds> measured(engines.size());
    std::vector<Engine> opened;
    for (const ToMeasure& e : engines) opened.push_back(Engine::open(e.file, Load::map, settings.max_isa));
    const auto total = static_cast<std::int64_t>(engines.size()) * rounds;
    std::int64_t done = 0;
    for (int round = 0; round < rounds; ++round)
        for (std::size_t turn = 0; turn < engines.size(); ++turn) {
            const std::size_t i = round % 2 ? engines.size() - 1 - turn : turn;
            ComparedEngine& result = *engines[i].result;
            if (settings.progress) settings.progress({fmt::format("measuring {}", result.precision), done++, total});
            if (result.status != "ok") continue;
            try {
                const std::int64_t one = batch_near(opened[i], 1), many = batch_near(opened[i], 32);
                measured[i].small.push_back(measure(engines[i].file, one, settings));
                measured[i].large.push_back(one == many ? measured[i].small.back() : measure(engines[i].file, many, settings));
            } catch (const Error& e) {
                if (i == reference) throw;
                result.status = "failed";
                result.reason = e.what();
            }
        }
    for (std::size_t i = 0; i < engines.size(); ++i)
        if (engines[i].result->status == "ok") engines[i].result->speed = speed_of(measured[i], measured[reference]);
}

}  // namespace tercet
