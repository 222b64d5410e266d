// SPDX-License-Identifier: Apache-2.0
// What the definitions of verbs and options say, as the manual page and the completions of shells are made of it.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace tercet::cli {

/// An option or, without names, what stands by itself: the MODEL.onnx of `tercet build MODEL.onnx`.
struct Parameter {
    std::vector<std::string> names;   // "-o", "--output"
    std::string value;                // "FILE"; of an option without, empty
    std::string text, group;
    std::vector<std::string> choices; // all that the value can be; empty: anything else, too
    bool required = false;
    bool repeated = false;            // may be given more than once
    bool list = false;                // values may follow each other, with commas between

    bool is_flag() const { return value.empty(); }
};

/// What a shell completes a value by, if it has no choices.
enum class Completion { none, file, folder, named_file };
Completion completion_of(const Parameter& parameter);
/// "*.onnx" of MODEL.onnx; empty if every file will do.
std::string pattern_of(const Parameter& parameter);

struct Verb {
    std::string name, text, footer;   // the program itself has no name
    std::vector<Parameter> options, places;
};

/// The program first, then its verbs in their order. What no help shows is left out.
std::vector<Verb> definitions_of(CLI::App& app);

/// 'text', as shells take it for one word.
std::string in_quotes(const std::string& text);

std::string manual(const std::vector<Verb>& definitions);
std::string bash_completion(const std::vector<Verb>& definitions);
std::string zsh_completion(const std::vector<Verb>& definitions);

/// The options --man and --completion of the program.
void add_manual(CLI::App& app);

}  // namespace tercet::cli
