// SPDX-License-Identifier: Apache-2.0
/// @file
/// Looking into files: an ONNX model, an engine, a TensorRT engine, a precision plan, a timing cache, a calibration cache.
#pragma once

#include "tercet/engine.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace [[gnu::visibility("default")]] tercet {

/// What a file is.
enum class FileKind { model, engine, precision_plan, timing_cache, calibration_cache, tensorrt_engine };

/// By the file's first bytes. A file that is nothing known counts as a model, and so does a folder: a model's reader says what it
/// seems to be. Error if it is missing or unreadable.
FileKind recognize(const std::filesystem::path& file);

/// An operator that a model uses.
struct OperatorUse {
    std::string name;
    std::string domain;       ///< empty: ONNX's own
    int count = 0;
    std::string unsupported;  ///< why; empty: it is supported
};

/// What an ONNX model holds.
struct ModelInfo {
    std::string name, producer;
    std::int64_t ir_version = 0, opset = 0;
    std::vector<TensorInfo> inputs, outputs;   ///< as declared; an unknown size is "?", an unknown type undefined
    std::int64_t parameters = 0;               ///< elements of the weights
    std::uint64_t parameter_bytes = 0;
    std::int64_t nodes = 0;                    ///< functions and subgraphs included, as they stand in the file
    std::vector<OperatorUse> operators;        ///< most frequent first
    std::string problem;                       ///< the first thing that stops a build, as it would be reported; empty: nothing
};

/// What a model holds, whether or not it can be built. Error if it is no ONNX model or is damaged.
ModelInfo inspect_model(const std::filesystem::path& file);

/// What a layer of the ONNX model got.
struct LayerInfo {
    std::string layer, op;      ///< the node's name and operator
    std::string asked, chosen;  ///< "int8", "fp32"
    std::string reason;         ///< why they differ, or why nothing is left of it; may be empty
};

/// What a precision plan says.
struct PrecisionPlanInfo {
    std::string model, precision;
    std::string calibrator;          ///< where its scales come from; empty: it has none
    std::int64_t scales = 0;         ///< how many
    std::vector<LayerInfo> layers;   ///< in the model's order
    std::string json;                ///< as `build` takes it again
};

/// Reads a plan, as `inspect --plan` writes an engine's. Error if it is none.
PrecisionPlanInfo inspect_precision_plan(const std::filesystem::path& file);

/// What an engine holds.
struct EngineInfo {
    std::string model, precision, isa;
    std::vector<TensorInfo> inputs, outputs;
    std::uint64_t bytes = 0;             ///< of the file
    std::uint64_t weight_bytes = 0;      ///< as packed
    std::uint64_t workspace_bytes = 0;   ///< for activations, at the profile's maximum
    std::int64_t slice = 0;              ///< samples of a batch that one thread takes at a time; 0: all threads share each step
    /// A symbolic size and its range.
    struct Symbol {
        std::string name;
        std::int64_t min = 0, opt = 0, max = 0;
    };
    std::vector<Symbol> profile;         ///< of the symbolic sizes
    /// One step; tactic, variant and shape are those at the optimum.
    struct Step : StepInfo {
        bool reference = false;          ///< runs by its reference implementation
        std::vector<std::string> other;  ///< choices at the minimum and maximum, where they differ: "at max: TACTIC (VARIANT)"
    };
    std::vector<Step> steps;
    int reference_steps = 0;
    PrecisionPlanInfo plan;              ///< what the model's layers became
};

/// What an engine holds and how each step runs. Needs no processor that could run the engine. Error if it is damaged or of another version.
EngineInfo inspect_engine(const std::filesystem::path& file);

/// What a TensorRT engine's file tells, and, where it can be opened, the engine.
struct TensorRtEngineInfo {
    bool rtx = false;                    ///< made by TensorRT for RTX, and for it alone
    std::string version;                 ///< of the TensorRT that built it, "10.13.0.35"; empty: the file does not tell
    std::uint64_t bytes = 0;             ///< of the file
    std::vector<TensorInfo> inputs, outputs;
    int profiles = 0;
    std::string problem;                 ///< why it cannot be opened here; empty: it could
};

/// What a TensorRT engine is. Opens it, if this Tercet was built with TensorRT; needs no GPU otherwise. Error if it is none.
TensorRtEngineInfo inspect_tensorrt_engine(const std::filesystem::path& file);

/// What a timing cache holds.
struct TimingCacheInfo {
    std::uint64_t bytes = 0;
    /// Timings that belong together.
    struct Group {
        std::string name;          ///< what the timings were taken on and for
        std::int64_t entries = 0;
    };
    std::vector<Group> groups;
    std::int64_t entries = 0;
};

/// What a timing cache holds, by machine. Error if the file is none.
TimingCacheInfo inspect_timing_cache(const std::filesystem::path& file);

}  // namespace tercet
