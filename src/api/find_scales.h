// SPDX-License-Identifier: Apache-2.0
// Where an INT8 build has the scales of its activations from: a plan, a calibration cache, samples, or the model itself.
#pragma once

#include "graph/graph.h"
#include "precision/precision_plan.h"
#include "precision/set_precision.h"
#include "tercet/build.h"

namespace tercet {

struct FoundScales {
    Scales scales{};                      // empty: the model is quantized already
    ChannelMeansByTensor means{};         // where samples were seen, for the correction of biases
    std::string calibrator{};             // "entropy, 512 samples", "calibration.cache"
    std::vector<std::string> warnings{};  // one line each
};

/// `read`: the model as read. `plan`: what the user gave, or null. Error, which says the ways out, if there is nothing to have them from.
FoundScales find_scales(const std::filesystem::path& model, const Graph& read, const BuildSettings& settings, const PrecisionPlan* plan);

/// Whether the model holds Q/DQ or quantized operators.
bool is_quantized(const Graph& read);

}  // namespace tercet
