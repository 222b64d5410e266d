// SPDX-License-Identifier: Apache-2.0
// How engines are built, as users say it: options of every verb that builds.
#pragma once

#include "tercet/build.h"

#include <CLI/CLI.hpp>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace tercet::cli {

/// Settings, and the texts that become settings once the model is known.
struct BuildOptions {
    BuildSettings settings;
    std::string min_shapes, opt_shapes, max_shapes, workspace, pools, layer_precisions, trtexec_layer_precisions;
    std::vector<std::string> fixed;
};

/// Shapes, memory, tuning, and what makes a precision. `options` outlives the verb.
void add_build_options(CLI::App& verb, BuildOptions& options);

/// --target, and what is about TensorRT alone.
void add_tensorrt_options(CLI::App& verb, BuildOptions& options);

/// The settings, complete but for precision and output.
BuildSettings build_settings(const BuildOptions& options, const std::filesystem::path& model);

/// "head/*:fp32,conv1:fp16": a pattern ends at its last colon.
std::vector<std::pair<std::string, std::string>> parse_layer_precisions(const std::string& option, const std::string& text);

}  // namespace tercet::cli
