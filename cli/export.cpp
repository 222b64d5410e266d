// SPDX-License-Identifier: Apache-2.0
// tercet export MODEL.onnx
#include "tercet/export.h"
#include "tercet/tensorrt.h"

#include "cli/data_options.h"
#include "cli/options.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/verbs.h"

#include <algorithm>
#include <map>
#include <memory>

namespace tercet::cli {
namespace {

struct Options {
    std::filesystem::path model;
    ExportSettings settings;
    std::filesystem::path cache;
    bool no_fallback = false, convert_io = false, json = false;
};

// How often each reason is there for a layer not to be in the precision asked for, with the first layer's name.
void print_fallbacks(const ExportResult& r) {
    std::map<std::string, std::pair<int, const ExportedLayer*>> reasons;
    for (const ExportedLayer& l : r.layers)
        if (l.chosen != l.asked) {
            auto& [count, first] = reasons[l.op + ": " + l.reason];
            if (count++ == 0) first = &l;
        }
    std::vector<std::vector<std::string>> rows;
    for (const auto& [reason, found] : reasons) rows.push_back({std::to_string(found.first), found.second->chosen, reason, found.second->layer});
    if (!rows.empty()) print_table({"layers", "in", "because", "first"}, rows, "  ", {0});
}

void print_summary(const ExportResult& r) {
    std::map<std::string, int> counts;
    for (const ExportedLayer& l : r.layers) ++counts[l.chosen];
    std::string layers;
    for (const auto& [precision, count] : counts) layers += fmt::format("{}{} {}", layers.empty() ? "" : ", ", count, precision);
    fmt::print("{}\n  {}, opset {}, layers: {}\n", r.path.string(), text_of_bytes(r.bytes), r.opset, layers);
    print_fallbacks(r);
    if (const std::string command = trtexec_command(r.path); !command.empty()) fmt::print("  TensorRT 11 builds it by\n    {}\n", command);
}

void run(Options& o) {
    require_file(o.model, "MODEL.onnx");
    o.settings.fallback = !o.no_fallback;
    o.settings.keep_io_types = !o.convert_io;
    if (!o.cache.empty()) o.settings.scales = read_calibration_cache(o.cache).scales;
    o.settings.calibration.isa = isa_cap();
    std::vector<std::string> warnings;
    ExportResult r;
    {
        ProgressBar bar;
        o.settings.calibration.progress = [&](const Progress& p) { bar.update(p.what, p.done, p.total); };
        o.settings.calibration.warn = [&](const std::string& line) {
            bar.note("note: " + line);
            warnings.push_back(line);
        };
        r = export_model(o.model, o.settings);
    }
    if (!o.json) return print_summary(r);
    Json j{{"path", r.path.string()}, {"precision", r.precision}, {"bytes", r.bytes}, {"opset", r.opset}, {"layers", Json::array()}};
    for (const ExportedLayer& l : r.layers) j["layers"].push_back({{"layer", l.layer}, {"op", l.op}, {"asked", l.asked}, {"chosen", l.chosen}, {"reason", l.reason}});
    j["warnings"] = warnings;
    print_json(j);
}

}  // namespace

void add_export(CLI::App& app) {
    auto o = std::make_shared<Options>();
    CLI::App* verb = app.add_subcommand("export", "write a model's precision into it: FP16 or BF16 casts, or INT8 Q/DQ");
    add_file(*verb, o->model, "MODEL.onnx", "--onnx", "the model");
    verb->add_option("-o,--output", o->settings.output, "the model to write (MODEL_PRECISION.onnx in the current folder)")->type_name("FILE");
    auto* precision = verb->add_option("--precision", o->settings.precision, "fp16, bf16 or int8 (fp16)")
                          ->check(quiet(CLI::IsMember({"fp32", "fp16", "bf16", "int8"})))->type_name("NAME");
    verb->add_option("--plan", o->settings.plan, "a precision plan (JSON) to follow: its precision, layers and scales")->excludes(precision)->type_name("FILE");
    verb->add_option("--calib-cache,--calib", o->cache, "scales of activations, in TensorRT's text format")->type_name("FILE");
    add_layer_precisions(*verb, o->settings.layer_precisions);
    add_calibration_options(*verb, o->settings.calibration);
    verb->add_option("--threads", o->settings.calibration.threads, "threads to calibrate on (all)")->check(quiet(CLI::Range(0, 4096)))->type_name("N");
    verb->add_option("--write-plan", o->settings.written_plan, "write the plan as it was followed, to be edited")->type_name("FILE");
    add_fallback_precision(*verb, o->settings.fallback_precision);
    verb->add_flag("--no-fallback", o->no_fallback, "fail if a layer cannot have the precision asked for it");
    verb->add_flag("--convert-io", o->convert_io, "inputs and outputs change their types, too (they stay FP32)");
    verb->add_option("--newest-opset", o->settings.newest_opset, "the newest opset that the reader of the result reads")
        ->check(quiet(CLI::Range(7, 1000)))->type_name("N");
    verb->add_flag("--json", o->json, "one JSON document on standard output");
    verb->footer("Example:\n"
                 "  tercet export model.onnx --precision fp16 --layer-precisions 'head/*:fp32' -o model_fp16.onnx\n"
                 "  tercet export model.onnx --precision int8 --calib-data photos --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225\n"
                 "  tercet export model.onnx --precision int8 --calib-cache calibration_cache_8x.cache");
    verb->callback([o] { run(*o); });
}

}  // namespace tercet::cli
