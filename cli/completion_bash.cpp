// SPDX-License-Identifier: Apache-2.0
// Completions for bash: a table of the definitions, and functions that read it. They need neither the package bash-completion nor
// the program.
#include "cli/definitions.h"
#include "tercet/version.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <span>
#include <string_view>

namespace tercet::cli {
namespace {

constexpr std::string_view functions = R"sh(
# What is completed as names of files: all, those that match pattern $1, or ("/") folders alone. Folders lead to files.
_tercet_files() {
    local found
    case $1 in
        /) found=$(compgen -d -- "$cur") ;;
        '') found=$(compgen -f -- "$cur") ;;
        *)
            found=$(compgen -f -X "!$1" -- "$cur"; compgen -d -- "$cur")
            [[ -n $found ]] || found=$(compgen -f -- "$cur")
            ;;
    esac
    [[ -z $found ]] || mapfile -t COMPREPLY <<<"$found"
    COMPREPLY=("${COMPREPLY[@]/#/$prefix}")
    compopt -o filenames 2>/dev/null  # quotes and slashes; outside of a completion there are none
}

# What value $1 of the table stands for.
_tercet_value() {
    if [[ $1 == ,* ]]; then  # a list: its last part is completed
        [[ $cur == *,* ]] && prefix="${cur%,*},"
        cur="${cur##*,}"
        compopt -o nospace 2>/dev/null
        set -- "${1#,}"
    fi
    case $1 in
        @text) ;;
        @folder) _tercet_files / ;;
        @file) _tercet_files '' ;;
        @named) [[ -n $named ]] && _tercet_files '' ;;
        @*) _tercet_files "${1#@}" ;;
        *) mapfile -t COMPREPLY < <(compgen -P "$prefix" -W "$1" -- "$cur") ;;
    esac
}

_tercet() {
    local cur="${COMP_WORDS[COMP_CWORD]}" last=$((COMP_CWORD - 1)) equals='' named='' prefix='' verb='' stood='' options aliases place value i
    COMPREPLY=()
    # To bash, an equals sign and a colon are words of their own. `last` is the word in front of what is completed.
    if [[ $cur == = ]]; then
        cur='' equals=1
    elif [[ ${COMP_WORDS[last]} == = ]]; then
        last=$((last - 1)) equals=1
    fi
    if [[ -n $equals && ${COMP_WORDS[last]} != -* ]]; then  # --input image=FILE, --input=image=FILE
        last=$((last - 1)) named=1
        [[ ${COMP_WORDS[last]} == = ]] && last=$((last - 1))
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        if [[ ${COMP_WORDS[i]} == -* ]]; then
            _tercet_table "$verb" "${COMP_WORDS[i]}"
            [[ -n $value ]] || continue
            [[ ${COMP_WORDS[i + 1]-} == = ]] && i=$((i + 1))
            i=$((i + 1))
            while [[ ${COMP_WORDS[i + 1]-} == [=:] ]]; do i=$((i + 2)); done
        elif [[ -z $verb ]]; then
            verb="${COMP_WORDS[i]}"
        else
            stood=1
        fi
    done
    _tercet_table "$verb" "${COMP_WORDS[last]}"
    if [[ -n $value && $last -gt 0 ]]; then
        _tercet_value "$value"
    elif [[ $cur == -* || -z $place || (-n $stood && $place != *...) ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
        ((${#COMPREPLY[@]})) || mapfile -t COMPREPLY < <(compgen -W "$aliases" -- "$cur")
    else
        _tercet_value "${place%...}"
    fi
}

complete -F _tercet tercet
)sh";

// All names under which an option is offered first: of -o, --output and --saveEngine the first two.
std::size_t offered(const Parameter& p) {
    std::size_t count = 1;
    while (count < p.names.size() && !p.names[count - 1].starts_with("--")) ++count;
    return count;
}

// As _tercet_value reads it.
std::string value_of(const Parameter& p) {
    const std::string list = p.list ? "," : "";
    if (!p.choices.empty()) return list + fmt::format("{}", fmt::join(p.choices, " "));
    switch (completion_of(p)) {
        case Completion::file: return list + "@" + (pattern_of(p).empty() ? "file" : pattern_of(p));
        case Completion::folder: return list + "@folder";
        case Completion::named_file: return list + "@named";
        default: return "@text";
    }
}

std::string entry_of(const Verb& v, const std::string& place) {
    std::vector<std::string> options, aliases;
    std::string values;
    for (const Parameter& p : v.options) {
        const auto names = std::span(p.names);
        std::ranges::copy(names.first(offered(p)), std::back_inserter(options));
        std::ranges::copy(names.subspan(offered(p)), std::back_inserter(aliases));
        if (!p.is_flag()) values += fmt::format("                {}) value={} ;;\n", fmt::join(names, " | "), in_quotes(value_of(p)));
    }
    std::string text = fmt::format("        {})\n            options='{}'\n", v.name.empty() ? "''" : v.name, fmt::join(options, " "));
    if (!aliases.empty()) text += fmt::format("            aliases='{}'\n", fmt::join(aliases, " "));
    if (!place.empty()) text += fmt::format("            place={}\n", in_quotes(place));
    if (!values.empty()) text += fmt::format("            case $2 in\n{}            esac\n", values);
    return text + "            ;;\n";
}

}  // namespace

std::string bash_completion(const std::vector<Verb>& definitions) {
    std::string text = fmt::format("# SPDX-License-Identifier: Apache-2.0\n# Completions of tercet {} for bash, written by `tercet --completion bash`.\n\n", version);
    text += "# Of verb $1 (empty: the program) the names of options, and what may stand by itself; of its option $2 the value.\n"
            "_tercet_table() {\n    options='' aliases='' place='' value=''\n    case $1 in\n";
    std::string verbs;
    for (const Verb& v : std::span(definitions).subspan(1)) verbs += (verbs.empty() ? "" : " ") + v.name;
    for (const Verb& v : definitions) {
        std::string place = v.name.empty() ? verbs : "";
        if (!v.places.empty()) place = value_of(v.places.front()) + (v.places.front().repeated ? "..." : "");
        text += entry_of(v, place);
    }
    return text + "    esac\n}\n" + std::string(functions);
}

}  // namespace tercet::cli
