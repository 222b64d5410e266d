// SPDX-License-Identifier: Apache-2.0
#include "api/build_precision.h"

#include "ops/op.h"
#include "precision/calibration_cache.h"
#include "system/mapped_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace tercet {
namespace {

constexpr std::string_view corrected = ", biases corrected";

PrecisionPlan read_plan(const std::filesystem::path& file) {
    const FileBytes content = map_file(file);
    return at(file.string(), [&] { return parse_precision_plan({reinterpret_cast<const char*>(content.bytes.data()), content.bytes.size()}); });
}

bool is_quantized(const Graph& g) {
    constexpr std::array<std::string_view, 4> ops{"DequantizeLinear", "QuantizeLinear", "QLinearConv", "QLinearMatMul"};
    return std::ranges::any_of(g.order(), [&](NodeId id) { return g.node(id).domain.empty() && std::ranges::find(ops, g.node(id).op) != ops.end(); });
}

// What a cache lists: every f32 activation.
std::vector<std::string> activations(const Graph& g) {
    std::vector<std::string> names;
    for (ValueId v : g.inputs())
        if (g.value(v).type.dtype == DType::f32) names.push_back(g.value(v).name);
    for (NodeId id : g.order())
        for (ValueId v : g.node(id).outputs)
            if (v != ValueId::none && g.value(v).type.dtype == DType::f32) names.push_back(g.value(v).name);
    return names;
}

}  // namespace

BuildPrecision::BuildPrecision(const std::filesystem::path& model_file, const Graph& read, const BuildSettings& settings)
    : read_(read), settings_(settings), precision_(precision_named(settings.precision)) {
    for (const auto& [pattern, name] : settings.layer_precisions) {
        wishes_.emplace_back(pattern, precision_named(name));
        if (std::ranges::none_of(read.order(), [&](NodeId id) { return fits_pattern(pattern, read.label(id)); }))
            throw Error({.what = fmt::format("no layer of the model fits '{}'", pattern), .where = "--layer-precisions", .fix = fmt::format("`tercet inspect {}` lists them", model_file.string())});
    }
    if (!settings.plan.empty()) {
        given_ = read_plan(settings.plan);
        for (const LayerPlan& l : given_->layers)
            if (std::ranges::none_of(read.order(), [&](NodeId id) { return read.label(id) == l.layer; }))
                throw Error({.what = fmt::format("the model has no layer '{}'", l.layer), .where = settings.plan.string(), .fix = "give the plan of this model"});
    }
    const bool wants_bytes = std::ranges::any_of(read.order(), [&](NodeId id) { return asked(read.label(id)) == Precision::int8; });
    if (wants_bytes) find_scales(model_file);
}

Precision BuildPrecision::asked(const std::string& layer) const {
    for (auto wish = wishes_.rbegin(); wish != wishes_.rend(); ++wish)
        if (fits_pattern(wish->first, layer)) return wish->second;
    const LayerPlan* planned = given_ ? given_->find(layer) : nullptr;
    return planned ? planned->chosen : precision_;
}

void BuildPrecision::find_scales(const std::filesystem::path& model_file) {
    if (given_ && !given_->scales.empty()) {
        scales_ = given_->scales;
        calibrator_ = given_->calibrator;
        if (calibrator_.ends_with(corrected)) calibrator_.resize(calibrator_.size() - corrected.size());  // a plan holds no means
    } else if (!settings_.calibration_cache.empty()) {
        scales_ = read_calibration_cache(settings_.calibration_cache).scales;
        calibrator_ = settings_.calibration_cache.filename().string();
        const auto tensors = activations(read_);
        const CacheOverlap overlap = overlap_of(scales_, tensors);
        at(settings_.calibration_cache.string(), [&] { require_overlap(overlap); });
        if (!overlap.missing.empty())
            warnings_.push_back(fmt::format("{} of the model's {} tensors have no scale in {}, first '{}'", overlap.missing.size(), tensors.size(), calibrator_, overlap.missing[0]));
    } else if (!settings_.calibration.data.empty()) {
        CalibrationSettings calibration = settings_.calibration;
        calibration.warn = [&](const std::string& line) { warnings_.push_back(line); };
        calibration.progress = settings_.progress;
        if (calibration.threads == 0) calibration.threads = settings_.threads;
        const Calibration found = calibrate(model_file, calibration);
        scales_ = found.scales;
        if (settings_.bias_correction) means_ = found.means;
        calibrator_ = fmt::format("{}, {} samples{}", name_of(calibration.calibrator), found.samples, means_.empty() ? "" : corrected);
    } else if (!is_quantized(read_)) {
        throw Error({.what = "INT8 needs the ranges of the model's activations",
                     .fix = "give samples by --calib-data DIR|FILE, or a cache by --calib-cache FILE, as `tercet calibrate` and TensorRT 8 write it"});
    }
}

int BuildPrecision::set(Graph& fused) {
    const auto asks = [this](const std::string& layer) { return asked(layer); };
    int made = set_int8(fused, asks, scales_, refusals_, means_);
    return made + set_half(fused, asks, refusals_, narrow_);
}

PrecisionPlan BuildPrecision::plan(const Graph& made, BuildResult& result) const {
    const auto asks = [this](const std::string& layer) { return asked(layer); };
    PrecisionPlan plan{.model = read_.name, .precision = precision_, .calibrator = calibrator_, .scales = scales_, .layers = layers_of_precisions(read_, made, asks, refusals_)};
    for (const LayerPlan& l : plan.layers) {
        ++result.layers[std::string(name_of(l.chosen))];
        if (l.chosen != l.asked && refusals_.contains(l.layer))
            result.fallbacks.push_back({l.layer, l.op, std::string(name_of(l.asked)), std::string(name_of(l.chosen)), l.reason});
    }
    result.warnings = warnings_;
    const auto sum_and_worst = [&](std::int64_t NarrowWeights::*count) {
        std::int64_t sum = 0;
        for (const NarrowWeights& w : narrow_) sum += w.*count;
        return std::pair{sum, sum > 0 ? std::ranges::max_element(narrow_, {}, count)->tensor : ""};
    };
    if (const auto [sum, worst] = sum_and_worst(&NarrowWeights::overflowing); sum > 0)
        result.warnings.push_back(fmt::format("{} weights are too great for 16 bits: their layers stay in fp32 (most in '{}')", sum, worst));
    if (const auto [sum, worst] = sum_and_worst(&NarrowWeights::subnormal); sum > 0)
        result.warnings.push_back(fmt::format("{} weights are below the least normal number in 16 bits and keep fewer digits, which rarely matters (most in '{}')", sum, worst));
    if (!settings_.fallback && !result.fallbacks.empty()) {
        const Fallback& f = result.fallbacks[0];
        throw Error({.what = fmt::format("{} layers cannot be {}, first {} ({}): {}", result.fallbacks.size(), f.asked, f.layer, f.op, f.reason),
                     .fix = "ask for fp32 there by --layer-precisions, or leave out --no-fallback"});
    }
    return plan;
}

}  // namespace tercet
