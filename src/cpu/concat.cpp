// SPDX-License-Identifier: Apache-2.0
// Concat by blocks: what an input has from the axis on, once for each index before it.
#include "cpu/block_copy.h"

namespace tercet {
namespace {

Refusal refuse(const Step& s, const Isa& isa) {
    if (!s.is("Concat")) return "no concatenation";
    return refuse_moves(s, isa);
}

Kernel compile(const Step& s, const Variant&, const Isa&) {
    const Step::Operand& y = s.outputs[0];
    const int axis = checked_axis(s.attributes().integer("axis", 0), y.shape.size());
    const Dims steps = byte_steps(y);
    std::vector<BlockCopy> copies;
    std::int64_t first = 0;
    for (std::size_t k = 0; k < s.inputs.size(); ++k) {
        const Step::Operand& x = s.inputs[k];
        BlockCopy c = BlockCopy::of(bits_of(y.dtype) / 8, x.shape, byte_steps(x), steps);
        c.input = k;
        c.to = first * steps[axis];
        copies.push_back(c);
        first += x.shape[axis];
    }
    Kernel k;
    k.phases.push_back(copy_phase(std::move(copies)));
    return k;
}

const RegisteredTactic concat(move_tactic("cpu/concat", refuse, compile));

}  // namespace
}  // namespace tercet
