// SPDX-License-Identifier: Apache-2.0
// tercet bench ENGINE, of ours on the CPU or of TensorRT's on the GPU
#include "cli/options.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "tercet/tensorrt_engine.h"

#include <algorithm>
#include <memory>

namespace tercet::cli {
namespace {

struct Options {
    std::filesystem::path engine;
    BenchSettings bench;
    bool json = false;
};

// The steps' times and work together, as one step.
StepInfo sum_of(const std::vector<StepInfo>& steps) {
    StepInfo sum;
    for (const StepInfo& s : steps) {
        sum.microseconds += s.microseconds;
        sum.multiply_adds += s.multiply_adds;
        sum.element_operations += s.element_operations;
    }
    return sum;
}

double least_microseconds(const BenchResult& r) {
    double sum = 0;
    for (const StepInfo& s : r.steps) sum += r.roof.least_microseconds(s);
    return sum;
}

double ratio(double a, double b) { return b > 0 ? a / b : 0; }
double gflops(const StepInfo& s) { return ratio(2 * s.multiply_adds + s.element_operations, s.microseconds * 1e3); }

Json json_of(const BenchResult& r, const Options& o) {
    Json j{{"engine", o.engine.string()},
           {"samples_per_s", r.samples_per_s},
           {"latency_ms", {{"p50", r.latency_ms.p50}, {"p90", r.latency_ms.p90}, {"p95", r.latency_ms.p95}, {"p99", r.latency_ms.p99}}},
           {"load_ms", r.load_ms},
           {"first_inference_ms", r.first_inference_ms},
           {"peak_rss_bytes", r.peak_rss_bytes},
           {"batch", r.batch},
           {"runs", r.runs},
           {"threads", r.threads},
           {"streams", r.streams}};
    if (!o.bench.profile) return j;
    j["steps"] = Json::array();
    const StepInfo sum = sum_of(r.steps);
    for (const StepInfo& s : r.steps) {
        j["steps"].push_back(cli::json_of(s));
        j["steps"].back().update({{"us", s.microseconds}, {"share", ratio(s.microseconds, sum.microseconds)}, {"gflops", gflops(s)},
                                  {"roof", ratio(r.roof.least_microseconds(s), s.microseconds)}});
    }
    const double least = least_microseconds(r);
    j["total"] = {{"us", sum.microseconds}, {"gflops", gflops(sum)}, {"roof_us", least}, {"roof", ratio(least, sum.microseconds)}};
    j["roof"] = cli::json_of(r.roof);
    return j;
}

void print_result(const BenchResult& r, const Options& o) {
    fmt::print("{}: batch {}, {} x {} threads, {} runs\n", o.engine.string(), r.batch, r.streams, r.threads, r.runs);
    print_table({}, {{"throughput", fmt::format("{:.1f} samples/s", r.samples_per_s)},
                     {"latency", fmt::format("median {}, p90 {}, p95 {}, p99 {}", text_of_ms(r.latency_ms.p50), text_of_ms(r.latency_ms.p90),
                                             text_of_ms(r.latency_ms.p95), text_of_ms(r.latency_ms.p99))},
                     {"load", text_of_ms(r.load_ms)},
                     {"first inference", text_of_ms(r.first_inference_ms)},
                     {"peak memory", text_of_bytes(r.peak_rss_bytes)}});
    if (!o.bench.profile) return;
    const StepInfo sum = sum_of(r.steps);
    const double least = least_microseconds(r);
    const auto percent = [](double part, double whole) { return fmt::format("{:.1f} %", 100 * ratio(part, whole)); };
    std::vector<std::vector<std::string>> rows;
    for (const StepInfo& s : r.steps)
        rows.push_back({fmt::format("{:.1f}", s.microseconds), percent(s.microseconds, sum.microseconds), fmt::format("{:.1f}", gflops(s)),
                        percent(r.roof.least_microseconds(s), s.microseconds), s.op, short_name(s.name), s.shape, s.tactic, s.variant});
    rows.push_back({fmt::format("{:.1f}", sum.microseconds), percent(sum.microseconds, sum.microseconds), fmt::format("{:.1f}", gflops(sum)),
                    percent(least, sum.microseconds), "total"});
    fmt::print("\n");
    print_table({"us", "share", "GFLOP/s", "roof", "op", "step", "output", "tactic", "variant"}, rows, "  ", {0, 1, 2, 3});
    std::vector<std::string> peaks, levels;
    for (std::size_t i = 0; i < r.roof.peaks.size(); ++i)
        if (const DType t = r.roof.peaks[i].type; i == 0 || r.roof.peaks[i - 1].type != t)
            peaks.push_back(fmt::format("{} {:.0f}", name_of(t), r.roof.operations_per_s(t) * 1e-9));
    for (const Roof::Level& l : r.roof.levels) levels.push_back(fmt::format("{} {:.0f}", l.name, l.read.all_threads * 1e-9));
    fmt::print("\n  roof ({}): {} GFLOP/s; {} GB/s\n  at the roof the steps would take {}, measured are {}\n", r.roof.threads == 1 ? "1 thread" : fmt::format("{} threads", r.roof.threads), fmt::join(peaks, ", "), fmt::join(levels, ", "),
               text_of_ms(least / 1000), text_of_ms(sum.microseconds / 1000));
}

void run(const Options& o) {
    ProgressBar bar;
    BenchSettings settings = o.bench;
    settings.max_isa = isa_cap();
    settings.progress = [&](const Progress& p) { bar.update(p.what, p.done, p.total); };
    const BenchResult r = bench(o.engine, settings);
    bar.clear();
    if (o.json) print_json(json_of(r, o));
    else print_result(r, o);
}

Json json_of(const TensorRtBenchResult::Percentiles& p) { return {{"p50", p.p50}, {"p90", p.p90}, {"p95", p.p95}, {"p99", p.p99}}; }

std::string text_of(const TensorRtBenchResult::Percentiles& p) {
    return fmt::format("median {}, p90 {}, p95 {}, p99 {}", text_of_ms(p.p50), text_of_ms(p.p90), text_of_ms(p.p95), text_of_ms(p.p99));
}

void run_tensorrt(const Options& o) {
    if (o.bench.profile) throw CLI::ValidationError("--profile", fmt::format("is for CPU engines; see `trtexec --loadEngine={} --dumpProfile`", o.engine.string()));
    if (o.bench.threads != 0) throw CLI::ValidationError("--threads", "is for CPU engines");
    ProgressBar bar;
    BenchSettings settings = o.bench;
    settings.progress = [&](const Progress& p) { bar.update(p.what, p.done, p.total); };
    const TensorRtBenchResult r = bench_tensorrt(o.engine, settings);
    bar.clear();
    if (o.json) {
        print_json({{"engine", o.engine.string()}, {"runtime", r.runtime}, {"samples_per_s", r.samples_per_s}, {"latency_ms", json_of(r.latency_ms)}, {"gpu_ms", json_of(r.gpu_ms)},
                    {"load_ms", r.load_ms}, {"first_inference_ms", r.first_inference_ms}, {"batch", r.batch}, {"runs", r.runs}, {"streams", r.streams}, {"warnings", r.warnings}});
        return;
    }
    fmt::print("{}: {}, batch {}, {} stream{}, {} runs\n", o.engine.string(), r.runtime, r.batch, r.streams, r.streams == 1 ? "" : "s", r.runs);
    print_table({}, {{"throughput", fmt::format("{:.1f} samples/s", r.samples_per_s)},
                     {"latency", text_of(r.latency_ms) + ", copies included"},
                     {"GPU", text_of(r.gpu_ms)},
                     {"load", text_of_ms(r.load_ms)},
                     {"first inference", text_of_ms(r.first_inference_ms)}});
    for (const std::string& warning : r.warnings) fmt::print("warning: {}\n", one_line(warning));
}

}  // namespace

void add_bench(CLI::App& app) {
    auto o = std::make_shared<Options>();
    CLI::App* verb = app.add_subcommand("bench", "latency, throughput, load time and memory of an engine");
    add_file(*verb, o->engine, "ENGINE", "--loadEngine", "the engine file");
    verb->add_option("--batch", o->bench.batch, "samples per run (the profile's optimum)")->check(quiet(CLI::Range(0, 1 << 24)))->type_name("N");
    verb->add_option("--duration", o->bench.seconds, "seconds to measure, after a warm-up (3)")->check(quiet(CLI::Range(0.0, 86400.0)))->type_name("S");
    verb->add_option("--threads", o->bench.threads, "threads per stream (all)")->check(quiet(CLI::Range(0, 4096)))->type_name("N");
    verb->add_option("--streams,--infStreams", o->bench.streams, "contexts that run at the same time (1)")->check(quiet(CLI::Range(1, 1024)))->type_name("N");
    verb->add_flag("--profile,--dumpProfile", o->bench.profile, "time every step, too, and tell how near it comes to this machine's roof");
    verb->add_flag("--json", o->json, "one JSON document on standard output");
    verb->footer("Example:\n  tercet bench model_cpu_fp32.engine --batch 1 --duration 5 --profile");
    verb->callback([o] {
        require_file(o->engine, "ENGINE");
        if (is_tensorrt_engine(o->engine)) run_tensorrt(*o);
        else run(*o);
    });
}

}  // namespace tercet::cli
