// SPDX-License-Identifier: Apache-2.0
// Slice with constant bounds, by blocks: what is dense in the input stays together; steps lie between the blocks.
#include "cpu/block_copy.h"

#include <algorithm>

namespace tercet {
namespace {

Refusal refuse(const Step& s, const Isa& isa) {
    if (!s.is("Slice")) return "no slice";
    for (std::size_t i = 1; i < s.inputs.size(); ++i)
        if (s.has(i) && !s.inputs[i].constant) return "its bounds are computed";
    return refuse_moves(s, isa);
}

Kernel compile(const Step& s, const Variant&, const Isa&) {
    const Step::Operand &x = s.inputs[0], &y = s.outputs[0];
    const auto number = [&](std::size_t input, std::int64_t i, std::int64_t missing) { return s.has(input) ? s.inputs[input].constant->get_int(i) : missing; };
    Dims from_steps = byte_steps(x);
    std::int64_t first = 0;
    for (std::int64_t i = 0; i < s.inputs[1].constant->count(); ++i) {
        const int axis = checked_axis(number(3, i, i), x.shape.size());
        const std::int64_t n = x.shape[axis], start = number(1, i, 0), step = number(4, i, 1);
        if (y.shape[axis] == 0) continue;
        first += std::clamp<std::int64_t>(start < 0 ? start + n : start, 0, n - 1) * from_steps[axis];
        if (y.shape[axis] > 1) from_steps[axis] *= step;
    }
    BlockCopy c = BlockCopy::of(bits_of(x.dtype) / 8, y.shape, from_steps, byte_steps(y));
    c.from = first;
    Kernel k;
    k.phases.push_back(copy_phase({c}));
    return k;
}

const RegisteredTactic slice(move_tactic("cpu/slice", refuse, compile));

}  // namespace
}  // namespace tercet
