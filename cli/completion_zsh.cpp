// SPDX-License-Identifier: Apache-2.0
// Completions for zsh: a call of _arguments for every verb. The text is a file of $fpath, and may be sourced, too.
#include "cli/definitions.h"
#include "tercet/version.h"

#include <fmt/format.h>

#include <string_view>

namespace tercet::cli {
namespace {

constexpr std::string_view functions = R"sh(
(( $+functions[_tercet_named_file] )) ||
_tercet_named_file() {
    if compset -P '*='; then _files; else _message 'NAME=FILE'; fi
}

if [[ $funcstack[1] == _tercet ]]; then
    _tercet "$@"
else
    compdef _tercet tercet
fi
)sh";

std::string escaped(std::string_view text, std::string_view special) {
    std::string all;
    for (const char c : text) {
        if (special.find(c) != special.npos) all += '\\';
        all += c;
    }
    return all;
}

// ":what:how" of _arguments.
std::string action_of(const Parameter& p) {
    std::string action = " ";
    if (!p.choices.empty()) {
        const std::string choices = fmt::format("{}", fmt::join(p.choices, " "));
        action = p.list ? fmt::format("_values -s , {} {}", p.value, choices) : fmt::format("({})", choices);
    } else if (const Completion c = completion_of(p); c == Completion::named_file) {
        action = "_tercet_named_file";
    } else if (c != Completion::none) {
        action = c == Completion::folder ? "_files -/" : pattern_of(p).empty() ? "_files" : fmt::format("_files -g \"{}\"", pattern_of(p));
        if (p.list) action = "_sequence " + action;
    }
    return ":" + escaped(p.value, ":\\") + ":" + action;
}

std::string argument_of(const Parameter& p) {
    if (p.names.empty()) return in_quotes((p.repeated ? "*" : "") + action_of(p));
    const bool leaves_nothing = p.names.front() == "-h" || p.names.front() == "--version";
    std::string excluded = leaves_nothing ? "(- *)" : p.repeated ? "*" : fmt::format("({})", fmt::join(p.names, " "));
    std::string names;
    for (const std::string& name : p.names) {
        const std::string_view end = p.is_flag() ? "" : name.starts_with("--") ? "=" : "+";
        names += fmt::format("{}{}{}", names.empty() ? "" : ",", name, end);
    }
    if (p.names.size() > 1) names = "{" + names + "}";
    const std::string rest = "[" + escaped(p.text, "[]:\\") + "]" + (p.is_flag() ? "" : action_of(p));
    return in_quotes(excluded) + names + in_quotes(rest);
}

std::string arguments_of(const Verb& v, std::string_view indent) {
    std::string all = fmt::format("{}_arguments -C -s -S", indent);
    for (const std::vector<Parameter>* parameters : {&v.options, &v.places})
        for (const Parameter& p : *parameters) all += fmt::format(" \\\n{}    {}", indent, argument_of(p));
    return all;
}

}  // namespace

std::string zsh_completion(const std::vector<Verb>& definitions) {
    std::string text = fmt::format("#compdef tercet\n# SPDX-License-Identifier: Apache-2.0\n# Completions of tercet {} for zsh, written by `tercet --completion zsh`.\n\n", version);
    text += "_tercet() {\n    local curcontext=\"$curcontext\" state line\n    local -A opt_args\n    local -a verbs\n    verbs=(\n";
    for (const Verb& v : definitions)
        if (!v.name.empty()) text += fmt::format("        {}\n", in_quotes(escaped(v.name, ":") + ":" + escaped(v.text, "\\:")));
    text += "    )\n" + arguments_of(definitions.front(), "    ") + " \\\n        '1:verb:->verb' '*::argument:->argument' && return\n";
    text += "    case $state in\n        verb) _describe verb verbs ;;\n        argument)\n            curcontext=\"${curcontext%:*:*}:tercet-$words[1]:\"\n            case $words[1] in\n";
    for (const Verb& v : definitions)
        if (!v.name.empty()) text += fmt::format("                {})\n{}\n                    ;;\n", v.name, arguments_of(v, "                    "));
    return text + "            esac\n            ;;\n    esac\n}\n" + std::string(functions);
}

}  // namespace tercet::cli
