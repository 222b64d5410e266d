// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "precision/model_edit.h"
#include "precision/precision_plan.h"
#include "tercet/precision.h"

namespace tercet {

/// The plan for a model in one precision: what the precision suits gets it, the others stay FP32, and the reason says why. INT8
/// suits matrix layers and residual sums whose activations have scales, FP16 layers whose constants it can hold. A layer with an INT8
/// form that cannot be in it gets `fallback`. Later wishes override earlier ones. Error if a wish's pattern fits no layer.
PrecisionPlan make_export_plan(ModelEdit& model, Precision precision, const Scales& scales, const LayerPrecisions& wishes, Precision fallback = Precision::fp32);

/// The wishes written into a plan that is there.
void apply(const LayerPrecisions& wishes, PrecisionPlan& plan);

}  // namespace tercet
