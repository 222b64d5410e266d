// SPDX-License-Identifier: Apache-2.0
// tercet build MODEL.onnx
#include "cli/options.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "tercet/build.h"
#include "tercet/error.h"
#include "tercet/inspect.h"
#include "tercet/machine.h"

#include <memory>

namespace tercet::cli {
namespace {

struct Options {
    std::filesystem::path model;
    BuildSettings build;
    std::string target = "cpu";
    std::string min_shapes, opt_shapes, max_shapes, workspace, pools;
    std::vector<std::string> fixed;
    bool all = false, fp16 = false, bf16 = false, int8 = false, best = false, verbose = false, json = false;
};

void refuse_what_is_to_come(const Options& o) {
    const auto asked = o.all ? "all" : o.fp16 ? "fp16" : o.bf16 ? "bf16" : o.int8 ? "int8" : o.best ? "best" : o.build.precision;
    if (asked != "fp32") throw CLI::ValidationError(o.all ? "--all" : "--precision", fmt::format("{} is not yet available; use --precision fp32", asked));
    if (o.target != "cpu") throw CLI::ValidationError("--target", fmt::format("{} is not yet available; use --target cpu", o.target));
}

void choose_isa(BuildSettings& build) {
    const std::string usable = usable_isa();
    if (build.isa.empty()) {
        build.isa = isa_cap();
    } else if (build.tune != Tune::none && is_above(build.isa, usable)) {
        throw Error({.what = fmt::format("kernels for {} cannot be timed here: {} is the most that can run", build.isa, usable),
                     .where = "--isa", .fix = "add --tune none, or build on a machine that has it"});
    }
}

// A shape without a name is for the model's only input.
Shapes shapes_of(const std::string& option, const std::string& text, const std::filesystem::path& model) {
    Shapes shapes = parse_shapes(option, text);
    if (!shapes.contains("")) return shapes;
    const auto inputs = inspect_model(model).inputs;
    if (inputs.size() != 1) throw CLI::ValidationError(option, fmt::format("'{}': the model has {} inputs; write name:{}", text, inputs.size(), text));
    return {{inputs[0].name, shapes[""]}};
}

void print_summary(const BuildResult& r) {
    fmt::print("{}\n", r.path.string());
    fmt::print("  {}, {} steps, workspace {}, built in {}\n", text_of_bytes(r.bytes), r.steps, text_of_bytes(r.workspace_bytes), text_of_ms(r.build_ms));
    if (r.reference_steps > 0)
        fmt::print("  {} of the steps run by their plain reference implementation; `tercet inspect {}` shows which\n", r.reference_steps, r.path.string());
}

void run(Options& o) {
    require_file(o.model, "MODEL.onnx");
    refuse_what_is_to_come(o);
    o.build.min_shapes = shapes_of("--min-shapes", o.min_shapes, o.model);
    o.build.opt_shapes = shapes_of("--opt-shapes", o.opt_shapes, o.model);
    o.build.max_shapes = shapes_of("--max-shapes", o.max_shapes, o.model);
    if (!o.pools.empty()) o.build.workspace_bytes = parse_pools("--memPoolSize", o.pools);
    if (!o.workspace.empty()) o.build.workspace_bytes = parse_bytes("--workspace", o.workspace);
    // trtexec used to count MiB here. No model runs in so few bytes, so that this can only be meant.
    if (!o.workspace.empty() && o.workspace.find_first_not_of("0123456789") == std::string::npos && o.build.workspace_bytes < 1 << 16)
        throw CLI::ValidationError("--workspace", fmt::format("'{0}' would be bytes; write {0}MiB", o.workspace));
    for (auto& [name, file] : parse_files("--fix-input", o.fixed)) o.build.fixed_inputs[name] = file;
    choose_isa(o.build);

    ProgressBar bar;
    o.build.progress = [&](const Progress& p) { bar.update(p.what, p.done, p.total); };
    if (o.verbose) o.build.log = [&](const std::string& line) { bar.note(line); };
    const BuildResult r = build(o.model, o.build);
    if (!o.json) return print_summary(r);
    print_json(Json::array({{{"precision", r.precision}, {"target", r.target}, {"path", r.path.string()}, {"status", r.status}, {"bytes", r.bytes},
                             {"build_ms", r.build_ms}, {"reason", r.reason}, {"steps", r.steps}, {"reference_steps", r.reference_steps},
                             {"workspace_bytes", r.workspace_bytes}}}));
}

}  // namespace

void add_build(CLI::App& app) {
    auto o = std::make_shared<Options>();
    CLI::App* verb = app.add_subcommand("build", "make an engine file from an ONNX model");
    add_file(*verb, o->model, "MODEL.onnx", "--onnx", "the model");
    verb->add_option("-o,--output,--saveEngine", o->build.output, "the engine file (MODEL_cpu_fp32.engine in the current folder)")->type_name("FILE");
    verb->add_option("--precision", o->build.precision, "fp32 (not yet: fp16, bf16, int8, best)")
        ->check(quiet(CLI::IsMember({"fp32", "fp16", "bf16", "int8", "best"})))->type_name("NAME");
    verb->add_flag("--all", o->all, "an engine for every precision (not yet)");
    verb->add_flag("--fp16", o->fp16)->group("");  // trtexec's
    verb->add_flag("--bf16", o->bf16)->group("");
    verb->add_flag("--int8", o->int8)->group("");
    verb->add_flag("--best", o->best)->group("");
    verb->add_option("--target", o->target, "cpu (not yet: trt8x, trt10x, trt11x, trtrtx)")
        ->check(quiet(CLI::IsMember({"cpu", "cuda", "trt8x", "trt10x", "trt11x", "trtrtx"})))->type_name("NAME");

    verb->add_option("--min-shapes,--minShapes", o->min_shapes, "least shapes of dynamic inputs, name:1x3x224x224,...")->type_name("SHAPES");
    verb->add_option("--opt-shapes,--optShapes", o->opt_shapes, "the shapes to be fastest at")->type_name("SHAPES");
    verb->add_option("--max-shapes,--maxShapes", o->max_shapes, "greatest shapes; a dynamic batch is 1 / 16 / 32 unless given")->type_name("SHAPES");
    verb->add_option("--workspace", o->workspace, "memory for activations, at most: 1GiB (the default), 512MiB, bytes")->type_name("SIZE");
    verb->add_option("--memPoolSize", o->pools, "the same as trtexec has it: workspace:1024 (MiB)")->type_name("POOL:SIZE");
    verb->add_option("--fix-input", o->fixed, "make this input a constant, from an NPY or PB file (may be repeated)")->allow_extra_args(false)->type_name("NAME=FILE");

    const std::map<std::string, Tune> tunes{{"none", Tune::none}, {"fast", Tune::fast}, {"full", Tune::full}};
    verb->add_option("--tune", o->build.tune, "none: choose by estimated cost; fast: time candidates briefly; full: at length (fast)")
        ->transform(quiet(CLI::CheckedTransformer(tunes)))->type_name("HOW");
    verb->add_option("--timing-cache,--timingCacheFile", o->build.timing_cache, "timings to reuse; new ones are added")->type_name("FILE");
    verb->add_option("--isa", o->build.isa, "the instructions to build for (this machine's; `tercet doctor` lists them)")
        ->check(quiet(CLI::IsMember(isa_levels())))->type_name("LEVEL");
    verb->add_option("--threads", o->build.threads, "threads that the engine will run on (all)")->check(quiet(CLI::Range(0, 4096)))->type_name("N");
    verb->add_flag("--strict", o->build.strict, "no kernels that change the arithmetic (Winograd, approximated functions)");
    verb->add_option("--disable-pass", o->build.disabled_passes, "leave out this rewrite of the graph, or `all` (may be repeated)")->allow_extra_args(false)->type_name("NAME");
    verb->add_option("--stop-after", o->build.stop_after, "make only the first N rewrites, to find one at fault")->type_name("N");
    verb->add_flag("-v,--verbose", o->verbose, "what passes and tuning do, on standard error");
    verb->add_flag("--json", o->json, "one JSON document on standard output");
    verb->footer("Example:\n"
                 "  tercet build model.onnx --min-shapes image:1x3x224x224 --opt-shapes image:8x3x224x224 --max-shapes image:32x3x224x224 \\\n"
                 "      --timing-cache timings.json -o model.engine");
    verb->callback([o] { run(*o); });
}

}  // namespace tercet::cli
