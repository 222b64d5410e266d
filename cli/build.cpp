// SPDX-License-Identifier: Apache-2.0
// tercet build MODEL.onnx
#include "cli/build_options.h"
#include "cli/options.h"
#include "cli/print_build.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "tercet/tensorrt.h"

#include <algorithm>
#include <memory>

namespace tercet::cli {
namespace {

struct Options {
    std::filesystem::path model;
    BuildOptions build;
    std::string precision;
    std::filesystem::path job;
    bool all = false, fp16 = false, bf16 = false, int8 = false, best = false, verbose = false, json = false;
};

// trtexec's flags permit precisions, and it takes the fastest of them, layer by layer; here the lowest is what every layer should
// have, and the next what it has where int8 cannot be.
std::string precision_of(const Options& o) {
    const bool by_flag = o.best || o.int8 || o.fp16 || o.bf16;
    if (o.all + by_flag + !o.precision.empty() > 1) throw CLI::ValidationError(o.all ? "--all" : "--precision", "the precision is said twice; leave one out");
    return o.best ? "best" : o.int8 ? "int8" : o.fp16 ? "fp16" : o.bf16 ? "bf16" : o.precision.empty() ? "fp32" : o.precision;
}

std::string note_on_flags(const Options& o) {
    return o.fp16 && o.bf16 ? "--fp16 with --bf16: fp16 it is; --layer-precisions puts layers in bf16" : "";
}

void refuse_what_is_to_come(const Options& o) {
    if (precision_of(o) == "best") throw CLI::ValidationError(o.best ? "--best" : "--precision", "best is not yet available; use --all and `tercet compare`");
    if (o.build.settings.target == "cuda") throw CLI::ValidationError("--target", "cuda is not yet available; use cpu, or a TensorRT: trt8x, trt10x, trt11x, trtrtx");
    if (!o.job.empty() && o.build.settings.target == "cpu") throw CLI::ValidationError("--job", "an engine for the CPU is built right here; name a TensorRT by --target");
}

// TensorRT's warnings and errors are shown as they come, the rest if it is asked for.
void show(ProgressBar& bar, bool verbose, char severity, const std::string& text) {
    if (severity == 'I' || severity == 'V') {
        if (verbose) bar.note(text);
    } else {
        bar.note(fmt::format("TensorRT {}: {}", severity == 'W' ? "warning" : "error", text));
    }
}

const std::vector<std::string> all_precisions{"fp32", "fp16", "int8"};

int write_job(const Options& o, const BuildSettings& settings, ProgressBar& bar) {
    const TensorRtJob job = write_tensorrt_job(o.model, settings, o.all ? all_precisions : std::vector{settings.precision}, o.job);
    bar.clear();
    if (o.json) print_json(json_of(job));
    else print_summary(job);
    return std::ranges::any_of(job.engines, [](const BuildResult& r) { return r.status != "ok"; });
}

void run(const Options& o) {
    require_file(o.model, "MODEL.onnx");
    refuse_what_is_to_come(o);
    BuildSettings settings = build_settings(o.build, o.model);
    settings.precision = precision_of(o);
    settings.tensorrt.verbose = o.verbose;
    if (o.int8 && (o.fp16 || o.bf16)) settings.fallback_precision = o.fp16 ? "fp16" : "bf16";

    ProgressBar bar;
    settings.progress = settings.calibration.progress = [&](const Progress& p) { bar.update(p.what, p.done, p.total); };
    if (o.verbose) settings.log = [&](const std::string& line) { bar.note(line); };
    settings.tensorrt.message = [&](char severity, const std::string& text) { show(bar, o.verbose, severity, text); };
    if (const std::string note = note_on_flags(o); !note.empty()) bar.note(note);
    if (!o.job.empty()) {
        if (write_job(o, settings, bar) != 0) throw CLI::RuntimeError(1);
        return;
    }
    const std::vector<BuildResult> results = o.all ? build_all(o.model, settings, all_precisions) : std::vector{build(o.model, settings)};
    bar.clear();
    if (o.json) {
        Json document = Json::array();
        for (const BuildResult& r : results) document.push_back(json_of(r));
        print_json(document);
    } else if (o.all) {
        print_summary(results);
    } else {
        print_summary(results[0]);
    }
    if (std::ranges::any_of(results, [](const BuildResult& r) { return r.status != "ok"; })) throw CLI::RuntimeError(1);
}

}  // namespace

void add_build(CLI::App& app) {
    auto o = std::make_shared<Options>();
    CLI::App* verb = app.add_subcommand("build", "make engine files from an ONNX model");
    add_file(*verb, o->model, "MODEL.onnx", "--onnx", "the model");
    verb->add_option("-o,--output,--saveEngine", o->build.settings.output, "the engine file (MODEL_TARGET_PRECISION.engine or .trt in the current folder); with --all, a folder")->type_name("FILE|DIR");
    verb->add_option("--precision", o->precision, "fp32, fp16, bf16 or int8 (fp32; not yet: best)")
        ->check(quiet(CLI::IsMember({"fp32", "fp16", "bf16", "int8", "best"})))->type_name("NAME");
    verb->add_flag("--all", o->all, "engines in fp32, fp16 and int8, and a table of them");
    verb->add_flag("--fp16", o->fp16)->group("");  // trtexec's
    verb->add_flag("--bf16", o->bf16)->group("");
    verb->add_flag("--int8", o->int8)->group("");
    verb->add_flag("--best", o->best)->group("");
    for (const char* nothing_to_do : {"--explicitBatch", "--buildOnly", "--skipInference", "--noTF32", "--stronglyTyped"}) verb->add_flag(nothing_to_do)->group("");  // trtexec's
    verb->add_option("--job", o->job, "for a TensorRT that is elsewhere: write model, cache, plan and a script into this folder, and say what builds there")->type_name("DIR")->group("TensorRT");
    add_tensorrt_options(*verb, o->build);
    add_build_options(*verb, o->build);
    verb->add_option("--disable-pass", o->build.settings.disabled_passes, "leave out this rewrite of the graph, or `all` (may be repeated)")->allow_extra_args(false)->type_name("NAME");
    verb->add_option("--stop-after", o->build.settings.stop_after, "make only the first N rewrites, to find one at fault")->type_name("N");
    verb->add_flag("-v,--verbose", o->verbose, "what passes and tuning do, on standard error");
    verb->add_flag("--json", o->json, "one JSON document on standard output");
    verb->footer("Examples:\n"
                 "  tercet build model.onnx --all --calib-data photos --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225 -o engines\n"
                 "  tercet build model.onnx --target trt10x --all --calib-data photos\n"
                 "  tercet build model.onnx --min-shapes image:1x3x224x224 --opt-shapes image:8x3x224x224 --max-shapes image:32x3x224x224 \\\n"
                 "      --timing-cache timings.json -o model.engine");
    verb->callback([o] { run(*o); });
}

}  // namespace tercet::cli
