// SPDX-License-Identifier: Apache-2.0
// How engines are built, as users say it: options of every verb that builds.
#pragma once

#include "tercet/build.h"

#include <CLI/CLI.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace tercet::cli {

/// Settings, and the texts that become settings once the model is known.
struct BuildOptions {
    BuildSettings settings;
    std::string min_shapes, opt_shapes, max_shapes, workspace, pools;
    std::vector<std::string> fixed;
};

/// Shapes, memory, tuning, and what makes a precision. `options` outlives the verb.
void add_build_options(CLI::App& verb, BuildOptions& options);

/// --target, and what is about TensorRT alone.
void add_tensorrt_options(CLI::App& verb, BuildOptions& options);

/// The settings, complete but for precision and output.
BuildSettings build_settings(const BuildOptions& options, const std::filesystem::path& model);

}  // namespace tercet::cli
