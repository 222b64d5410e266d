// SPDX-License-Identifier: Apache-2.0
// The manual page, in the macros of man(7). Options that several verbs share stand once, behind the verbs.
#include "cli/definitions.h"
#include "tercet/version.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string_view>

namespace tercet::cli {
namespace {

constexpr std::string_view opening = R"(
.SH DESCRIPTION
Tercet turns a trained ONNX model into precision engines: self-contained files in FP32, FP16, BF16 or INT8, tuned for a processor and run
by a small runtime. It shows what every layer became, what it costs, and why.
.PP
.B tercet build
makes an engine,
.B tercet run
and
.B tercet bench
run and measure it,
.B tercet compare
holds every precision against FP32 on real data, and
.B tercet inspect
shows what is inside.
.PP
A value follows its option as the next word or behind an equals sign
.RB ( \-\-output\~FILE
or
.BR \-\-output=FILE ).
Defaults are given in parentheses.
)";

constexpr std::string_view closing = R"(
.SH ENVIRONMENT
.TP
.B TERCET_MAX_ISA
The most that kernels may use of the processor's instructions, as if it had no more: the name of a level.
.B tercet doctor
lists the levels.
.TP
.B TERCET_PYTHON
The Python interpreter that has TensorRT. Without it, that of the active virtual environment
.RB ( VIRTUAL_ENV )
is asked, then
.BR python3 .
.TP
.B TERCET_SHARE
The folder with the files that the program reads, if they are not in
.I share/tercet
beside its
.IR bin .
.SH EXIT STATUS
.TP
.B 0
Done.
.TP
.B 1
The input is at fault, or a result is not as it has to be: a precision that cannot be built, a failed check.
.TP
.B 2
Wrong usage.
.TP
.B 3
A bug of Tercet's; please report it with the model.
.PP
Errors are one line on standard error: what is wrong, where, and what to do.
.SH FILES
.TP
.IB MODEL _cpu_ PRECISION .engine
An engine, where
.B build
is given no other name. It needs nothing but the program or the library to run.
.TP
.I calibration_cache_8x.cache
Scales for INT8, in the text format of TensorRT 8, as
.B calibrate
writes them.
.TP
.I timings.json
Whatever name
.B \-\-timing\-cache
gives: times of kernels, to be reused. With it, the same model and options give the same bytes.
.TP
.I plan.json
Whatever name
.B \-\-plan
gives: the precision of every layer and the reason, as
.B inspect \-\-plan
prints it.
)";

constexpr std::string_view related = R"(
.SH SEE ALSO
.BR pkg\-config (1),
for programs that use the library: its module is
.BR tercet .
.PP
The guide, the file formats and examples in C and C++ lie in the package's documentation folder,
.I share/doc/tercet
beside the program's
.IR bin .
)";

// The same characters on the page: hyphens that are minus signs, quotes that stay straight, no line that is a request.
std::string escaped(std::string_view text) {
    std::string all;
    for (const char c : text) {
        if ((c == '.' || c == '\'') && (all.empty() || all.back() == '\n')) all += "\\&";
        switch (c) {
            case '\\': all += "\\(rs"; break;
            case '-': all += "\\-"; break;
            case '\'': all += "\\(aq"; break;
            case '`': all += "\\(ga"; break;
            case '^': all += "\\(ha"; break;
            case '~': all += "\\(ti"; break;
            default: all += c;
        }
    }
    return all;
}

std::string bold(std::string_view text) { return "\\fB" + escaped(text) + "\\fR"; }
std::string italic(std::string_view text) { return "\\fI" + escaped(text) + "\\fR"; }

// Prose: what stands in backquotes is bold.
std::string prose(std::string_view text) {
    std::string all;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t open = text.find('`', at), close = open == text.npos ? text.npos : text.find('`', open + 1);
        if (close == text.npos) return all + escaped(text.substr(at));
        all += escaped(text.substr(at, open - at)) + bold(text.substr(open + 1, close - open - 1));
        at = close + 1;
    }
    return all;
}

bool all_named(const Parameter& p) {
    return std::ranges::all_of(p.choices, [&](const std::string& choice) { return p.text.find(choice) != std::string::npos; });
}

std::string entry(const Parameter& p) {
    std::string names;
    for (const std::string& name : p.names) names += (names.empty() ? "" : ", ") + bold(name);
    if (!p.is_flag()) names += (names.empty() ? "" : " ") + italic(p.value);
    std::string text = p.text;
    if (!all_named(p)) text += fmt::format("; one of {}", fmt::join(p.choices, ", "));
    return fmt::format(".TP\n{}\n{}\n", names, prose(text));
}

std::string entries(const std::vector<Parameter>& parameters) {
    std::string all;
    for (const Parameter& p : parameters) all += entry(p);
    return all;
}

std::string synopsis(const Verb& v) {
    std::string line = bold("tercet " + v.name);
    for (const Parameter& p : v.options)
        if (p.required) line += fmt::format(" {} {}", bold(p.names.front()), italic(p.value));
    line += " [" + italic("OPTION") + "]...";
    for (const Parameter& p : v.places) line += " " + italic(p.value) + (p.repeated ? "..." : "");
    return line;
}

// Lines that are indented are shown as they are, the others are prose.
std::string footer(std::string_view text) {
    std::string all;
    bool shown = false, begun = false;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        const bool indented = line.starts_with("  ");
        if (shown && !indented) all += ".fi\n.RE\n";
        if (!begun || indented != shown || (!indented && line.ends_with(':'))) all += ".PP\n";
        if (indented && !shown) all += ".RS 4\n.nf\n";
        all += (indented ? escaped(line.substr(2)) : prose(line)) + "\n";
        shown = indented;
        begun = true;
    }
    return shown ? all + ".fi\n.RE\n" : all;
}

// "Options" is what CLI11 calls those without a group.
struct Group {
    std::string name;
    std::vector<Parameter> options;
    std::vector<std::string> verbs;
};

bool is_help(const Parameter& p) { return std::ranges::find(p.names, "--help") != p.names.end(); }

bool same(const std::vector<Parameter>& a, const std::vector<Parameter>& b) {
    return std::ranges::equal(a, b, [](const Parameter& x, const Parameter& y) { return x.names == y.names && x.value == y.value && x.text == y.text; });
}

std::vector<Group> groups_of(const Verb& v) {
    std::vector<Group> groups;
    for (const Parameter& p : v.options) {
        if (is_help(p) && !v.name.empty()) continue;
        auto at = std::ranges::find(groups, p.group, &Group::name);
        if (at == groups.end()) at = groups.insert(at, {p.group, {}, {v.name}});
        at->options.push_back(p);
    }
    return groups;
}

// The named groups that several verbs have alike.
std::vector<Group> shared_groups(const std::vector<Verb>& definitions) {
    std::vector<Group> all;
    for (const Verb& v : definitions)
        for (Group& g : groups_of(v)) {
            if (g.name == "Options") continue;
            const auto at = std::ranges::find_if(all, [&](const Group& other) { return other.name == g.name && same(other.options, g.options); });
            if (at == all.end()) all.push_back(std::move(g));
            else at->verbs.push_back(v.name);
        }
    std::erase_if(all, [](const Group& g) { return g.verbs.size() < 2; });
    return all;
}

std::string section_of(const Verb& v, const std::vector<Group>& shared) {
    std::string all = fmt::format(".SS {}\n{}\n.PP\n{}\n", v.name, synopsis(v), prose(v.text));
    all += entries(v.places);
    std::vector<std::string> elsewhere;
    for (const Group& g : groups_of(v)) {
        const bool once = std::ranges::any_of(shared, [&](const Group& s) { return s.name == g.name && std::ranges::find(s.verbs, v.name) != s.verbs.end(); });
        if (once) {
            elsewhere.push_back(g.name);
            continue;
        }
        if (g.name != "Options") all += fmt::format(".PP\n{}\n", prose(g.name + ":"));
        all += entries(g.options);
    }
    if (!elsewhere.empty()) all += fmt::format(".PP\nAs well as the options of {} behind the verbs.\n", fmt::join(elsewhere, ", "));
    return all + footer(v.footer);
}

}  // namespace

std::string manual(const std::vector<Verb>& definitions) {
    const Verb& program = definitions.front();
    const std::span verbs = std::span(definitions).subspan(1);
    // No date, so that the same sources give the same page.
    std::string page = fmt::format(".\\\" SPDX-License-Identifier: Apache-2.0\n.\\\" Written by `tercet --man`.\n.TH TERCET 1 \"\" \"tercet {}\" \"User Commands\"\n", version);
    page += ".SH NAME\ntercet \\- precision engines from trained ONNX models\n.SH SYNOPSIS\n";
    std::vector<std::string> calls;
    for (const Verb& v : verbs) calls.push_back(synopsis(v));
    for (const Parameter& p : program.options) calls.push_back(bold("tercet " + p.names.back()) + (p.is_flag() ? "" : " " + italic(p.value)));
    page += fmt::format("{}\n", fmt::join(calls, "\n.br\n"));
    page += opening.substr(1);
    page += ".SH OPTIONS\n" + entries(program.options) + ".SH VERBS\n";
    const std::vector<Group> shared = shared_groups(definitions);
    for (const Verb& v : verbs) page += section_of(v, shared);
    if (!shared.empty()) page += ".SH OPTIONS OF SEVERAL VERBS\n";
    for (const Group& g : shared) page += fmt::format(".SS {} ({})\n", g.name, fmt::join(g.verbs, ", ")) + entries(g.options);
    page += closing.substr(1);
    page += ".SH EXAMPLES\nFrom a model to figures:\n" + footer(program.footer.substr(program.footer.find('\n') + 1));
    page += related.substr(1);
    return page;
}

}  // namespace tercet::cli
