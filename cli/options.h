// SPDX-License-Identifier: Apache-2.0
// Values of options as users write them, options that verbs share, and what the environment asks for. Throws
// CLI::ValidationError (wrong usage) for what cannot be read.
#pragma once

#include "tercet/build.h"
#include "tercet/calibrate.h"
#include "tercet/engine.h"

#include <CLI/CLI.hpp>

#include <charconv>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tercet::cli {

/// A file by place or by trtexec's name for it: `tercet build MODEL.onnx` or `tercet build --onnx=MODEL.onnx`.
void add_file(CLI::App& verb, std::filesystem::path& file, const std::string& name, const std::string& alias, const std::string& what);
/// To be called first in a verb's callback. Throws CLI::RequiredError if neither was given.
void require_file(const std::filesystem::path& file, const std::string& name);

/// The validator without what it adds to an option's line in the help; that is its name then, by which completions know it.
CLI::Validator quiet(CLI::Validator validator);

/// Whether all of `text` is a number, which is then in `number`.
template <class T>
bool parse_number(std::string_view text, T& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size();
}

/// "image:1x3x224x224,mask:1x16": a name ends at its last colon. A shape without a name is the model's only input's; its
/// name comes out empty.
Shapes parse_shapes(const std::string& option, const std::string& text);

/// "1GiB", "512MiB", "1g", "1.5G", "1000000": binary units, bytes without one; KB, MB and GB are powers of 1000.
std::uint64_t parse_bytes(const std::string& option, const std::string& text);

/// trtexec's "workspace:1024": MiB unless a unit stands there; other pools are refused.
std::uint64_t parse_pools(const std::string& option, const std::string& text);

/// "name=FILE" each.
std::map<std::string, std::filesystem::path> parse_files(const std::string& option, const std::vector<std::string>& texts);

/// --layer-precisions, and the same by trtexec's name, into `precisions`, which outlives the verb.
void add_layer_precisions(CLI::App& verb, LayerPrecisions& precisions, const std::string& group = "Options");

/// --fallback-precision, into `precision`, which outlives the verb.
void add_fallback_precision(CLI::App& verb, std::string& precision, const std::string& group = "Options");

/// TERCET_MAX_ISA; empty if it is not set, or is no less than the machine has.
std::string isa_cap();

/// isa_cap(), or what the machine has.
std::string usable_isa();

/// Whether ISA level a is above b; both are levels' names.
bool is_above(const std::string& a, const std::string& b);

}  // namespace tercet::cli
