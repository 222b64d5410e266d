// SPDX-License-Identifier: Apache-2.0
// The form in force is the newest that is not younger than the model's operator set; the upgrades of all later forms are
// applied in their order. Operators that are no ONNX operators are replaced by such in the end.
#include "onnx/upgrade.h"

#include <fmt/format.h>

#include <algorithm>

namespace tercet::onnx {
namespace {

const OpVersion* next_version(const OpDef& def, std::int64_t after) {
    const auto next = std::ranges::find_if(def.versions, [&](const OpVersion& v) { return v.since > after; });
    return next != def.versions.end() ? &*next : nullptr;
}

}  // namespace

// The schema of the newest form is checked behind the upgrades.
void check_form(const OpDef& def, const Node& node) {
    constexpr const char* check = "check the model with onnx.checker";
    if (node.outputs.empty()) throw Error({.what = "has no outputs", .fix = check});
    if (def.inputs.min > 0 && (node.inputs.empty() || node.inputs[0] == ValueId::none))
        throw Error({.what = "has no first input", .fix = check});
    for (const auto& [name, value] : node.attributes) {
        // They belong to graphs in the making, and mean something there that no file may ask for.
        if (name == "tail" || (name == "layout" && def.channels) || (def.stores && name.starts_with("stored")))
            throw Error({.what = fmt::format("unknown attribute '{}'", name), .fix = check});
        const auto named = [&](const AttributeDef& a) { return a.name == name; };
        const auto fits = [&](const AttributeDef& a) { return a.name == name && value.index() == static_cast<std::size_t>(a.kind); };
        if (std::ranges::any_of(def.attributes, named) && std::ranges::none_of(def.attributes, fits))
            throw Error({.what = fmt::format("attribute '{}' is of the wrong kind", name), .fix = check});
    }
}

void upgrade(Graph& g, NodeId id, std::int64_t opset) {
    const OpDef* def = &op_of(g.node(id));
    check_form(*def, g.node(id));
    if (!def->versions.empty() && def->versions.front().since > opset)
        throw Error({.what = fmt::format("the operator is in operator sets from {} on only", def->versions.front().since),
                     .fix = "correct the model's opset_import"});
    for (const OpVersion* next = next_version(*def, opset); next;) {
        const int form = next->since;
        if (next->upgrade) {
            next->upgrade(g, id);
            def = &op_of(g.node(id));
        }
        next = next_version(*def, form);
    }
    if (def->replace) def->replace(g, id);
}

}  // namespace tercet::onnx
