// SPDX-License-Identifier: Apache-2.0
#include "api/build_precision.h"

#include "ops/op.h"

#include <fmt/format.h>

#include <algorithm>

namespace tercet {

BuildPrecision::BuildPrecision(const std::filesystem::path& model_file, const Graph& read, const BuildSettings& settings)
    : read_(read), settings_(settings), precision_(precision_named(settings.precision)), fallback_(fallback_named(settings.fallback_precision)) {
    for (const auto& [pattern, name] : settings.layer_precisions) {
        wishes_.emplace_back(pattern, precision_named(name));
        if (std::ranges::none_of(read.order(), [&](NodeId id) { return fits_pattern(pattern, read.label(id)); }))
            throw Error({.what = fmt::format("no layer of the model fits '{}'", pattern), .where = "--layer-precisions", .fix = fmt::format("`tercet inspect {}` lists them", model_file.string())});
    }
    if (!settings.plan.empty()) {
        given_ = read_precision_plan(settings.plan);
        for (const LayerPlan& l : given_->layers)
            if (std::ranges::none_of(read.order(), [&](NodeId id) { return read.label(id) == l.layer; }))
                throw Error({.what = fmt::format("the model has no layer '{}'", l.layer), .where = settings.plan.string(), .fix = "give the plan of this model"});
    }
    const bool wants_bytes = std::ranges::any_of(read.order(), [&](NodeId id) { return asked(read.label(id)) == Precision::int8; });
    if (wants_bytes) scales_ = find_scales(model_file, read, settings, given_ ? &*given_ : nullptr);
}

Precision BuildPrecision::asked(const std::string& layer) const {
    for (auto wish = wishes_.rbegin(); wish != wishes_.rend(); ++wish)
        if (fits_pattern(wish->first, layer)) return wish->second;
    const LayerPlan* planned = given_ ? given_->find(layer) : nullptr;
    return planned ? planned->chosen : precision_;
}

int BuildPrecision::set(Graph& fused, const Isa& isa) {
    const auto asks = [this](const std::string& layer) { return asked(layer); };
    // By now, the weights of what is int8 are in bytes: set_half finds the others.
    const auto asks_else = [this](const std::string& layer) { return asked(layer) == Precision::int8 ? fallback_ : asked(layer); };
    const int made = set_int8(fused, asks, scales_.scales, refusals_, scales_.means);
    return made + set_half(fused, asks_else, isa.has(Isa::Level::avx2) ? half_layers(read_) : HalfLayers{}, refusals_, narrow_);
}

PrecisionPlan BuildPrecision::plan(const Graph& made, BuildResult& result) const {
    const auto asks = [this](const std::string& layer) { return asked(layer); };
    PrecisionPlan plan{.model = read_.name, .precision = precision_, .calibrator = scales_.calibrator, .scales = scales_.scales, .layers = layers_of_precisions(read_, made, asks, refusals_)};
    for (const LayerPlan& l : plan.layers) {
        ++result.layers[std::string(name_of(l.chosen))];
        if (l.chosen != l.asked && refusals_.contains(l.layer))
            result.fallbacks.push_back({l.layer, l.op, std::string(name_of(l.asked)), std::string(name_of(l.chosen)), l.reason});
    }
    result.warnings = scales_.warnings;
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
