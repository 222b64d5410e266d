// SPDX-License-Identifier: Apache-2.0
// What the worker script is asked, and what it answers: two JSON files (docs/tensorrt.md).
#pragma once

#include "precision/precision_plan.h"
#include "tensorrt/target.h"

#include <array>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace tercet {

/// A layer of the plan as the worker needs it.
struct JobLayer {
    std::string layer;
    std::vector<std::string> outputs;  // tensors of the ONNX node
    Precision chosen = Precision::fp32;
    bool fixed = false;                // where typing is weak: TensorRT may choose no other
};

/// By input: shapes at least, best and most.
using ProfileShapes = std::map<std::string, std::array<std::vector<std::int64_t>, 3>>;

struct TensorRtJobFile {
    const TensorRtTarget* target = nullptr;
    Precision precision = Precision::fp32;
    std::filesystem::path model, engine, result;  // as the worker finds them from the job's folder
    std::filesystem::path cache{}, timing_cache{};
    std::uint64_t workspace_bytes = 0;
    ProfileShapes profiles{};
    std::vector<JobLayer> layers{};
    std::vector<std::string> compute_capabilities{};
    std::string subnormal_note{};  // what to say when TensorRT warns of subnormal FP16 values
    bool obey = false;             // fixed layers: fail rather than choose another precision
    bool verbose = false;
};

std::string to_json(const TensorRtJobFile& job);

/// The engine that a job's JSON names; empty if it is none.
std::string engine_of_job(std::string_view json);

struct TensorRtResult {
    bool ok = false;
    std::string error{};
    std::vector<std::string> nodes{};            // ONNX nodes that the error is about
    std::string version{};
    std::uint64_t bytes = 0;
    std::map<std::string, Precision> layers{};   // what ONNX nodes run in, as far as is known
    bool from_engine = false;                    // told by the engine; else by the network that it was built of
    int silent_layers = 0;                       // of the engine, that do not tell what they run in
    std::vector<std::string> without_scale{};    // tensors
    int scales_added = 0;
};

/// Error if it is no result.
TensorRtResult parse_tensorrt_result(std::string_view json);

/// A word as a shell reads it back.
std::string in_shell(const std::string& word);

/// The command line of trtexec, or of the tool that TensorRT-RTX has in its place, for the same engine.
std::string trtexec_command(const TensorRtJobFile& job);

/// Runs the worker on a job file and reads its result. `message` is given TensorRT's lines with their severities: F, E, W, I, V. A worker
/// that crashes or is killed gives a result that is not ok, with its last lines. Nothing but a whole engine is left.
TensorRtResult run_worker(const std::string& python, const std::filesystem::path& job, const std::filesystem::path& engine, const std::filesystem::path& result,
                          const std::function<void(char severity, const std::string& text)>& message);

}  // namespace tercet
