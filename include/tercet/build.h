// SPDX-License-Identifier: Apache-2.0
/// @file
/// Building an engine file from an ONNX model.
#pragma once

#include "tercet/calibrate.h"
#include "tercet/error.h"
#include "tercet/precision.h"
#include "tercet/progress.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace [[gnu::visibility("default")]] tercet {

/// How much a build measures.
enum class Tune {
    none,  ///< choose by estimated cost, time nothing
    fast,  ///< time the candidates, dropping losers early
    full,  ///< time all candidates at length
};

using Shapes = std::map<std::string, std::vector<std::int64_t>>;  ///< by the input's name

/// How TensorRT is used, by builds whose target it is.
struct TensorRtSettings {
    std::string python;                           ///< the interpreter that has TensorRT; empty: looked for (find_tensorrt)
    std::vector<std::string> compute_capabilities;  ///< for TensorRT-RTX: "8.6", "current"; empty: what it builds for by itself
    bool verbose = false;                         ///< its messages for developers, too
    /// TensorRT's messages as they come, with their severities: F, E, W, I or V (fatal, error, warning, information, verbose).
    std::function<void(char severity, const std::string& text)> message;
};

/// How build() builds. The defaults suit a model without dynamic inputs, or with a dynamic batch, on this machine.
struct BuildSettings {
    std::filesystem::path output;               ///< empty: MODEL_cpu_fp32.engine, MODEL_trt10x_fp32.trt, ... in the current folder
    std::string target = "cpu";                 ///< cpu, trt8x, trt10x, trt11x or trtrtx
    TensorRtSettings tensorrt;                  ///< for those
    std::string precision = "fp32";             ///< fp32, fp16, bf16 or int8
    CalibrationSettings calibration;            ///< for int8, unless there is a cache or a plan, or the model is quantized already
    std::filesystem::path calibration_cache;    ///< for int8: scales from this file; tensors that it lacks stay in fp32
    LayerPrecisions layer_precisions;           ///< of single layers
    std::filesystem::path plan;                 ///< a precision plan (JSON) to follow; empty: make one
    bool bias_correction = true;                ///< for int8: biases take up what rounding the weights shifts
    std::string fallback_precision = "fp32";    ///< of layers that are asked to be int8 and cannot be: fp32, fp16 or bf16
    bool fallback = true;                       ///< false: a layer that cannot have the precision asked for is an error
    Shapes min_shapes, opt_shapes, max_shapes;  ///< for dynamic inputs; a dynamic first dimension is 1 / 16 / 32 unless given
    std::uint64_t workspace_bytes = std::uint64_t{1} << 30;  ///< for activations and kernels' scratch, at the largest shapes
    Tune tune = Tune::fast;
    std::filesystem::path timing_cache;         ///< read and extended; empty: none
    std::string isa;                            ///< level to build for; empty: the processor's
    int threads = 0;                            ///< that tuning assumes; 0: all
    bool strict = false;                        ///< no tactic that changes the arithmetic
    std::vector<std::string> disabled_passes;   ///< by name; "all" for every optional one
    int stop_after = -1;                        ///< stop rewriting after so many rewrites in all, to find one at fault
    std::map<std::string, std::filesystem::path> fixed_inputs;  ///< NPY or PB files: these inputs become constants
    std::function<void(const Progress&)> progress;              ///< called from the calling thread
    std::function<void(const std::string&)> log;                ///< what a pass did, what a tuning found; one line each
};

/// A layer that did not get the precision asked for.
struct Fallback {
    std::string layer, op;             ///< the node's name and operator in the ONNX model
    std::string asked, chosen;         ///< "int8", "fp32"
    std::string reason;
};

/// What build() wrote.
struct BuildResult {
    std::string precision, target;
    std::string version;     ///< of the TensorRT that built it: "TensorRT 10.13.0.35"; empty for the CPU
    std::filesystem::path path;
    std::string status;      ///< "ok"; from build_all(), also "failed"
    std::uint64_t bytes = 0;
    double build_ms = 0;
    std::string reason;      ///< why not, if the status says so
    int steps = 0;           ///< of engines for the CPU, as what follows
    int reference_steps = 0; ///< that run by their reference implementation
    std::uint64_t workspace_bytes = 0;
    std::map<std::string, int> layers;   ///< how many layers of the ONNX model run in each precision
    std::vector<Fallback> fallbacks;     ///< the worst first
    std::vector<std::string> warnings;   ///< of calibration and of values that the precision cannot hold, one line each
};

/// Builds an engine and writes its file. Error if the model cannot be read or built; then no file is left. For a TensorRT, what is about
/// the CPU (tuning, ISA levels, threads but for calibration, passes) is not read; tercet/tensorrt.h has more of it.
BuildResult build(const std::filesystem::path& model, const BuildSettings& settings = {});

/// Builds an engine for each of the precisions, in their order, as build() would: MODEL_TARGET_PRECISION.engine (or .trt) in the folder
/// `settings.output`, which is made if it is not there (empty: the current one). One that fails stops no other: its status is
/// "failed", its path empty, and `reason` says why. Error if there is no such model, if the folder cannot be made, or if all fail for the same reason.
std::vector<BuildResult> build_all(const std::filesystem::path& model, const BuildSettings& settings,
                                   const std::vector<std::string>& precisions = {"fp32", "fp16", "int8"});

/// The graph as text, before or after the passes: what `inspect MODEL.onnx` prints.
std::string model_text(const std::filesystem::path& model, bool optimized, const BuildSettings& settings = {});

}  // namespace tercet
