// SPDX-License-Identifier: Apache-2.0
/// @file
/// TensorRT as a target: what of it is installed, how engines are built with it, and folders that are built from elsewhere.
#pragma once

#include "tercet/build.h"

#include <filesystem>
#include <string>
#include <vector>

namespace [[gnu::visibility("default")]] tercet {

/// What BuildSettings::target may be but for "cpu": trt8x, trt10x, trt11x, trtrtx.
std::vector<std::string> tensorrt_target_names();

/// A TensorRT module that a Python has.
struct TensorRtModule {
    std::string python;   ///< the interpreter
    std::string module;   ///< "tensorrt", "tensorrt_rtx"
    std::string version;  ///< "10.13.0.35"; empty if it cannot be imported
    std::string file;     ///< where it lies
    std::string problem;  ///< why it cannot be imported
    std::string target;   ///< what it builds for: "trt10x"; empty: nothing that Tercet knows
};

/// What was found, and where was looked.
struct TensorRtSearch {
    std::vector<TensorRtModule> modules;
    std::vector<std::string> pythons;     ///< the interpreters that were asked
    std::vector<std::string> problems;    ///< interpreters that could not be asked, and why
};

/// Looks in `python`, or, if that is empty, in what the environment variable TERCET_PYTHON names, the active virtual environment, and the
/// interpreters python3 and python of PATH. Imports each module in a process of its own. Error if `python` is given and cannot be run.
TensorRtSearch find_tensorrt(const std::string& python = {});

/// What write_tensorrt_job() wrote.
struct TensorRtJob {
    std::filesystem::path folder;
    std::vector<BuildResult> engines;     ///< what each precision's plan is; paths are those that the engines will have, bytes are 0
    std::string command;                  ///< builds the engines where TensorRT and its GPU are; in a container if an image is known
    std::vector<std::string> trtexec;     ///< for strongly typed targets: trtexec's command lines for the models in the folder
};

/// Writes everything that building takes into a folder: models, the calibration cache, plans, and a script that needs Python and TensorRT
/// alone. `settings.target` is a TensorRT; `settings.output` is not used. Nothing of TensorRT has to be installed here. A precision that
/// cannot be planned is in `engines` as "failed". Error if none can.
TensorRtJob write_tensorrt_job(const std::filesystem::path& model, const BuildSettings& settings, const std::vector<std::string>& precisions,
                               const std::filesystem::path& folder);

/// trtexec's command line (TensorRT 11) that builds an engine of a model with its precision written in; a dynamic batch is 1 / 16 / 32. Empty
/// if other sizes are open, whose ranges the user has to give.
std::string trtexec_command(const std::filesystem::path& model);

}  // namespace tercet
