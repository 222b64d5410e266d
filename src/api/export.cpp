// SPDX-License-Identifier: Apache-2.0
#include "tercet/export.h"

#include "precision/write_model.h"
#include "system/output_file.h"

#include <fmt/format.h>

#include <algorithm>

namespace tercet {
namespace {

constexpr const char* quantizable = "give a calibration cache: --calib-cache FILE, which `tercet calibrate` makes of real samples; or scales in a --plan";

PrecisionPlan plan_for(ModelEdit& model, const ExportSettings& s) {
    const auto wishes = parse_layer_precisions(s.layer_precisions);
    if (!s.plan.empty()) {
        PrecisionPlan plan = read_precision_plan(s.plan);
        plan.scales.insert(s.scales.begin(), s.scales.end());
        apply(wishes, plan);
        return plan;
    }
    const Precision p = precision_named(s.precision);
    if (p == Precision::int8 && s.scales.empty()) throw Error({.what = "INT8 needs the ranges of its activations", .fix = quantizable});
    return make_export_plan(model, p, s.scales, wishes);
}

void check_fallbacks(const PrecisionPlan& plan) {
    const auto fell = std::ranges::find_if(plan.layers, [](const LayerPlan& l) { return l.chosen != l.asked; });
    if (fell == plan.layers.end()) return;
    const auto count = std::ranges::count_if(plan.layers, [](const LayerPlan& l) { return l.chosen != l.asked; });
    throw Error({.what = fmt::format("{} of {} layers cannot be {}, first {} ({}): {}", count, plan.layers.size(), name_of(fell->asked), fell->layer, fell->op, fell->reason),
                 .fix = "ask for fp32 there by --layer-precisions, or allow the fallback"});
}

}  // namespace

ExportResult export_model(const std::filesystem::path& model, const ExportSettings& s) {
    ExportResult result;
    const ModelWrite write{.plan = [&](ModelEdit& edit) { return plan_for(edit, s); },
                           .output = [&](const PrecisionPlan& plan) {
                               if (!s.fallback) check_fallbacks(plan);
                               result.precision = name_of(plan.precision);
                               result.path = !s.output.empty() ? s.output : std::filesystem::path(fmt::format("{}_{}.onnx", model.stem().string(), result.precision));
                               return result.path;
                           },
                           .keep_io_types = s.keep_io_types,
                           .newest_opset = s.newest_opset > 0 ? s.newest_opset : newest_opset};
    const Written written = write_model(model, write);
    if (!s.written_plan.empty()) {
        OutputFile file(s.written_plan);
        file.write(to_json(written.plan));
        file.commit();
    }
    result.opset = written.opset;
    result.bytes = std::filesystem::file_size(result.path);
    for (const LayerPlan& l : written.plan.layers)
        result.layers.push_back({l.layer, l.op, std::string(name_of(l.asked)), std::string(name_of(l.chosen)), l.reason});
    return result;
}

}  // namespace tercet
