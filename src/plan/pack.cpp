// SPDX-License-Identifier: Apache-2.0
#include "plan/plan.h"

namespace tercet {

void pack_weights(Program& p) {
    std::map<std::pair<ValueId, std::string>, ValueId> packed;  // one packed tensor per weight and packing
    const Symbols opt = symbols_at(p.profile, ProfilePoint::opt);
    for (ProgramStep& s : p.steps) {
        if (s.packing.empty()) continue;
        const Choice& c = s.choices[static_cast<std::size_t>(ProfilePoint::opt)];
        const ValueId plain = s.node.inputs[1];
        const auto [it, fresh] = packed.try_emplace({plain, s.packing + s.node.op}, ValueId::none);
        if (fresh) {
            ProgramValue v = p.value(plain);
            v.constant = find_tactic(c.tactic)->pack(step_at(p, s, opt), c.variant);
            p.values.push_back(std::move(v));
            it->second = static_cast<ValueId>(p.values.size() - 1);
        }
        s.node.inputs[1] = it->second;
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
