// SPDX-License-Identifier: Apache-2.0
// Constants of equal type and elements become one; so do nodes of one operator with equal attributes and inputs. Where these decide
// extents, the symbols of one take the place of the other's in the whole graph.
#include "passes/passes.h"
#include "passes/rewrite.h"

#include <algorithm>
#include <map>
#include <string>

namespace tercet {
namespace {

// Equal constants have equal keys: type, shape, and the first elements.
std::string key_of(const Tensor& t) {
    std::string key = std::string(name_of(t.dtype()));
    for (std::int64_t d : t.shape()) key += "," + std::to_string(d);
    const std::size_t n = std::min<std::size_t>(t.bytes(), 64);
    return key.append(":").append(reinterpret_cast<const char*>(t.data()), n);
}

std::string key_of(const Node& n) {
    std::string key = n.domain + ":" + n.op + "/" + std::to_string(n.outputs.size());
    for (ValueId v : n.inputs) key += "," + std::to_string(static_cast<int>(v));
    return key;
}

int merge_constants(Graph& g, int limit) {
    int merged = 0;
    std::map<std::string, std::vector<ValueId>> seen;
    for (std::size_t i = 0; i < g.value_count() && merged < limit; ++i) {
        const auto v = static_cast<ValueId>(i);
        const Tensor* t = g.constant(v);
        if (!t || g.uses(v) == 0) continue;
        auto& same = seen[key_of(*t)];
        const auto it = std::ranges::find_if(same, [&](ValueId other) { return *g.constant(other) == *t; });
        if (it == same.end()) {
            same.push_back(v);
            continue;
        }
        g.replace(v, *it);
        ++merged;
    }
    return merged;
}

using Renaming = std::map<std::string, std::string>;

// `to` is `from` when symbols that stand alone as extents are renamed, which the renaming then says.
bool equal_but_for_symbols(const Type& from, const Type& to, Renaming& names) {
    if (from.dtype != to.dtype || from.shape.size() != to.shape.size()) return false;
    for (std::size_t d = 0; d < from.shape.size(); ++d) {
        const Dim &a = from.shape[d], &b = to.shape[d];
        if (a == b) continue;
        if (!a.is_symbol() || !b.is_symbol() || names.try_emplace(a.text(), b.text()).first->second != b.text()) return false;
    }
    return true;
}

Dim renamed(const Dim& d, const Renaming& names) {
    std::vector<std::string> symbols;
    d.collect_symbols(symbols);
    if (std::ranges::none_of(symbols, [&](const std::string& s) { return names.contains(s); })) return d;
    const std::string text = d.text();
    std::string result;
    for (std::size_t at = 0; at < text.size();) {  // word by word
        const std::size_t end = std::min(text.find_first_of(" +-*/(),", at), text.size());
        const std::string word = text.substr(at, end - at);
        const auto name = names.find(word);
        result += name == names.end() ? word : name->second;
        if (end < text.size()) result += text[end];
        at = end + 1;
    }
    return Dim::parse(result);
}

void rename_symbols(Graph& g, const Renaming& names) {
    if (names.empty()) return;
    for (std::size_t i = 0; i < g.value_count(); ++i) {
        const auto v = static_cast<ValueId>(i);
        Type type = g.value(v).type;
        for (Dim& d : type.shape) d = renamed(d, names);
        if (type != g.value(v).type) g.set_type(v, std::move(type));
        if (!g.value(v).content) continue;
        std::vector<Dim> content = *g.value(v).content;
        for (Dim& d : content) d = renamed(d, names);
        g.set_content(v, std::move(content));
    }
}

bool merge_into(Graph& g, NodeId kept, NodeId id) {
    const auto &a = g.node(kept).outputs, &b = g.node(id).outputs;
    Renaming names;
    for (std::size_t i = 0; i < b.size(); ++i) {
        if (b[i] == ValueId::none || g.uses(b[i]) == 0) continue;
        if (a[i] == ValueId::none || !equal_but_for_symbols(g.value(b[i]).type, g.value(a[i]).type, names)) return false;
        if (g.is_output(a[i]) && g.is_output(b[i])) return false;  // either would lose its name
    }
    rename_symbols(g, names);
    g.add_layers(kept, g.layers(id));
    for (std::size_t i = 0; i < g.node(id).outputs.size(); ++i) {
        const ValueId v = g.output(id, i);
        if (v != ValueId::none && g.uses(v) > 0) g.replace(v, g.output(kept, i));
    }
    g.remove(id);
    return true;
}

}  // namespace

int merge_duplicates(Graph& g, int limit) {
    int merged = merge_constants(g, limit);
    std::map<std::string, std::vector<NodeId>> seen;
    for (NodeId id : std::vector(g.order())) {
        if (merged == limit) break;
        auto& same = seen[key_of(g.node(id))];
        const bool gone = std::ranges::any_of(same, [&](NodeId other) {
            return g.node(other).attributes == g.node(id).attributes && merge_into(g, other, id);
        });
        if (gone) ++merged;
        else same.push_back(id);
    }
    return merged;
}

}  // namespace tercet
