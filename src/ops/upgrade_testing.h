// SPDX-License-Identifier: Apache-2.0
// For tests of operators whose form changed: nodes written in an older operator set, brought up to date as import does.
#pragma once

#include "graph/text.h"
#include "ops/op.h"

#include <algorithm>
#include <string_view>
#include <vector>

namespace tercet::testing {

/// Applies to every node of the text the upgrades of the versions behind `opset`, and infers types.
inline Graph upgraded(std::string_view text, int opset) {
    Graph g = parse_text(text);
    for (NodeId id : std::vector<NodeId>(g.order()))
        for (int form = opset;;) {  // the operator may change on the way
            const auto& versions = op_of(g.node(id)).versions;
            const auto next = std::ranges::find_if(versions, [&](const OpVersion& v) { return v.since > form; });
            if (next == versions.end()) {
                if (const Upgrade replace = op_of(g.node(id)).replace) replace(g, id);
                break;
            }
            form = next->since;
            if (next->upgrade) next->upgrade(g, id);
        }
    infer_types(g);
    verify(g);
    return g;
}

}  // namespace tercet::testing
