// SPDX-License-Identifier: Apache-2.0
#include "cli/definitions.h"

#include "cli/options.h"

#include <cstdio>

namespace tercet::cli {
namespace {

// A validator describes a set as "{a,b}" and a map as "value in {a->0,b->1} OR {0,1}". quiet() has kept that as its name.
std::vector<std::string> choices_of(CLI::Option& option) {
    std::vector<std::string> choices;
    const CLI::Validator* validator = nullptr;
    try {
        validator = option.get_validator(0);
    } catch (const CLI::OptionNotFound&) {  // it has none, and there is no other way to ask
        return choices;
    }
    const std::string text = validator->get_description() + validator->get_name();
    const std::size_t open = text.find('{'), close = text.find('}');
    if (open == std::string::npos || close == std::string::npos) return choices;
    for (const std::string& choice : CLI::detail::split(text.substr(open + 1, close - open - 1), ',')) choices.push_back(choice.substr(0, choice.find("->")));
    return choices;
}

Parameter parameter_of(CLI::Option& option) {
    Parameter p;
    for (const std::string& name : option.get_snames()) p.names.push_back("-" + name);
    for (const std::string& name : option.get_lnames()) p.names.push_back("--" + name);
    p.text = option.get_description();
    p.group = option.get_group();
    p.choices = choices_of(option);
    const bool by_place = p.names.empty(), says_required = option.get_option_text() == "REQUIRED";
    p.required = option.get_required() || says_required;
    p.repeated = option.get_items_expected_max() > 1;
    p.list = option.get_delimiter() != '\0';
    if (by_place) p.value = option.get_name(true);
    else if (option.get_items_expected_max() > 0) p.value = says_required || option.get_option_text().empty() ? option.get_type_name() : option.get_option_text();
    return p;
}

Verb verb_of(CLI::App& app, const std::string& name) {
    Verb verb{name, app.get_description(), app.get_footer(), {}, {}};
    for (CLI::Option* option : app.get_options([](CLI::Option* o) { return !o->get_group().empty(); })) {
        Parameter p = parameter_of(*option);
        (p.names.empty() ? verb.places : verb.options).push_back(std::move(p));
    }
    return verb;
}

}  // namespace

// What stands by itself is always a file or a folder; of values, their type's name tells.
Completion completion_of(const Parameter& p) {
    if (p.value.find("NAME=FILE") != std::string::npos) return Completion::named_file;
    if (p.value.find("FILE") != std::string::npos) return Completion::file;
    if (p.value == "DIR") return Completion::folder;
    return p.names.empty() ? Completion::file : Completion::none;
}

std::string pattern_of(const Parameter& p) {
    const std::size_t point = p.value.find('.');
    return p.names.empty() && point != std::string::npos ? "*" + p.value.substr(point) : "";
}

std::vector<Verb> definitions_of(CLI::App& app) {
    std::vector<Verb> all{verb_of(app, "")};
    for (CLI::App* verb : app.get_subcommands([](CLI::App* a) { return !a->get_group().empty(); })) all.push_back(verb_of(*verb, verb->get_name()));
    return all;
}

std::string in_quotes(const std::string& text) { return "'" + CLI::detail::find_and_replace(text, "'", "'\\''") + "'"; }

void add_manual(CLI::App& app) {
    const auto print = [&app](std::string (*write)(const std::vector<Verb>&)) {
        std::fputs(write(definitions_of(app)).c_str(), stdout);  // main() looks whether it could
        throw CLI::Success();
    };
    app.add_flag_callback("--man", [print] { print(manual); }, "Print the manual page, to be read by `tercet --man | man -l -`, and exit");
    app.add_option_function<std::string>("--completion", [print](const std::string& shell) { print(shell == "bash" ? bash_completion : zsh_completion); },
                                         "Print completions for a shell, bash or zsh, and exit")
        ->check(quiet(CLI::IsMember({"bash", "zsh"})))->type_name("SHELL");
}

}  // namespace tercet::cli
