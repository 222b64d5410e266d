// SPDX-License-Identifier: Apache-2.0
/// @file
/// Export: an ONNX model with its precision written in, for runtimes that take the precision from the model.
#pragma once

#include "tercet/calibrate.h"
#include "tercet/precision.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace [[gnu::visibility("default")]] tercet {

/// What to write.
struct ExportSettings {
    std::string precision = "fp16";       ///< "fp16", "bf16" or "int8"; not read where there is a plan
    std::filesystem::path plan{};         ///< a PrecisionPlan in JSON to follow; empty: one is made
    Scales scales{};                      ///< of activations, for INT8; a plan's own come first
    CalibrationSettings calibration{};    ///< where INT8 is asked for and there are no scales: how to find them; its data may be empty
    LayerPrecisions layer_precisions{};   ///< of single layers
    std::filesystem::path output{};       ///< empty: MODEL_PRECISION.onnx in the current folder
    std::filesystem::path written_plan{}; ///< where to write the plan as it was followed; empty: nowhere
    bool keep_io_types = true;            ///< the model's inputs and outputs stay FP32
    std::string fallback_precision = "fp32"; ///< of layers that have an INT8 form and cannot be in it, for want of scales perhaps: fp32, fp16 or bf16
    bool fallback = true;                 ///< else a layer that cannot have the precision asked for it is an Error
    std::int64_t newest_opset = 0;        ///< that the reader of the result reads; 0: the newest that Tercet reads
};

/// What a layer became.
struct ExportedLayer {
    std::string layer, op;                ///< label of the ONNX node, and its operator
    std::string asked, chosen;            ///< names of precisions
    std::string reason;                   ///< why they differ; may be empty
};

/// What was written.
struct ExportResult {
    std::filesystem::path path;
    std::string precision;
    std::uint64_t bytes = 0;              ///< of the file; tensors in FILE.data beside it are not counted
    std::int64_t opset = 0;
    std::vector<ExportedLayer> layers;    ///< in the model's order
};

/// Writes the model with FP16 or BF16 values and casts between, or with QuantizeLinear and DequantizeLinear. The model's own
/// operator set, names and metadata stay; the operator set is raised where the precision needs it (INT8: 13, BF16 convolutions:
/// 22). Error if the model or the plan cannot be read, if INT8 has neither scales nor data to find them on, or if the precision
/// cannot be written.
ExportResult export_model(const std::filesystem::path& model, const ExportSettings& settings);

}  // namespace tercet
