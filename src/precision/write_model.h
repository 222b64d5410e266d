// SPDX-License-Identifier: Apache-2.0
// A model with its precision written in: the file that was read, edited. Its operator set, names and metadata stay, and so does
// whatever this program does not know.
#pragma once

#include "ops/op.h"
#include "precision/export_plan.h"

#include <filesystem>
#include <functional>

namespace tercet {

/// A plan for a model, and the tensors that each of its layers computes, in the plan's order.
struct PlannedModel {
    PrecisionPlan plan;
    std::vector<std::vector<std::string>> outputs;
};

/// What write_model() would follow, without writing anything. Error, with the model in front, if it cannot be read or planned.
PlannedModel plan_model(const std::filesystem::path& model, const std::function<PrecisionPlan(ModelEdit&)>& plan, std::int64_t newest_opset = tercet::newest_opset);

struct ModelWrite {
    /// Makes the plan, from the model as read; what it asks for and cannot be had becomes FP32, with the reason.
    std::function<PrecisionPlan(ModelEdit&)> plan;
    /// Where to write, when it is known what.
    std::function<std::filesystem::path(const PrecisionPlan&)> output;
    bool keep_io_types = true;                         // the model's inputs and outputs stay FP32
    std::int64_t newest_opset = tercet::newest_opset;  // that the reader of the result reads
    onnx::WriteSettings write{};
};

struct Written {
    PrecisionPlan plan;      // as written
    std::int64_t opset = 0;  // of the result
};

/// Error, with the model in front, if it cannot be read or written so.
Written write_model(const std::filesystem::path& model, const ModelWrite& settings);

}  // namespace tercet
