// SPDX-License-Identifier: Apache-2.0
// tercet inspect FILE
#include "tercet/inspect.h"

#include "cli/print.h"
#include "cli/verbs.h"
#include "tercet/build.h"
#include "tercet/calibrate.h"

#include <map>
#include <memory>

namespace tercet::cli {
namespace {

struct Options {
    std::filesystem::path file;
    bool text = false, optimized = false, plan = false, json = false;
};

void print_tensors(std::string_view heading, const std::vector<TensorInfo>& infos) {
    for (const TensorInfo& i : infos) fmt::print("  {:<10}{}\n", heading, one_line(text_of(i)));
}

Json json_of(const std::vector<TensorInfo>& infos) {
    Json j = Json::array();
    for (const TensorInfo& i : infos) j.push_back(cli::json_of(i));
    return j;
}

std::string full_name(const OperatorUse& op) { return op.domain.empty() ? op.name : op.domain + "." + op.name; }

void print(const ModelInfo& m, const std::string& file) {
    fmt::print("{}: ONNX model '{}'\n", file, one_line(m.name));
    fmt::print("  {:<10}{}, IR version {}, operator set {}\n", "producer", m.producer.empty() ? "unknown" : one_line(m.producer), m.ir_version, m.opset);
    print_tensors("input", m.inputs);
    print_tensors("output", m.outputs);
    fmt::print("  {:<10}{} in {}\n", "weights", m.parameters, text_of_bytes(m.parameter_bytes));
    fmt::print("  {:<10}{}\n", "nodes", m.nodes);
    std::vector<std::vector<std::string>> rows;
    for (const OperatorUse& op : m.operators) rows.push_back({fmt::to_string(op.count), full_name(op), op.unsupported});
    print_table({}, rows, "    ", {0});
    if (!m.problem.empty()) fmt::print("cannot be built: {}\n", one_line(m.problem));
}

Json json_of(const ModelInfo& m) {
    Json j{{"kind", "model"}, {"name", m.name}, {"producer", m.producer}, {"ir_version", m.ir_version}, {"opset", m.opset}, {"inputs", json_of(m.inputs)},
           {"outputs", json_of(m.outputs)}, {"parameters", m.parameters}, {"parameter_bytes", m.parameter_bytes}, {"nodes", m.nodes}, {"operators", Json::array()},
           {"unsupported", Json::array()}, {"problem", m.problem}};
    for (const OperatorUse& op : m.operators) {
        j["operators"].push_back({{"name", full_name(op)}, {"count", op.count}});
        if (!op.unsupported.empty()) j["unsupported"].push_back({{"name", full_name(op)}, {"count", op.count}, {"reason", op.unsupported}});
    }
    return j;
}

// What layers became; those that are not as asked with the reason.
void print_layers(const PrecisionPlanInfo& p) {
    std::map<std::string, int> counts;
    for (const LayerInfo& l : p.layers) ++counts[l.chosen];
    std::string text;
    for (const auto& [name, count] : counts) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, name);
    if (p.layers.empty()) return;
    fmt::print("  {:<10}{}{}\n", "layers", text, p.calibrator.empty() ? "" : fmt::format("; scales: {}", one_line(p.calibrator)));
}

void print_fallbacks(const PrecisionPlanInfo& p) {
    std::vector<std::vector<std::string>> rows;
    for (const LayerInfo& l : p.layers)
        if (l.chosen != l.asked) rows.push_back({short_name(l.layer), l.op, l.chosen, one_line(l.reason)});
    if (rows.empty()) return;
    fmt::print("  {} layers are not in {}:\n", rows.size(), p.precision);
    print_table({"layer", "op", "runs in", "why"}, rows, "    ", {});
}

void print(const PrecisionPlanInfo& p, const std::string& file) {
    fmt::print("{}: precision plan, {} for '{}', {} scales\n", file, p.precision, one_line(p.model), p.scales);
    print_layers(p);
    print_fallbacks(p);
}

Json json_of(const PrecisionPlanInfo& p) {
    Json j = Json::parse(p.json);
    j["kind"] = "precision_plan";
    return j;
}

void print(const EngineInfo& e, const std::string& file) {
    fmt::print("{}: engine of '{}'\n", file, one_line(e.model));
    fmt::print("  {:<10}{} for cpu, instructions {}\n", "precision", e.precision, e.isa);
    print_tensors("input", e.inputs);
    print_tensors("output", e.outputs);
    for (const EngineInfo::Symbol& s : e.profile) fmt::print("  {:<10}{}: {} / {} / {}\n", "profile", one_line(s.name), s.min, s.opt, s.max);
    if (e.slice > 0) fmt::print("  {:<10}in slices of {} sample{}, each by one thread\n", "batches", e.slice, e.slice == 1 ? "" : "s");
    fmt::print("  {:<10}{}, weights {}, workspace {}\n", "size", text_of_bytes(e.bytes), text_of_bytes(e.weight_bytes), text_of_bytes(e.workspace_bytes));
    print_layers(e.plan);
    fmt::print("  {:<10}{}{}\n", "steps", e.steps.size(),
               e.reference_steps > 0 ? fmt::format(", of which {} run by their plain reference implementation (marked *)", e.reference_steps) : "");
    std::vector<std::vector<std::string>> rows;
    for (std::size_t i = 0; i < e.steps.size(); ++i) {
        const EngineInfo::Step& s = e.steps[i];
        std::string variant = s.variant;
        for (const std::string& other : s.other) variant += (variant.empty() ? "" : "; ") + other;
        rows.push_back({fmt::to_string(i), s.reference ? "*" : "", s.op, short_name(s.name), s.shape, s.tactic, variant});
    }
    print_table({"#", "", "op", "step", "output", "tactic", "variant"}, rows, "    ", {0});
    print_fallbacks(e.plan);
}

Json json_of(const EngineInfo& e) {
    Json j{{"kind", "engine"}, {"model", e.model}, {"precision", e.precision}, {"target", "cpu"}, {"isa", e.isa}, {"inputs", json_of(e.inputs)}, {"outputs", json_of(e.outputs)},
           {"profile", Json::object()}, {"bytes", e.bytes}, {"weight_bytes", e.weight_bytes}, {"workspace_bytes", e.workspace_bytes}, {"slice", e.slice},
           {"reference_steps", e.reference_steps}, {"steps", Json::array()}};
    for (const EngineInfo::Symbol& s : e.profile) j["profile"][s.name] = {{"min", s.min}, {"opt", s.opt}, {"max", s.max}};
    for (const EngineInfo::Step& s : e.steps) {
        Json& step = j["steps"].emplace_back(cli::json_of(s));
        step["reference"] = s.reference;
        step["other"] = s.other;
    }
    if (!e.plan.json.empty()) j["plan"] = Json::parse(e.plan.json);
    return j;
}

std::string name_of_builder(const TensorRtEngineInfo& e) { return fmt::format("TensorRT{}", e.rtx ? "-RTX" : ""); }

void print(const TensorRtEngineInfo& e, const std::string& file) {
    fmt::print("{}: engine of {}\n", file, name_of_builder(e));
    fmt::print("  {:<10}{}\n", "built by", e.version.empty() ? "a version that the file does not tell" : e.version);
    print_tensors("input", e.inputs);
    print_tensors("output", e.outputs);
    if (e.profiles > 1) fmt::print("  {:<10}{}\n", "profiles", e.profiles);
    fmt::print("  {:<10}{}\n", "size", text_of_bytes(e.bytes));
    if (!e.problem.empty()) fmt::print("no more can be told here: {}\n", one_line(e.problem));
}

Json json_of(const TensorRtEngineInfo& e) {
    Json j{{"kind", "tensorrt_engine"}, {"builder", name_of_builder(e)}, {"version", nullptr}, {"bytes", e.bytes}, {"inputs", json_of(e.inputs)}, {"outputs", json_of(e.outputs)},
           {"profiles", e.profiles}, {"problem", e.problem}};
    if (!e.version.empty()) j["version"] = e.version;
    return j;
}

void print(const TimingCacheInfo& c, const std::string& file) {
    fmt::print("{}: timing cache, {} entries, {}\n", file, c.entries, text_of_bytes(c.bytes));
    std::vector<std::vector<std::string>> rows;
    for (const auto& g : c.groups) rows.push_back({fmt::to_string(g.entries), g.name});
    print_table({}, rows, "  ", {0});
}

Json json_of(const TimingCacheInfo& c) {
    Json j{{"kind", "timing_cache"}, {"bytes", c.bytes}, {"entries", c.entries}, {"groups", Json::array()}};
    for (const auto& g : c.groups) j["groups"].push_back({{"name", g.name}, {"entries", g.entries}});
    return j;
}

void print(const Calibration& c, const std::string& file) {
    fmt::print("{}: calibration cache, {}, {} tensors\n", file, one_line(c.header), c.scales.size());
    std::vector<std::vector<std::string>> rows;
    for (const auto& [name, scale] : c.scales) rows.push_back({one_line(name), fmt::format("{:.6g}", scale), fmt::format("{:.6g}", 127 * static_cast<double>(scale))});
    print_table({"tensor", "scale", "range +-"}, rows, "  ", {1, 2});
}

Json json_of(const Calibration& c) {
    Json j{{"kind", "calibration_cache"}, {"header", c.header}, {"tensors", c.scales.size()}, {"scales", Json::object()}};
    for (const auto& [name, scale] : c.scales) j["scales"][name] = scale;
    return j;
}

void show(const auto& info, const Options& o) {
    if (o.json) print_json(json_of(info));
    else print(info, o.file.string());
}

void run(const Options& o) {
    const FileKind kind = recognize(o.file);
    if (o.text || o.optimized) {
        if (kind != FileKind::model) throw CLI::ValidationError(o.text ? "--text" : "--optimized", "is for ONNX models");
        if (o.json) throw CLI::ValidationError("--json", "the graph as text is no JSON; leave out one of them");
        fmt::print("{}", model_text(o.file, o.optimized));
        return;
    }
    if (o.plan) {
        if (kind != FileKind::engine) throw CLI::ValidationError("--plan", "is for engines");
        fmt::print("{}\n", inspect_engine(o.file).plan.json);
        return;
    }
    switch (kind) {
        case FileKind::model: return show(inspect_model(o.file), o);
        case FileKind::engine: return show(inspect_engine(o.file), o);
        case FileKind::precision_plan: return show(inspect_precision_plan(o.file), o);
        case FileKind::timing_cache: return show(inspect_timing_cache(o.file), o);
        case FileKind::calibration_cache: return show(read_calibration_cache(o.file), o);
        case FileKind::tensorrt_engine: return show(inspect_tensorrt_engine(o.file), o);
    }
}

}  // namespace

void add_inspect(CLI::App& app) {
    auto o = std::make_shared<Options>();
    CLI::App* verb = app.add_subcommand("inspect", "what is in an engine (of TensorRT's, too), an ONNX model, a precision plan, a timing cache or a calibration cache");
    verb->add_option("FILE", o->file, "the file")->required()->type_name("");
    verb->add_flag("--text", o->text, "the model's graph as text");
    verb->add_flag("--optimized", o->optimized, "the same after the rewrites that a build makes");
    verb->add_flag("--plan", o->plan, "an engine's precision plan as JSON, to be edited and given to `build --plan`");
    verb->add_flag("--json", o->json, "one JSON document on standard output");
    verb->footer("Examples:\n  tercet inspect model_cpu_fp32.engine\n  tercet inspect model.onnx --text --optimized");
    verb->callback([o] { run(*o); });
}

}  // namespace tercet::cli
