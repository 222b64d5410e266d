// SPDX-License-Identifier: Apache-2.0
#include "tercet/build.h"

#include "api/build_precision.h"
#include "api/build_tensorrt.h"
#include "data/npy.h"
#include "engine/engine_file.h"
#include "graph/text.h"
#include "onnx/read_model.h"
#include "passes/pass.h"
#include "plan/plan.h"
#include "plan/profile.h"
#include "plan/timing_cache.h"
#include "system/output_file.h"
#include "system/thread_pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace tercet {
namespace {

Tensor load_tensor(const std::filesystem::path& file) {
    if (file.extension() != ".npy") return read_tensor(file).second;
    const FileBytes bytes = map_file(file);
    return at(file.string(), [&] { return parse_npy(bytes); });
}

Model read(const std::filesystem::path& file, const BuildSettings& settings) {
    ReadSettings read_settings;
    for (const auto& [name, path] : settings.fixed_inputs) read_settings.fixed_inputs[name] = load_tensor(path);
    Model model = read_model(file, read_settings);
    if (model.graph.name.empty()) model.graph.name = file.stem().string();
    return model;
}

PassSettings pass_settings(const BuildSettings& s) {
    return {.disabled = s.disabled_passes, .stop_after = s.stop_after, .verify = false, .log = s.log};
}

Isa isa_for(const BuildSettings& settings) {
    if (settings.isa.empty()) return host_isa();
    const auto isa = isa_named(settings.isa);
    if (!isa) throw Error({.what = fmt::format("unknown instruction set '{}'", settings.isa), .fix = fmt::format("one of {}", fmt::join(isa_names(), ", "))});
    if (!host_isa().has(isa->level) && settings.tune != Tune::none)
        throw Error({.what = fmt::format("this processor has {}, so that kernels for {} cannot be timed here", host_isa().name(), isa->name()),
                     .fix = "add --tune none, or build on the machine that is to run it"});
    return *isa;
}

}  // namespace

BuildResult build(const std::filesystem::path& model_file, const BuildSettings& settings) {
    if (settings.target != "cpu") return build_tensorrt(model_file, settings);
    const auto start = std::chrono::steady_clock::now();
    BuildResult result{.precision = settings.precision, .target = "cpu", .path = settings.output, .status = "ok"};
    if (result.path.empty()) result.path = engine_name(model_file, result.target, result.precision);
    const Isa isa = isa_for(settings);
    for (const auto& written : {result.path, settings.timing_cache})
        if (!written.empty()) const OutputFile probe{written};  // what cannot be written is better known before the tuning
    TimingCache timings;
    if (!settings.timing_cache.empty()) timings = TimingCache::read(settings.timing_cache);
    Program program = [&] {
        Model model = read(model_file, settings);
        return at(model_file.string(), [&] {
            const Profile profile = make_profile(model.graph, settings.min_shapes, settings.opt_shapes, settings.max_shapes);
            const Graph as_read = model.graph;
            BuildPrecision precision(model_file, as_read, settings);
            PassSettings passes = pass_settings(settings);
            // An input's shift and scale per channel, put into the weights, would leave the convolution an input without a scale.
            if (precision.precision() == Precision::int8) passes.disabled.emplace_back("fold_input_affine");
            passes.set_precision = [&](Graph& g) { return precision.set(g, isa); };
            optimize(model.graph, passes);
            const PrecisionPlan chosen = precision.plan(model.graph, result);
            const bool in_bytes = std::ranges::any_of(chosen.layers, [](const LayerPlan& l) { return l.chosen == Precision::int8; });  // of a quantized model, too
            PlanSettings plan{.profile = profile, .isa = isa, .threads = settings.threads > 0 ? settings.threads : usable_processors(),
                              .tune = settings.tune, .strict = settings.strict, .canonical = in_bytes || precision.precision() == Precision::int8, .workspace_bytes = settings.workspace_bytes,
                              .timings = settings.timing_cache.empty() ? nullptr : &timings, .progress = settings.progress, .log = settings.log};
            Program p = make_program(model.graph, plan);
            p.model = model_file.stem().string();
            p.precision = settings.precision;
            p.precision_plan = to_json(chosen);
            return p;
        });
    }();
    result.bytes = write_engine(result.path, program);
    if (!settings.timing_cache.empty() && settings.tune != Tune::none) timings.write(settings.timing_cache);
    result.steps = static_cast<int>(program.steps.size());
    for (const ProgramStep& s : program.steps) result.reference_steps += s.choices[1].tactic == "reference";
    result.workspace_bytes = workspace_needed(program, settings.threads > 0 ? settings.threads : usable_processors());
    result.build_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    return result;
}

std::string model_text(const std::filesystem::path& file, bool optimized, const BuildSettings& settings) {
    Model model = read(file, settings);
    if (optimized) at(file.string(), [&] { optimize(model.graph, pass_settings(settings)); });
    return print_text(model.graph, {.types = true});
}

}  // namespace tercet
