// SPDX-License-Identifier: Apache-2.0
// tercet compare MODEL.onnx
#include "cli/build_options.h"
#include "cli/options.h"
#include "cli/print_build.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "tercet/compare.h"

#include <algorithm>
#include <cmath>
#include <memory>

namespace tercet::cli {
namespace {

struct Options {
    std::filesystem::path model;
    BuildOptions build;
    CompareSettings compare;
    std::vector<std::string> data, precisions;
    bool json = false;
};

// "FILE" is for the only input, "name=FILE" for that of this name.
std::map<std::string, std::filesystem::path> data_of(const std::vector<std::string>& texts) {
    if (texts.size() == 1 && (texts[0].find('=') == std::string::npos || std::filesystem::exists(texts[0]))) return {{"", texts[0]}};
    return parse_files("--data", texts);
}

// A link would name another program to whoever starts it from elsewhere.
std::filesystem::path this_program() {
    std::error_code error;
    return std::filesystem::read_symlink("/proc/self/exe", error);
}

Json json_of(const ComparedEngine& e, const Comparison& c) {
    const auto number = [](const auto& optional) { return optional ? Json(*optional) : Json(nullptr); };
    Json j{{"precision", e.precision}, {"status", e.status}, {"reason", e.reason}, {"bytes", e.bytes}, {"top1", number(e.top1)}, {"top5", number(e.top5)},
           {"agreement", number(e.agreement)}, {"cosine", nullptr}, {"sqnr_db", nullptr}, {"max_abs_error", nullptr}, {"latency_ms", nullptr}, {"samples_per_s", nullptr},
           {"speedup", nullptr}, {"load_ms", nullptr}, {"first_inference_ms", nullptr}, {"peak_rss_bytes", nullptr}, {"samples", c.samples}};
    if (!e.engine.empty()) j["path"] = e.engine.string();
    j["outputs"] = Json::array();
    for (std::size_t i = 0; i < e.outputs.size(); ++i) {
        const OutputError& o = e.outputs[i];
        const Json errors{{"cosine", o.cosine}, {"sqnr_db", o.sqnr_db}, {"max_abs_error", o.max_abs_error}};
        if (i == c.output) j.update(errors);
        j["outputs"].push_back({{"name", o.name}, {"other_shapes", o.other_shapes}});
        j["outputs"].back().update(errors);
    }
    if (e.speed) {
        const Speed& s = *e.speed;
        j.update({{"latency_ms", {{"p50", s.latency_p50_ms}, {"p99", s.latency_p99_ms}}}, {"samples_per_s", s.samples_per_s}, {"speedup", s.speedup},
                  {"load_ms", s.load_ms}, {"first_inference_ms", s.first_inference_ms}, {"latency_batch", s.latency_batch}, {"throughput_batch", s.throughput_batch}});
        if (s.peak_rss_bytes > 0) j["peak_rss_bytes"] = s.peak_rss_bytes;
    }
    if (e.engine.empty()) {
        const Json build = cli::json_of(e.build);
        for (const char* key : {"build_ms", "layers", "fallbacks", "warnings"}) j[key] = build[key];
    }
    return j;
}

std::string name_of(const ComparedEngine& e) { return e.engine.empty() ? e.precision : fmt::format("{} ({})", e.precision, e.engine.filename().string()); }

std::string text_of_decibels(double db) { return std::isinf(db) && db > 0 ? "equal" : fmt::format("{:.1f} dB", db); }

void print_answers(const Comparison& c) {
    const auto percent = [](const std::optional<double>& p) { return p ? fmt::format("{:.2f} %", *p) : "-"; };
    const auto reference = std::ranges::find(c.engines, "fp32", &ComparedEngine::precision);
    std::vector<std::vector<std::string>> rows;
    for (const ComparedEngine& e : c.engines) {
        if (e.status != "ok") continue;
        const OutputError& o = e.outputs[c.output];
        const bool is_reference = &e == &*reference;
        const std::string points = e.top1 && reference->top1 && !is_reference ? fmt::format("{:+.2f}", *e.top1 - *reference->top1) : "-";
        rows.push_back({name_of(e)});
        std::vector<std::string>& row = rows.back();
        if (!c.labels.empty()) row.insert(row.end(), {percent(e.top1), percent(e.top5), points});
        if (e.agreement) row.push_back(is_reference ? "-" : percent(e.agreement));
        if (is_reference) row.insert(row.end(), {"-", "-", "-"});
        else row.insert(row.end(), {fmt::format("{:.6f}", o.cosine), text_of_decibels(o.sqnr_db), fmt::format("{:.4g}", o.max_abs_error)});
    }
    std::vector<std::string> header{"precision"};
    if (!c.labels.empty()) header.insert(header.end(), {"top-1", "top-5", "points"});
    if (reference->agreement) header.push_back("agreement");
    header.insert(header.end(), {"cosine", "SQNR", "max error"});
    print_table(header, rows, "  ", {1, 2, 3, 4, 5, 6, 7});
    for (const ComparedEngine& e : c.engines)
        for (const OutputError& o : e.outputs) {
            const bool told_above = &o == &e.outputs[c.output];
            if (e.precision == "fp32" || (told_above && o.other_shapes == 0)) continue;
            fmt::print("  {}, output {}: ", name_of(e), one_line(o.name));
            if (!told_above) fmt::print("cosine {:.6f}, SQNR {}, max error {:.4g}", o.cosine, text_of_decibels(o.sqnr_db), o.max_abs_error);
            if (o.other_shapes > 0) fmt::print("{}{} of {} samples have another shape than in fp32, and are not counted", told_above ? "" : "; ", o.other_shapes, c.samples);
            fmt::print("\n");
        }
}

void print_costs(const Comparison& c) {
    const auto reference = std::ranges::find(c.engines, "fp32", &ComparedEngine::precision);
    std::vector<std::vector<std::string>> rows;
    for (const ComparedEngine& e : c.engines) {
        if (e.status != "ok") continue;
        rows.push_back({name_of(e), text_of_bytes(e.bytes), text_of_share(e.bytes, reference->bytes)});
        if (!e.speed) continue;
        const Speed& s = *e.speed;
        rows.back().insert(rows.back().end(), {text_of_ms(s.load_ms), text_of_ms(s.latency_p50_ms), text_of_ms(s.latency_p99_ms), fmt::format("{:.1f}", s.samples_per_s),
                                               fmt::format("{:.2f}x", s.speedup), s.peak_rss_bytes > 0 ? text_of_bytes(s.peak_rss_bytes) : "-"});
    }
    std::vector<std::string> header{"precision", "size", "of fp32"};
    if (reference->speed) header.insert(header.end(), {"load", "latency", "p99", "samples/s", "speedup", "memory"});
    print_table(header, rows, "  ", {1, 2, 3, 4, 5, 6, 7, 8});
    for (const ComparedEngine& e : c.engines)
        if (e.speed && (e.speed->latency_batch != reference->speed->latency_batch || e.speed->throughput_batch != reference->speed->throughput_batch))
            fmt::print("  {} at batches {} and {}: its profile allows no other\n", name_of(e), e.speed->latency_batch, e.speed->throughput_batch);
    if (reference->speed)
        fmt::print("  latency at batch {}, samples/s and memory at batch {}; each engine in a process of its own, in turns\n", reference->speed->latency_batch, reference->speed->throughput_batch);
}

void print_result(const Comparison& c) {
    fmt::print("{} samples{}\n", c.samples, c.labels.empty() ? "" : ", with labels");
    print_answers(c);
    if (std::ranges::any_of(c.engines, [](const ComparedEngine& e) { return e.bytes > 0; })) {
        fmt::print("\n");
        print_costs(c);
    }
    for (const ComparedEngine& e : c.engines) {
        const bool failed = e.status != "ok";
        if (!failed && e.build.fallbacks.empty() && e.build.warnings.empty()) continue;
        fmt::print("\n{}{}\n", name_of(e), failed ? " failed: " + one_line(e.reason) : "");
        print_notes(e.build);
    }
    for (const std::string& warning : c.warnings) fmt::print("\nwarning: {}\n", one_line(warning));
}

void run(const Options& o) {
    if (o.compare.engines.empty()) require_file(o.model, "MODEL.onnx");
    else if (!o.model.empty()) throw CLI::ValidationError("--engines", "the model is built already then; leave MODEL.onnx or --engines out");
    CompareSettings settings = o.compare;
    settings.data = data_of(o.data);
    if (!o.precisions.empty()) settings.precisions = o.precisions;
    settings.build = build_settings(o.build, o.model);
    settings.preprocess = settings.build.calibration.preprocess;
    settings.program = this_program();
    settings.max_isa = isa_cap();

    ProgressBar bar;
    settings.progress = [&](const Progress& p) { bar.update(p.what, p.done, p.total); };
    const Comparison c = compare(o.model, settings);
    bar.clear();
    if (o.json) {
        for (const std::string& warning : c.warnings) bar.note("warning: " + warning);
        Json document = Json::array();
        for (const ComparedEngine& e : c.engines) document.push_back(json_of(e, c));
        print_json(document);
    } else {
        print_result(c);
    }
    if (std::ranges::any_of(c.engines, [](const ComparedEngine& e) { return e.status != "ok"; })) throw CLI::RuntimeError(1);
}

}  // namespace

void add_compare(CLI::App& app) {
    auto o = std::make_shared<Options>();
    CLI::App* verb = app.add_subcommand("compare", "every precision against fp32 on real data: answers, errors, size, speed");
    add_file(*verb, o->model, "MODEL.onnx", "--onnx", "the model");
    verb->add_option("--data", o->data, "samples: a folder of pictures, NPY, NPZ, CSV or IDX; NAME=FILE for each of several inputs (may be repeated)")
        ->required()->allow_extra_args(false)->type_name("DIR|FILE");
    verb->add_option("--labels", o->compare.labels, "their classes: CSV, IDX or NPY (as the folders of pictures, if there are some)")->type_name("FILE");
    verb->add_option("--samples", o->compare.samples, "samples at most, spread evenly (all)")->check(quiet(CLI::Range(1, 1 << 30)))->type_name("N");
    verb->add_option("--output", o->compare.output, "the output that counts (the first)")->type_name("NAME");
    verb->add_option("--precisions", o->precisions, "what to build: fp32, fp16, bf16, int8 (fp32,fp16,int8)")
        ->delimiter(',')->allow_extra_args(false)->check(quiet(CLI::IsMember({"fp32", "fp16", "bf16", "int8"})))->type_name("NAME,...");
    verb->add_option("--engines", o->compare.engines, "engines that are there already, one of them in fp32, instead of MODEL.onnx")
        ->delimiter(',')->allow_extra_args(false)->type_name("FILE,...");
    verb->add_option("--duration", o->compare.seconds, "seconds to measure each engine at batch 1 and at 32, in all; 0: no speeds (3)")->check(quiet(CLI::Range(0.0, 86400.0)))->type_name("S");
    verb->add_flag("--json", o->json, "one JSON document on standard output");
    add_tensorrt_options(*verb, o->build);
    add_build_options(*verb, o->build);
    verb->footer("Examples:\n"
                 "  tercet compare model.onnx --data photos/test --calib-data photos/calibration --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225\n"
                 "  tercet compare --engines model_cpu_fp32.engine,model_cpu_int8.engine --data test-images.gz --labels test-labels.gz\n"
                 "  tercet compare model.onnx --target trt10x --data photos/test --calib-data photos/calibration");
    verb->callback([o] { run(*o); });
}

}  // namespace tercet::cli
