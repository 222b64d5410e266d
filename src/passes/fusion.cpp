// SPDX-License-Identifier: Apache-2.0
#include "passes/fusion.h"

#include <algorithm>
#include <array>

namespace tercet {
namespace {

constexpr int longest_text = 512;  // calls in the text, where a shared instruction stands as often as it is read

bool is_printable(const Expr& e) {
    std::array<int, Expr::max_instructions + 1> calls{};
    const auto code = e.instructions();
    for (std::size_t i = 0; i < code.size(); ++i) {
        calls[i] = 1;
        for (int k = 0; k < code[i].function->arity; ++k)
            if (const auto& o = code[i].operands[static_cast<std::size_t>(k)]; o.kind == Expr::Operand::Kind::instruction)
                calls[i] += calls[static_cast<std::size_t>(o.index)];
        if (calls[i] > longest_text) return false;
    }
    return true;
}

}  // namespace

std::optional<Fused> fused(const Expr& outer, const std::vector<ValueId>& outer_inputs, ValueId value, const Expr& inner,
                           const std::vector<ValueId>& inner_inputs, const std::vector<ValueId>& first) {
    std::vector<ValueId> inputs = first;
    const auto input = [&](ValueId v) {
        const auto at = std::ranges::find(inputs, v) - inputs.begin();
        if (static_cast<std::size_t>(at) == inputs.size()) inputs.push_back(v);
        return Expr::input(static_cast<int>(at));
    };
    std::vector<Expr> by_outer, by_inner;
    for (ValueId v : outer_inputs) by_outer.push_back(v == value ? Expr() : input(v));
    for (ValueId v : inner_inputs) by_inner.push_back(input(v));
    if (inputs.size() > static_cast<std::size_t>(Expr::max_inputs)) return std::nullopt;
    const Expr replaced = inner.substituted(by_inner);
    for (std::size_t i = 0; i < outer_inputs.size(); ++i)
        if (outer_inputs[i] == value) by_outer[i] = replaced;
    Fused r{outer.substituted(by_outer), std::move(inputs)};
    if (!r.expr.fits() || !is_printable(r.expr)) return std::nullopt;
    return r;
}

}  // namespace tercet
