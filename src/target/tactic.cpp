// SPDX-License-Identifier: Apache-2.0
#include "target/tactic.h"

#include "graph/text.h"

#include <fmt/format.h>

#include <map>

namespace tercet {
namespace {

std::map<std::string_view, Tactic>& registry() {
    static std::map<std::string_view, Tactic> tactics;  // filled before main
    return tactics;
}

// Axes, steps and the like decide what a step does: small integer constants stand there with their elements.
std::string text_of(const Step::Operand& o) {
    if (!o) return "_";
    std::string s = fmt::format("{}{}[{}]", o.constant ? "const " : "", name_of(o.dtype), fmt::join(o.shape, ","));
    if (o.constant && is_integer(o.dtype) && o.constant->count() <= 2 * max_rank) s += fmt::format("{{{}}}", fmt::join(o.constant->to_ints(), ","));
    return s;
}

}  // namespace

std::string Step::signature() const {
    // The graph's text form of this one node, with its attributes, without names.
    Graph g;
    Node n{.op = node->op, .attributes = node->attributes, .domain = node->domain};
    g.add_node(std::move(n));
    std::string line = print_text(g);
    line = line.substr(line.find('=', line.find('{')) + 2);
    std::string s = line.substr(0, line.rfind('('));
    for (std::size_t i = 0; i < inputs.size(); ++i) s += (i ? ", " : "(") + text_of(inputs[i]);
    s += ") -> ";
    for (std::size_t i = 0; i < outputs.size(); ++i) s += (i ? ", " : "") + text_of(outputs[i]);
    return s;
}

std::string Variant::text() const {
    std::string s;
    const auto add = [&](const char* name, int v) {
        if (v) s += fmt::format("{}{} {}", s.empty() ? "" : ", ", name, v);
    };
    add("rows", rows), add("cols", cols), add("depth", depth), add("tile", tile);
    return s;
}

Refusal Tactic::refuses(const Step& step, const Isa& isa) const {
    if (!stores && step.attributes().has("stored")) return "its result is stored in a type of its own";
    return refuse(step, isa);
}

RegisteredTactic::RegisteredTactic(Tactic t) {
    const auto name = t.name;
    registry().emplace(name, std::move(t));
}

std::vector<const Tactic*> all_tactics() {
    std::vector<const Tactic*> all;
    for (const auto& [name, t] : registry()) all.push_back(&t);
    return all;
}

const Tactic* find_tactic(std::string_view name) {
    const auto it = registry().find(name);
    return it == registry().end() ? nullptr : &it->second;
}

}  // namespace tercet
