// SPDX-License-Identifier: Apache-2.0
// Nodes whose results nobody reads go. Optional outputs at the end of the list that nobody reads (MaxPool's indices, the mask
// of Dropout, statistics) are left out, since a kernel that computes only the first output is then free to take the node.
#include "passes/passes.h"
#include "passes/rewrite.h"

#include <algorithm>

namespace tercet {
namespace {

bool leave_out_unread_outputs(Graph& g, NodeId id) {
    const OpDef* def = find_op(g.node(id).op, g.node(id).domain);
    if (!def || def->outputs.max == unlimited) return false;  // the number of a Split's outputs means something
    std::vector<ValueId> outputs = g.node(id).outputs;
    const auto needed = static_cast<std::size_t>(def->outputs.min);
    while (outputs.size() > needed && (outputs.back() == ValueId::none || g.uses(outputs.back()) == 0)) outputs.pop_back();
    if (outputs.size() == g.node(id).outputs.size()) return false;
    Node node = g.node(id);
    node.layers = g.layers(id);
    node.outputs = outputs;
    for (ValueId& v : node.outputs)
        if (v != ValueId::none) v = g.add_value(g.value(v).name);
    const NodeId by = g.insert_before(id, std::move(node));
    infer_types(g, by);
    for (std::size_t i = 0; i < outputs.size(); ++i)
        if (outputs[i] != ValueId::none) supersede(g, outputs[i], g.output(by, i));
    return true;
}

}  // namespace

int remove_dead(Graph& g, int limit) {
    if (limit == 0) return 0;
    int changed = g.remove_dead();
    for (NodeId id : std::vector(g.order())) {
        if (changed >= limit) break;
        if (g.is_alive(id)) changed += leave_out_unread_outputs(g, id);
    }
    return std::min(changed, limit);
}

}  // namespace tercet
