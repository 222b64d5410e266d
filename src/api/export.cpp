// SPDX-License-Identifier: Apache-2.0
#include "tercet/export.h"

#include "precision/write_model.h"
#include "system/output_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace tercet {
namespace {

constexpr const char* ways_to_scales = "give samples by --calib-data DIR|FILE, a cache by --calib-cache FILE, as `tercet calibrate` and TensorRT 8 write it, or a --plan with scales";

bool wants_bytes(const LayerPrecisions& wishes) {
    return std::ranges::any_of(wishes, [](const auto& w) { return w.second == name_of(Precision::int8); });
}

// Scales, and how a plan names where they come from.
std::pair<Scales, std::string> calibrated(const std::filesystem::path& model, const CalibrationSettings& settings) {
    Calibration found = calibrate(model, settings);
    return {std::move(found.scales), fmt::format("{}, {} samples", name_of(settings.calibrator), found.samples)};
}

PrecisionPlan plan_for(const std::filesystem::path& file, ModelEdit& model, const ExportSettings& s) {
    if (!s.plan.empty()) {
        PrecisionPlan plan = read_precision_plan(s.plan);
        plan.scales.insert(s.scales.begin(), s.scales.end());
        const bool in_bytes = plan.precision == Precision::int8 || wants_bytes(s.layer_precisions) || std::ranges::count(plan.layers, Precision::int8, &LayerPlan::chosen) > 0;
        if (in_bytes && plan.scales.empty() && !s.calibration.data.empty()) std::tie(plan.scales, plan.calibrator) = calibrated(file, s.calibration);
        apply(s.layer_precisions, plan);
        return plan;
    }
    const Precision p = precision_named(s.precision);
    Scales scales = s.scales;
    std::string calibrator;
    if (scales.empty() && (p == Precision::int8 || wants_bytes(s.layer_precisions))) {
        if (s.calibration.data.empty()) throw Error({.what = "INT8 needs the ranges of the model's activations", .fix = ways_to_scales});
        std::tie(scales, calibrator) = calibrated(file, s.calibration);
    }
    PrecisionPlan plan = make_export_plan(model, p, scales, s.layer_precisions, fallback_named(s.fallback_precision));
    plan.calibrator = calibrator;
    return plan;
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
    const ModelWrite write{.plan = [&](ModelEdit& edit) { return plan_for(model, edit, s); },
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
