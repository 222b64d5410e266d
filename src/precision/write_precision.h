// SPDX-License-Identifier: Apache-2.0
// A plan's precisions become nodes of the model: Q/DQ pairs, Cast nodes, converted constants.
#pragma once

#include "precision/model_edit.h"
#include "precision/precision_plan.h"

namespace tercet {

/// The label under which a plan knows a node; its entry, else that of the node that it stands in or came from ("a" of "a/b"),
/// else the plan's own precision.
Precision precision_of(const PrecisionPlan&, const onnx::TreeNode&);

/// Makes the plan say what can be written: one layer per node of the model's graph that is no constant, `chosen` lowered to FP32,
/// with the reason, where the model, the scales or the newest operator set allowed do not permit more. Returns the operator set
/// that writing takes, which is the model's own where that suffices. Error if the plan names a layer that the model lacks.
std::int64_t settle(PrecisionPlan&, ModelEdit&, std::int64_t newest);

/// Q/DQ pairs on what INT8 layers read: activations per tensor by the plan's scales, constants per channel by their own.
void write_quantized(ModelEdit&, const PrecisionPlan&);

/// FP16 and BF16: constants converted, Cast nodes where a value is read in another precision than it is computed in. Inputs and
/// outputs of the model stay FP32 if `keep_io_types`. Error if a layer's constant is too large for FP16.
void write_floats(ModelEdit&, const PrecisionPlan&, bool keep_io_types);

}  // namespace tercet
