// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "precision/model_edit.h"
#include "precision/precision_plan.h"

namespace tercet {

/// A user's wish for layers whose label fits the pattern.
struct LayerPrecision {
    std::string pattern;
    Precision precision;
};

/// "head/*:fp32,*Softmax*:fp32": a pattern ends at its last colon. Error if it is written otherwise.
std::vector<LayerPrecision> parse_layer_precisions(std::string_view text);

/// The plan for a model in one precision: what the precision suits gets it, the others stay FP32, and the reason says why. INT8
/// suits matrix layers and residual sums whose activations have scales, FP16 layers whose constants it can hold. Later wishes
/// override earlier ones. Error if a wish's pattern fits no layer.
PrecisionPlan make_export_plan(ModelEdit& model, Precision precision, const Scales& scales, const std::vector<LayerPrecision>& wishes);

/// The wishes written into a plan that is there.
void apply(const std::vector<LayerPrecision>& wishes, PrecisionPlan& plan);

}  // namespace tercet
