// SPDX-License-Identifier: Apache-2.0
#include "cli/build_options.h"

#include "cli/data_options.h"
#include "cli/options.h"
#include "tercet/inspect.h"
#include "tercet/machine.h"

#include <fmt/format.h>

namespace tercet::cli {
namespace {

// A shape without a name is for the model's only input.
Shapes shapes_of(const std::string& option, const std::string& text, const std::filesystem::path& model) {
    Shapes shapes = parse_shapes(option, text);
    if (!shapes.contains("")) return shapes;
    const auto inputs = inspect_model(model).inputs;
    if (inputs.size() != 1) throw CLI::ValidationError(option, fmt::format("'{}': the model has {} inputs; write name:{}", text, inputs.size(), text));
    return {{inputs[0].name, shapes[""]}};
}

std::uint64_t workspace_of(const BuildOptions& o) {
    std::uint64_t bytes = o.settings.workspace_bytes;
    if (!o.pools.empty()) bytes = parse_pools("--memPoolSize", o.pools);
    if (!o.workspace.empty()) bytes = parse_bytes("--workspace", o.workspace);
    // trtexec used to count MiB here. No model runs in so few bytes, so that this can only be meant.
    if (!o.workspace.empty() && o.workspace.find_first_not_of("0123456789") == std::string::npos && bytes < 1 << 16)
        throw CLI::ValidationError("--workspace", fmt::format("'{0}' would be bytes; write {0}MiB", o.workspace));
    return bytes;
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

void add_precision_options(CLI::App& verb, BuildOptions& o) {
    const std::string group = "Precision";
    verb.add_option("--calib-cache", o.settings.calibration_cache, "for int8: scales that `tercet calibrate` or TensorRT found")->type_name("FILE")->group(group);
    verb.add_option("--calib", o.settings.calibration_cache)->group("");  // trtexec's
    add_layer_precisions(verb, o.settings.layer_precisions, group);
    verb.add_option("--plan", o.settings.plan, "a precision plan to follow, JSON; `tercet inspect ENGINE` shows an engine's")->type_name("FILE")->group(group);
    add_fallback_precision(verb, o.settings.fallback_precision, group);
    verb.add_flag_callback("--no-fallback", [&o] { o.settings.fallback = false; }, "a layer that cannot have the precision asked for is an error")->group(group);
    verb.add_option_function<std::string>("--precisionConstraints", [&o](const std::string& how) { if (how == "obey") o.settings.fallback = false; })
        ->check(quiet(CLI::IsMember({"none", "prefer", "obey"})))->group("");  // trtexec's
    verb.add_flag_callback("--no-bias-correction", [&o] { o.settings.bias_correction = false; }, "for int8: leave the biases as they are")->group(group);
}

}  // namespace

void add_build_options(CLI::App& verb, BuildOptions& o) {
    verb.add_option("--min-shapes,--minShapes", o.min_shapes, "least shapes of dynamic inputs, name:1x3x224x224,...")->type_name("SHAPES");
    verb.add_option("--opt-shapes,--optShapes", o.opt_shapes, "the shapes to be fastest at")->type_name("SHAPES");
    verb.add_option("--max-shapes,--maxShapes", o.max_shapes, "greatest shapes; a dynamic batch is 1 / 16 / 32 unless given")->type_name("SHAPES");
    verb.add_option("--workspace", o.workspace, "memory for activations, at most: 1GiB (the default), 512MiB, bytes")->type_name("SIZE");
    verb.add_option("--memPoolSize", o.pools, "the same as trtexec has it: workspace:1024 (MiB)")->type_name("POOL:SIZE");
    verb.add_option("--fix-input", o.fixed, "make this input a constant, from an NPY or PB file (may be repeated)")->allow_extra_args(false)->type_name("NAME=FILE");

    const std::map<std::string, Tune> tunes{{"none", Tune::none}, {"fast", Tune::fast}, {"full", Tune::full}};
    verb.add_option("--tune", o.settings.tune, "none: choose by estimated cost; fast: time candidates briefly; full: at length (fast)")
        ->transform(quiet(CLI::CheckedTransformer(tunes)))->type_name("HOW");
    verb.add_option("--timing-cache,--timingCacheFile", o.settings.timing_cache, "timings to reuse; new ones are added")->type_name("FILE");
    verb.add_option("--isa", o.settings.isa, "the instructions to build for (this machine's; `tercet doctor` lists them)")
        ->check(quiet(CLI::IsMember(isa_levels())))->type_name("LEVEL");
    verb.add_option("--threads", o.settings.threads, "threads that the engine will run on (all)")->check(quiet(CLI::Range(0, 4096)))->type_name("N");
    verb.add_flag("--strict", o.settings.strict, "no kernels that change the arithmetic (Winograd, approximated functions)");
    add_precision_options(verb, o);
    add_calibration_options(verb, o.settings.calibration);
}

void add_tensorrt_options(CLI::App& verb, BuildOptions& o) {
    verb.add_option("--target", o.settings.target, "cpu, or a TensorRT that is installed: trt8x, trt10x, trt11x, trtrtx (cpu)")
        ->check(quiet(CLI::IsMember({"cpu", "cuda", "trt8x", "trt10x", "trt11x", "trtrtx"})))->type_name("NAME");
    const std::string group = "TensorRT";
    verb.add_option("--python", o.settings.tensorrt.python, "the Python that has TensorRT (TERCET_PYTHON, the active virtual environment, python3)")->type_name("FILE")->group(group);
    verb.add_option("--compute-capability", o.settings.tensorrt.compute_capabilities, "for trtrtx: the GPUs to build for, 8.6 or current (may be repeated)")
        ->allow_extra_args(false)->type_name("N.N")->group(group);
}

BuildSettings build_settings(const BuildOptions& o, const std::filesystem::path& model) {
    BuildSettings s = o.settings;
    s.min_shapes = shapes_of("--min-shapes", o.min_shapes, model);
    s.opt_shapes = shapes_of("--opt-shapes", o.opt_shapes, model);
    s.max_shapes = shapes_of("--max-shapes", o.max_shapes, model);
    s.workspace_bytes = workspace_of(o);
    for (auto& [name, file] : parse_files("--fix-input", o.fixed)) s.fixed_inputs[name] = file;
    s.calibration.threads = s.threads;
    choose_isa(s);
    return s;
}

}  // namespace tercet::cli
