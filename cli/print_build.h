// SPDX-License-Identifier: Apache-2.0
// What a build made, for people and programs.
#pragma once

#include "cli/print.h"
#include "tercet/tensorrt.h"

#include <string>
#include <vector>

namespace tercet::cli {

Json json_of(const BuildResult& result);

/// "int8 20, fp32 3": most first. "-" if nothing is known.
std::string text_of_layers(const std::map<std::string, int>& layers);

/// "48.1 %" of `whole`; "-" if that is 0.
std::string text_of_share(std::uint64_t part, std::uint64_t whole);

/// Where a precision was not what was asked for, the worst cases first, and what there is to know about the build.
void print_notes(const BuildResult& result);

/// One engine.
void print_summary(const BuildResult& result);

/// Several: a table, then the notes of each, then those that all have.
void print_summary(std::vector<BuildResult> results);

Json json_of(const TensorRtJob& job);

/// A folder that is to be built elsewhere: its engines, and what to type.
void print_summary(const TensorRtJob& job);

}  // namespace tercet::cli
