// SPDX-License-Identifier: Apache-2.0
#include "api/find_scales.h"

#include "passes/passes.h"
#include "precision/calibration_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace tercet {
namespace {

constexpr std::string_view corrected = ", biases corrected";

// What a cache lists: every f32 activation, those of 16 bits among them.
std::vector<std::string> activations(Graph g) {
    if (widen_halves(g) > 0) g.remove_dead();
    std::vector<std::string> names;
    for (ValueId v : g.inputs())
        if (g.value(v).type.dtype == DType::f32) names.push_back(g.value(v).name);
    for (NodeId id : g.order())
        for (ValueId v : g.node(id).outputs)
            if (v != ValueId::none && g.value(v).type.dtype == DType::f32) names.push_back(g.value(v).name);
    return names;
}

FoundScales from_cache(const Graph& read, const BuildSettings& settings) {
    FoundScales found{.scales = read_calibration_cache(settings.calibration_cache).scales, .calibrator = settings.calibration_cache.filename().string()};
    const auto tensors = activations(read);
    const CacheOverlap overlap = overlap_of(found.scales, tensors);
    at(settings.calibration_cache.string(), [&] { require_overlap(overlap); });
    if (!overlap.missing.empty())
        found.warnings.push_back(fmt::format("{} of the model's {} tensors have no scale in {}, first '{}'", overlap.missing.size(), tensors.size(), found.calibrator, overlap.missing[0]));
    return found;
}

FoundScales from_samples(const std::filesystem::path& model, const BuildSettings& settings) {
    FoundScales found;
    CalibrationSettings calibration = settings.calibration;
    calibration.warn = [&](const std::string& line) { found.warnings.push_back(line); };
    calibration.progress = settings.progress;
    if (calibration.threads == 0) calibration.threads = settings.threads;
    Calibration calibrated = calibrate(model, calibration);
    found.scales = std::move(calibrated.scales);
    if (settings.bias_correction) found.means = std::move(calibrated.means);
    found.calibrator = fmt::format("{}, {} samples{}", name_of(calibration.calibrator), calibrated.samples, found.means.empty() ? "" : corrected);
    return found;
}

}  // namespace

bool is_quantized(const Graph& g) {
    constexpr std::array<std::string_view, 4> ops{"DequantizeLinear", "QuantizeLinear", "QLinearConv", "QLinearMatMul"};
    return std::ranges::any_of(g.order(), [&](NodeId id) { return g.node(id).domain.empty() && std::ranges::find(ops, g.node(id).op) != ops.end(); });
}

FoundScales find_scales(const std::filesystem::path& model, const Graph& read, const BuildSettings& settings, const PrecisionPlan* plan) {
    if (plan && !plan->scales.empty()) {
        FoundScales found{.scales = plan->scales, .calibrator = plan->calibrator};
        if (found.calibrator.ends_with(corrected)) found.calibrator.resize(found.calibrator.size() - corrected.size());  // a plan holds no means
        return found;
    }
    if (!settings.calibration_cache.empty()) return from_cache(read, settings);
    if (!settings.calibration.data.empty()) return from_samples(model, settings);
    if (is_quantized(read)) return {};
    throw Error({.what = "INT8 needs the ranges of the model's activations",
                 .fix = "give samples by --calib-data DIR|FILE, or a cache by --calib-cache FILE, as `tercet calibrate` and TensorRT 8 write it"});
}

}  // namespace tercet
