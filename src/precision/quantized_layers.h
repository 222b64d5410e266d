// SPDX-License-Identifier: Apache-2.0
// Which layers of a model INT8 is written into, and which of their inputs.
#pragma once

#include "precision/model_edit.h"
#include "precision/precision_plan.h"

namespace tercet {

/// Conv, ConvTranspose, MatMul and Gemm, whose activations and weights are quantized.
bool is_matrix_layer(const onnx::TreeNode&);

/// Whether INT8 says anything of a layer: of a matrix layer, and of a sum with an INT8 convolution. What lies between them follows.
bool has_int8_form(ModelEdit&, const PrecisionPlan&, std::size_t node);

/// Whether the value comes out of a DequantizeLinear, so that it has its scale already.
bool is_dequantized(ModelEdit&, const std::string& value);

/// Why a layer with an INT8 form cannot be written in it; empty if it can.
std::string why_not_int8(ModelEdit&, const PrecisionPlan&, std::size_t node);

/// Inputs of a layer, for which why_not_int8 is empty, that INT8 is written on: both of a matrix layer; of an Add whose one operand
/// comes from an INT8 convolution the other operand, which runtimes add inside of the convolution.
std::vector<std::size_t> quantized_inputs(ModelEdit&, const PrecisionPlan&, std::size_t node);

/// The axis of output channels of a constant that a layer reads as input k; empty if one scale has to do for all.
std::optional<int> channel_axis(ModelEdit&, std::size_t node, std::size_t k);

}  // namespace tercet
