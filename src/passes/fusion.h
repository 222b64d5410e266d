// SPDX-License-Identifier: Apache-2.0
// Putting one expression in the place of another's input.
#pragma once

#include "graph/graph.h"
#include "ops/expr.h"

#include <optional>
#include <vector>

namespace tercet {

struct Fused {
    Expr expr;
    std::vector<ValueId> inputs;  // x0, x1, ...
};

/// `outer` over `outer_inputs`, with `value` computed by `inner` over `inner_inputs`. Inputs come in the order `first`, those
/// of `outer`, those of `inner`, each once. Empty if the result is too long for an Expr, or for its text.
std::optional<Fused> fused(const Expr& outer, const std::vector<ValueId>& outer_inputs, ValueId value, const Expr& inner,
                           const std::vector<ValueId>& inner_inputs, const std::vector<ValueId>& first = {});

}  // namespace tercet
