// SPDX-License-Identifier: Apache-2.0
// A model with its precision written in: the file that was read, edited. Its operator set, names and metadata stay, and so does
// whatever this program does not know.
#pragma once

#include "ops/op.h"
#include "precision/export_plan.h"

#include <filesystem>
#include <functional>

namespace tercet {

struct ExportSettings {
    /// Makes the plan, from the model as read; what it asks for and cannot be had becomes FP32, with the reason.
    std::function<PrecisionPlan(ModelEdit&)> plan;
    bool keep_io_types = true;                       // the model's inputs and outputs stay FP32
    std::int64_t newest_opset = tercet::newest_opset;  // that the reader of the result reads
    onnx::WriteSettings write{};
};

struct Exported {
    PrecisionPlan plan;      // as written
    std::int64_t opset = 0;  // of the result
};

/// Error, with the model in front, if it cannot be read or written so.
Exported export_model(const std::filesystem::path& model, const std::filesystem::path& output, const ExportSettings& settings);

}  // namespace tercet
