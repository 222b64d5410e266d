// SPDX-License-Identifier: Apache-2.0
// Expand by blocks that are read again along the axes that are broadcast.
#include "cpu/block_copy.h"

namespace tercet {
namespace {

Refusal refuse(const Step& s, const Isa& isa) {
    if (!s.is("Expand")) return "no expansion";
    return refuse_moves(s, isa);
}

Kernel compile(const Step& s, const Variant&, const Isa&) {
    const Step::Operand &x = s.inputs[0], &y = s.outputs[0];
    const Dims steps = byte_steps(x);
    Dims from_steps;
    for (int i = 0; i < y.shape.size(); ++i) {
        const int at = i - (y.shape.size() - x.shape.size());
        from_steps.push_back(at < 0 || x.shape[at] == 1 ? 0 : steps[at]);
    }
    Kernel k;
    k.phases.push_back(copy_phase({BlockCopy::of(bits_of(x.dtype) / 8, y.shape, from_steps, byte_steps(y))}));
    return k;
}

const RegisteredTactic expand(move_tactic("cpu/expand", refuse, compile));

}  // namespace
}  // namespace tercet
