// SPDX-License-Identifier: Apache-2.0
// tercet bench ENGINE
#include "cli/options.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "tercet/bench.h"

#include <algorithm>
#include <memory>

namespace tercet::cli {
namespace {

struct Options {
    std::filesystem::path engine;
    BenchSettings bench;
    bool json = false;
};

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
    for (const StepInfo& s : r.steps) {
        j["steps"].push_back(cli::json_of(s));
        j["steps"].back()["microseconds"] = s.microseconds;
    }
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
    double total = 0;
    for (const StepInfo& s : r.steps) total += s.microseconds;
    std::vector<std::vector<std::string>> rows;
    for (const StepInfo& s : r.steps)
        rows.push_back({fmt::format("{:.1f}", s.microseconds), fmt::format("{:.1f} %", total > 0 ? 100 * s.microseconds / total : 0.0), s.op, short_name(s.name), s.shape, s.tactic, s.variant});
    fmt::print("\n");
    print_table({"us", "share", "op", "step", "output", "tactic", "variant"}, rows, "  ", {0, 1});
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
    verb->add_flag("--profile,--dumpProfile", o->bench.profile, "time every step, too");
    verb->add_flag("--json", o->json, "one JSON document on standard output");
    verb->footer("Example:\n  tercet bench model_cpu_fp32.engine --batch 1 --duration 5 --profile");
    verb->callback([o] {
        require_file(o->engine, "ENGINE");
        o->bench.max_isa = isa_cap();
        ProgressBar bar;
        o->bench.progress = [&](const Progress& p) { bar.update(p.what, p.done, p.total); };
        const BenchResult r = bench(o->engine, o->bench);
        bar.clear();
        if (o->json) print_json(json_of(r, *o));
        else print_result(r, *o);
    });
}

}  // namespace tercet::cli
