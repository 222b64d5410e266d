// SPDX-License-Identifier: Apache-2.0
// Split by blocks: what an output has from the axis on, once for each index before it.
#include "cpu/block_copy.h"

namespace tercet {
namespace {

Refusal refuse(const Step& s, const Isa& isa) {
    if (!s.is("Split")) return "no split";
    if (s.has(1) && !s.inputs[1].constant) return "the sizes of its parts are computed";
    return refuse_moves(s, isa);
}

Kernel compile(const Step& s, const Variant&, const Isa&) {
    const Step::Operand& x = s.inputs[0];
    const int axis = checked_axis(s.attributes().integer("axis", 0), x.shape.size());
    const Dims steps = byte_steps(x);
    std::vector<BlockCopy> copies;
    std::int64_t first = 0;
    for (std::size_t k = 0; k < s.outputs.size(); ++k) {
        const Step::Operand& y = s.outputs[k];
        BlockCopy c = BlockCopy::of(bits_of(x.dtype) / 8, y.shape, steps, byte_steps(y));
        c.output = k;
        c.from = first * steps[axis];
        copies.push_back(c);
        first += y.shape[axis];
    }
    Kernel k;
    k.phases.push_back(copy_phase(std::move(copies)));
    return k;
}

const RegisteredTactic split(move_tactic("cpu/split", refuse, compile));

}  // namespace
}  // namespace tercet
