// SPDX-License-Identifier: Apache-2.0
#include "api/build_tensorrt.h"
#include "tercet/tensorrt.h"

#include "api/find_scales.h"
#include "onnx/read_model.h"
#include "plan/profile.h"
#include "precision/calibration_cache.h"
#include "precision/write_model.h"
#include "system/output_file.h"
#include "system/share_file.h"
#include "system/temporary_folder.h"
#include "tensorrt/installed.h"
#include "tensorrt/job.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <set>
#include <sstream>

namespace tercet {
namespace {

namespace fs = std::filesystem;

constexpr int most_retries = 8;
constexpr std::string_view shared_model = "model.onnx";  // of the precisions that TensorRT chooses itself
constexpr double fp16_max = 65504, steps_of_scale = 127;

// What a folder holds for one precision, and what of it is known before TensorRT sees it.
struct Planned {
    TensorRtJobFile job;
    PrecisionPlan plan;
    std::vector<std::string> warnings;
};

ProfileShapes profile_shapes(const Graph& graph, const BuildSettings& s) {
    const Profile profile = make_profile(graph, s.min_shapes, s.opt_shapes, s.max_shapes);
    ProfileShapes shapes;
    for (ValueId v : graph.inputs()) {
        const Value& input = graph.value(v);
        if (std::ranges::all_of(input.type.shape, [](const Dim& d) { return d.is_constant(); })) continue;
        for (std::size_t i = 0; i < 3; ++i)
            for (const Dim& d : input.type.shape) shapes[input.name][i].push_back(d.evaluate(symbols_at(profile, std::array{ProfilePoint::min, ProfilePoint::opt, ProfilePoint::max}[i])));
    }
    return shapes;
}

bool is_wished(const LayerPrecisions& wishes, const std::string& layer) {
    return std::ranges::any_of(wishes, [&](const auto& w) { return fits_pattern(w.first, layer); });
}

// Convolutions that TensorRT 11 is known to have no FP16 kernel for (NVIDIA/TensorRT issue 4838); depthwise ones it has.
bool is_grouped(const Graph& g, NodeId id) {
    const Node& n = g.node(id);
    if (!n.domain.empty() || (n.op != "Conv" && n.op != "ConvTranspose")) return false;
    const auto& weights = g.value(n.inputs[1]).type.shape;
    return n.attributes.integer("group", 1) > 1 && !(weights.size() > 1 && weights[1] == Dim(1));
}

// What the samples' magnitudes and the target's known gaps forbid.
void keep_in_fp32(PrecisionPlan& plan, ModelEdit& model, const Graph& read, const TensorRtTarget& target, const Scales& ranges, const LayerPrecisions& wishes) {
    if (plan.precision != Precision::fp16) return;
    std::set<std::string> grouped;
    if (target.name == "trt11x")
        for (NodeId id : read.order())
            if (is_grouped(read, id)) grouped.insert(read.label(id));
    std::map<std::string, const onnx::TreeNode*> nodes;
    for (const onnx::TreeNode& n : model.nodes()) nodes.try_emplace(n.label(), &n);
    for (LayerPlan& l : plan.layers) {
        const auto node = nodes.find(l.layer);
        if (l.chosen != Precision::fp16 || node == nodes.end() || is_wished(wishes, l.layer)) continue;
        const onnx::TreeNode& n = *node->second;
        for (const auto* values : {&n.inputs, &n.outputs})
            for (const std::string& v : *values)
                if (const auto r = ranges.find(v); r != ranges.end() && r->second * steps_of_scale > fp16_max)
                    l.reason = fmt::format("|x| reaches {:.6g} in '{}' on the samples, FP16 ends at 65504", r->second * steps_of_scale, v);
        if (l.reason.empty() && grouped.contains(l.layer)) l.reason = "TensorRT 11.2 has no FP16 kernel for some grouped convolutions";
        if (!l.reason.empty()) l.chosen = Precision::fp32;
    }
}

// "12 weights ...": what the warning about subnormal FP16 values means for this model.
std::string subnormal_note(ModelEdit& model) {
    std::int64_t total = 0, most = 0;
    std::string worst;
    for (const auto& n : model.nodes())
        for (const std::string& v : n.inputs) {
            const Tensor* c = model.constant(v);
            if (!c || c->dtype() != DType::f32) continue;
            std::int64_t count = 0;
            for (std::int64_t i = 0; i < c->count(); ++i) {
                const double x = std::fabs(c->get(i));
                count += x > 0 && x < 6.103515625e-05;  // 2^-14, FP16's least normal number
            }
            total += count;
            if (count > most) {
                most = count;
                worst = v;
            }
        }
    if (total == 0) return {};
    return fmt::format("Tercet counted {} constants between 0 and FP16's least normal number 6.1e-5, most of them ({}) in '{}': these keep fewer digits, which rarely changes a result; "
                       "`tercet compare` shows whether it does, --layer-precisions keeps layers in fp32", total, most, worst);
}

class Planner {
public:
    Planner(const fs::path& model, const BuildSettings& settings)
        : model_(model), settings_(settings), target_(tensorrt_target(settings.target)), precision_(precision_named(settings.precision)), read_(read_model(model)) {
        if (!settings.fixed_inputs.empty()) throw Error({.what = "inputs cannot be fixed for TensorRT", .where = "--fix-input", .fix = "make them constants in the model"});
        if (!settings.plan.empty()) given_ = read_precision_plan(settings.plan);
        if (precision_ == Precision::bf16 && target_.name == "trt8x") throw Error({.what = "TensorRT 8.x has no BF16", .where = "--precision", .fix = "take fp16"});
    }

    // Writes the model, the cache and the job into a folder. `fp32_layers`: those that a build found no kernel for.
    Planned write(const fs::path& folder, const fs::path& engine, const std::map<std::string, std::string>& fp32_layers) {
        Planned p;
        p.job = {.target = &target_, .precision = precision_, .engine = engine, .workspace_bytes = settings_.workspace_bytes,
                 .profiles = at(model_.string(), [&] { return profile_shapes(read_.graph, settings_); }), .compute_capabilities = settings_.tensorrt.compute_capabilities,
                 .obey = !settings_.fallback, .verbose = settings_.tensorrt.verbose};
        p.job.result = fmt::format("{}.result.json", precision_name());
        if (!settings_.timing_cache.empty() && target_.name != "trtrtx") p.job.timing_cache = fs::absolute(settings_.timing_cache);
        find_ranges(p);
        if (target_.strongly_typed) write_typed_model(folder, p, fp32_layers);
        else write_weak(folder, p);
        check_fallbacks(p.plan);
        return p;
    }

    // The model as a strongly typed target would get it, whatever the target is.
    Planned write_typed(const fs::path& folder) {
        Planned p;
        find_ranges(p);
        write_typed_model(folder, p, {});
        check_fallbacks(p.plan);
        return p;
    }

private:
    std::string precision_name() const { return std::string(name_of(precision_)); }

    bool wants(Precision p) const {
        if (precision_ == p) return true;
        if (std::ranges::any_of(settings_.layer_precisions, [&](const auto& w) { return w.second == name_of(p); })) return true;
        return given_ && std::ranges::any_of(given_->layers, [&](const LayerPlan& l) { return l.chosen == p; });
    }

    void find_ranges(Planned& p) {
        if (wants(Precision::int8) && !scales_) scales_ = find_scales(model_, read_.graph, settings_, given_ ? &*given_ : nullptr);
        // Where there are samples, they tell what overflows in FP16.
        if (precision_ == Precision::fp16 && !settings_.calibration.data.empty() && ranges_.empty()) {
            BuildSettings greatest = settings_;
            greatest.calibration_cache.clear();
            greatest.calibration.calibrator = Calibrator::minmax;
            ranges_ = find_scales(model_, read_.graph, greatest, nullptr).scales;
        }
        if (scales_) p.warnings = scales_->warnings;
    }

    PrecisionPlan make_plan(ModelEdit& model, const std::map<std::string, std::string>& fp32_layers, std::string* note) {
        const LayerPrecisions& wishes = settings_.layer_precisions;
        PrecisionPlan plan = given_ ? *given_ : make_export_plan(model, precision_, scales_ ? scales_->scales : Scales{}, wishes, fallback_named(settings_.fallback_precision));
        if (given_) {
            if (scales_) plan.scales.insert(scales_->scales.begin(), scales_->scales.end());
            apply(wishes, plan);
        }
        if (scales_) plan.calibrator = scales_->calibrator;
        keep_in_fp32(plan, model, read_.graph, target_, ranges_, wishes);
        for (LayerPlan& l : plan.layers)
            if (const auto why = fp32_layers.find(l.layer); why != fp32_layers.end()) {
                l.chosen = Precision::fp32;
                l.reason = why->second;
            }
        if (wants(Precision::fp16)) *note = subnormal_note(model);
        return plan;
    }

    // 11.x and RTX: the precision is in the model.
    void write_typed_model(const fs::path& folder, Planned& p, const std::map<std::string, std::string>& fp32_layers) {
        p.job.model = fmt::format("model_{}.onnx", precision_name());
        const auto plan = [&](ModelEdit& edit) { return make_plan(edit, fp32_layers, &p.job.subnormal_note); };
        const bool as_it_is = precision_ == Precision::int8 && scales_ && scales_->scales.empty();  // quantized already
        if (as_it_is || (precision_ == Precision::fp32 && settings_.layer_precisions.empty() && !given_)) {
            const PlannedModel planned = plan_model(model_, [&](ModelEdit&) { return PrecisionPlan{.precision = as_it_is ? Precision::fp32 : precision_}; });
            copy_model(folder / p.job.model);
            take_layers(p, planned, {});
            return;
        }
        Written written = write_model(model_, {.plan = plan, .output = [&](const PrecisionPlan&) { return folder / p.job.model; }});
        p.plan = std::move(written.plan);
        for (const LayerPlan& l : p.plan.layers) p.job.layers.push_back({.layer = l.layer, .outputs = {}, .chosen = l.chosen});
    }

    // 8.x and 10.x: flags, a cache, and precisions of layers.
    void write_weak(const fs::path& folder, Planned& p) {
        p.job.model = shared_model;
        copy_model(folder / p.job.model);
        const PlannedModel planned = plan_model(model_, [&](ModelEdit& edit) { return make_plan(edit, {}, &p.job.subnormal_note); });
        take_layers(p, planned, settings_.layer_precisions);
        if (!scales_ || scales_->scales.empty()) return;
        p.job.cache = "calibration.cache";
        Calibration cache{.header = calibration_cache_header(target_.cache_format), .scales = scales_->scales};
        write_calibration_cache(folder / p.job.cache, cache);
    }

    void take_layers(Planned& p, const PlannedModel& planned, const LayerPrecisions& wishes) {
        p.plan = planned.plan;
        // What one layer may be in, TensorRT may choose for any other: those that are to be wider say so. INT8 layers take what is fastest.
        const bool int8_allowed = precision_ != Precision::int8 && std::ranges::any_of(p.plan.layers, [](const LayerPlan& l) { return l.chosen == Precision::int8; });
        const bool half_allowed = precision_ == Precision::fp32 && std::ranges::any_of(p.plan.layers, [](const LayerPlan& l) { return l.chosen != Precision::fp32; });
        for (std::size_t i = 0; i < p.plan.layers.size(); ++i) {
            const LayerPlan& l = p.plan.layers[i];
            const bool could_be_narrower = int8_allowed || (half_allowed && l.chosen == Precision::fp32);
            p.job.layers.push_back({.layer = l.layer, .outputs = planned.outputs[i], .chosen = l.chosen, .fixed = l.chosen != l.asked || is_wished(wishes, l.layer) || could_be_narrower});
        }
    }

    // With the tensors beside it, which large models keep in files of their own.
    void copy_model(const fs::path& place) {
        if (fs::exists(place)) return;  // another precision's
        write_model(model_, {.plan = [](ModelEdit&) { return PrecisionPlan{}; }, .output = [&](const PrecisionPlan&) { return place; }});
    }

    void check_fallbacks(const PrecisionPlan& plan) const {
        if (settings_.fallback) return;
        for (const LayerPlan& l : plan.layers)
            if (l.chosen != l.asked)
                throw Error({.what = fmt::format("{} ({}) cannot be {}: {}", l.layer, l.op, name_of(l.asked), l.reason), .fix = "ask for fp32 there by --layer-precisions, or leave out --no-fallback"});
    }

    const fs::path& model_;
    const BuildSettings& settings_;
    const TensorRtTarget& target_;
    Precision precision_;
    Model read_;
    std::optional<PrecisionPlan> given_;
    std::optional<FoundScales> scales_;
    Scales ranges_;
};

int width_of(Precision p) { return p == Precision::fp32 ? 4 : p == Precision::int8 ? 1 : 2; }

// The plan, and, where TensorRT says it, what came of it.
void tell_layers(const PrecisionPlan& plan, const TensorRtResult* built, BuildResult& result) {
    for (const LayerPlan& l : plan.layers) {
        Precision got = l.chosen;
        std::string reason = l.chosen != l.asked ? l.reason : "";
        if (built) {
            const auto found = built->layers.find(l.layer);
            if (found != built->layers.end() && width_of(found->second) > width_of(l.chosen)) {
                got = found->second;
                reason = "TensorRT built it so";
            }
        }
        ++result.layers[std::string(name_of(got))];
        if (got != l.asked && !reason.empty()) result.fallbacks.push_back({l.layer, l.op, std::string(name_of(l.asked)), std::string(name_of(got)), reason});
    }
}

void tell_scales(const TensorRtResult& built, BuildResult& result) {
    if (!built.without_scale.empty())
        result.warnings.push_back(fmt::format("{} of TensorRT's tensors have no scale, so that what reads them is not INT8, first '{}'", built.without_scale.size(), built.without_scale[0]));
}

// Whether a job in a folder is of this model as it is now, so that it may stand beside another precision's.
bool is_of_model(const fs::path& job, const std::string& engine, const fs::path& model) {
    std::error_code error;
    if (fs::last_write_time(job, error) < fs::last_write_time(model, error) || error) return false;
    std::ifstream file(job);
    std::ostringstream text;
    text << file.rdbuf();
    return engine_of_job(text.str()) == engine;
}

// The script builds every job in its folder: what was written for another model, and what is written anew, goes.
void remove_earlier_jobs(const fs::path& folder, const fs::path& model, std::string_view target, const std::vector<std::string>& precisions) {
    std::error_code ignored;
    fs::remove(folder / shared_model, ignored);
    for (const std::string p : {"fp32", "fp16", "bf16", "int8"}) {
        const fs::path job = folder / fmt::format("{}.job.json", p);
        if (std::ranges::find(precisions, p) == precisions.end() && is_of_model(job, engine_name(model, target, p), model)) continue;
        for (const std::string& name : {fmt::format("{}.plan.json", p), fmt::format("{}.result.json", p), fmt::format("model_{}.onnx", p)}) fs::remove(folder / name, ignored);
        fs::remove(job, ignored);
    }
}

// A container sees the current folder, or, if the job lies elsewhere, the job's.
std::string command_there(const TensorRtTarget& target, const fs::path& folder) {
    const fs::path normal = folder.lexically_normal();
    const std::string script = in_shell((normal / "build.py").string());
    if (target.container.empty()) return "python3 " + script;
    const bool below = normal.is_relative() && *normal.begin() != "..";
    return fmt::format("docker run --rm --gpus all -v {}:/workspace -w /workspace {} python3 {}", below ? "$(pwd)" : in_shell(fs::canonical(folder).string()), target.container,
                       below ? script : "build.py");
}

void write_text(const fs::path& file, std::string_view text) {
    OutputFile out(file);
    out.write(text);
    out.commit();
}

}  // namespace

std::string engine_name(const fs::path& model, std::string_view target, std::string_view precision) {
    return fmt::format("{}_{}_{}.{}", model.stem().string(), target, precision, target == "cpu" ? "engine" : "trt");
}

BuildResult build_tensorrt(const fs::path& model, const BuildSettings& settings) {
    const auto start = std::chrono::steady_clock::now();
    const TensorRtTarget& target = tensorrt_target(settings.target);
    BuildResult result{.precision = settings.precision, .target = settings.target, .path = settings.output, .status = "ok"};
    if (result.path.empty()) result.path = engine_name(model, settings.target, settings.precision);
    { const OutputFile probe{result.path}; }  // what cannot be written is better known before the build
    Planner planner(model, settings);
    const TensorRtModule installed = require_tensorrt(target, settings.tensorrt.python);
    const TemporaryFolder folder;
    const fs::path job = folder.path() / "build.job.json";
    fs::path built_engine = fs::absolute(result.path);  // takes its place, perhaps an older engine's, when all is known to be well
    built_engine += ".new";

    std::map<std::string, std::string> fp32_layers;
    Planned planned;
    TensorRtResult built;
    for (int attempt = 0; attempt < most_retries; ++attempt) {
        planned = planner.write(folder.path(), built_engine, fp32_layers);
        write_text(job, to_json(planned.job));
        built = run_worker(installed.python, job, planned.job.engine, folder.path() / planned.job.result, [&](char severity, const std::string& text) {
            if (settings.tensorrt.message) settings.tensorrt.message(severity, text);
        });
        // A typed network is taken or refused as it is: the layers that TensorRT has no kernel for become FP32, and are reported.
        bool again = false;
        if (!built.ok && target.strongly_typed && settings.fallback && settings.precision != "fp32")
            for (const std::string& node : built.nodes)
                again |= fp32_layers.try_emplace(node, fmt::format("TensorRT {} has no kernel for it in {}", built.version, settings.precision)).second;
        if (!again) break;
    }
    if (!built.ok) throw Error({.what = built.error, .where = model.string()});
    result.version = fmt::format("{} {}", target.name == "trtrtx" ? "TensorRT-RTX" : "TensorRT", built.version);
    result.bytes = built.bytes;
    result.warnings = planned.warnings;
    tell_layers(planned.plan, &built, result);
    tell_scales(built, result);
    if (built.from_engine && built.silent_layers > 0)
        result.warnings.push_back(fmt::format("{} of the engine's layers do not tell their types, so that what they run in is not known", built.silent_layers));
    if (!built.from_engine)
        result.warnings.push_back(target.strongly_typed ? "the engine's own layers were not read back (no GPU here); their precisions are those of the strongly typed network"
                                                        : "the engine's layers were not read back, so that what they run in is not known");
    if (!settings.fallback && !result.fallbacks.empty()) {
        std::error_code ignored;
        fs::remove(built_engine, ignored);
        const Fallback& f = result.fallbacks[0];
        throw Error({.what = fmt::format("{} {} not in {}, first {} ({}): {}", result.fallbacks.size(), result.fallbacks.size() == 1 ? "layer is" : "layers are", f.asked, f.layer, f.op, f.reason), .fix = "ask for fp32 there by --layer-precisions, or leave out --no-fallback"});
    }
    std::error_code error;
    fs::rename(built_engine, result.path, error);
    if (error) throw Error({.what = "cannot be written: " + error.message(), .where = result.path.string()});
    result.build_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    return result;
}

TypedModel write_typed_model(const fs::path& model, const BuildSettings& settings, const fs::path& folder) {
    BuildResult result{.precision = settings.precision, .target = settings.target, .status = "ok"};
    Planned planned = Planner(model, settings).write_typed(folder);
    result.warnings = std::move(planned.warnings);
    tell_layers(planned.plan, nullptr, result);
    return {folder / planned.job.model, std::move(result)};
}

TensorRtJob write_tensorrt_job(const fs::path& model, const BuildSettings& settings, const std::vector<std::string>& precisions, const fs::path& folder) {
    const TensorRtTarget& target = tensorrt_target(settings.target);
    std::error_code error;
    if (fs::equivalent(model.has_parent_path() ? model.parent_path() : ".", folder, error))
        throw Error({.what = "the model lies in this folder, where the job's files would take its place", .where = folder.string(), .fix = "name a folder of its own"});
    error.clear();  // not there yet
    fs::create_directories(folder, error);
    if (error) throw Error({.what = "cannot make this folder: " + error.message(), .where = folder.string(), .fix = "name another one"});
    remove_earlier_jobs(folder, model, target.name, precisions);
    TensorRtJob job{.folder = folder};
    for (const std::string& precision : precisions) {
        BuildResult& result = job.engines.emplace_back(BuildResult{.precision = precision, .target = settings.target, .status = "ok"});
        BuildSettings one = settings;
        one.precision = precision;
        try {
            Planner planner(model, one);
            const std::string engine = engine_name(model, settings.target, precision);
            Planned planned = planner.write(folder, engine, {});
            planned.job.timing_cache.clear();  // a file of this machine
            write_text(folder / fmt::format("{}.job.json", precision), to_json(planned.job));
            write_text(folder / fmt::format("{}.plan.json", precision), to_json(planned.plan));
            result.path = folder / engine;
            result.warnings = planned.warnings;
            tell_layers(planned.plan, nullptr, result);
            if (target.strongly_typed) {
                planned.job.model = folder / planned.job.model;
                planned.job.engine = result.path;
                job.trtexec.push_back(trtexec_command(planned.job));
            }
        } catch (const Error& e) {
            result.status = "failed";
            result.reason = e.what();
        }
    }
    if (std::ranges::all_of(job.engines, [](const BuildResult& r) { return r.status == "failed"; })) throw Error({.what = job.engines[0].reason});
    fs::copy_file(share_file("tensorrt/worker.py"), folder / "build.py", fs::copy_options::overwrite_existing, error);
    if (error) throw Error({.what = "cannot be written: " + error.message(), .where = (folder / "build.py").string()});
    job.command = command_there(target, folder);
    return job;
}

std::string trtexec_command(const fs::path& model) {
    const Graph graph = read_model(model).graph;
    try {
        fs::path engine = model;
        engine.replace_extension(".trt");
        return trtexec_command({.target = &tensorrt_target("trt11x"), .model = model, .engine = engine, .workspace_bytes = BuildSettings{}.workspace_bytes, .profiles = profile_shapes(graph, {})});
    } catch (const Error&) {  // a size that is no batch
        return {};
    }
}

}  // namespace tercet
