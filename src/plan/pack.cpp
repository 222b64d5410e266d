// SPDX-License-Identifier: Apache-2.0
#include "plan/plan.h"

#include "engine/samples.h"

#include <algorithm>

namespace tercet {

void pack_weights(Program& p) {
    // One packed tensor per weight and packing, as far as the attributes agree: with another `group` or `transB` the same
    // weights lie differently in it.
    struct Packed {
        ValueId plain, packed;
        std::string packing;
        const Node* node;
    };
    std::vector<Packed> made;
    const Symbols opt = tuned_at(p, ProfilePoint::opt);
    for (ProgramStep& s : p.steps) {
        if (s.packing.empty()) continue;
        const Choice& c = s.choices[static_cast<std::size_t>(ProfilePoint::opt)];
        const ValueId plain = s.node.inputs[1];
        auto it = std::ranges::find_if(made, [&](const Packed& m) {
            return m.plain == plain && m.packing == s.packing && m.node->op == s.node.op && m.node->attributes == s.node.attributes;
        });
        if (it == made.end()) {
            ProgramValue v = p.value(plain);
            v.constant = find_tactic(c.tactic)->pack(step_at(p, s, opt), c.variant);
            p.values.push_back(std::move(v));
            it = made.insert(made.end(), {plain, static_cast<ValueId>(p.values.size() - 1), s.packing, &s.node});
        }
        s.node.inputs[1] = it->packed;
    }
    // Weights that nobody reads unpacked any more are not kept. Ids stay: what is left of them is empty.
    std::vector<bool> read(p.values.size());
    for (const ProgramStep& s : p.steps)
        for (ValueId v : s.node.inputs)
            if (v != ValueId::none) read[static_cast<std::size_t>(v)] = true;
    for (const ProgramValue& v : p.values)
        if (v.place == ProgramValue::Place::view) read[static_cast<std::size_t>(v.of)] = true;
    for (const GraphOutput& o : p.outputs) read[static_cast<std::size_t>(o.value)] = true;
    for (std::size_t i = 0; i < p.values.size(); ++i)
        if (ProgramValue& v = p.values[i]; v.place == ProgramValue::Place::constant && !read[i]) {
            v.type.shape = {0};
            v.constant = Tensor::zeros(v.type.dtype, {0});
        }
}

}  // namespace tercet
