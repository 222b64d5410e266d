// SPDX-License-Identifier: Apache-2.0
// PrecisionPlan: for every layer of the model as read the type asked for, the type chosen, and why; and the scales of its
// tensors. JSON that people read and edit; what build, export and the TensorRT targets follow.
#pragma once

#include "tercet/calibrate.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace tercet {

enum class Precision { fp32, fp16, bf16, int8 };
std::string_view name_of(Precision);
Precision precision_named(std::string_view name);  // Error that lists the names if there is none
Precision fallback_named(std::string_view name);   // the same of what can stand in for INT8

struct LayerPlan {
    std::string layer;                 // label of the ONNX node: its name, else its first output's
    std::string op;                    // its operator
    Precision asked = Precision::fp32;
    Precision chosen = Precision::fp32;
    std::string reason{};              // why chosen differs from asked, or why it was asked; may be empty
    friend bool operator==(const LayerPlan&, const LayerPlan&) = default;
};

struct PrecisionPlan {
    std::string model;
    Precision precision = Precision::fp32;
    std::string calibrator{};          // where the scales come from: "entropy, 512 samples", "calibration.cache"; empty: none
    Scales scales{};                   // of activations, by tensor
    std::vector<LayerPlan> layers{};   // in the model's order

    const LayerPlan* find(std::string_view layer) const;  // null if there is none
    friend bool operator==(const PrecisionPlan&, const PrecisionPlan&) = default;
};

/// {"model": ..., "precision": "int8", "layers": [{"layer", "op", "asked", "chosen", "reason"}...], "scales": {...}}
std::string to_json(const PrecisionPlan& plan);
/// Error that names what is wrong and where.
PrecisionPlan parse_precision_plan(std::string_view json);
/// The same from a file, which its Errors name.
PrecisionPlan read_precision_plan(const std::filesystem::path& file);

/// Whether `name` fits a pattern in which * stands for any characters, ? for one.
bool fits_pattern(std::string_view pattern, std::string_view name);

}  // namespace tercet
