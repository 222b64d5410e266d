// SPDX-License-Identifier: Apache-2.0
// Element-wise operators as expressions, for passes that fuse them and kernels that compile them.
#pragma once

#include "graph/graph.h"
#include "ops/expr.h"

#include <optional>
#include <span>

namespace tercet {

/// The operator as an expression over its inputs: x0 is input 0, x1 input 1, ... Attributes are numbers in it, and so are
/// limits of Clip and a single exponent of Pow that are constant; `constants` has one entry per input, null where unknown.
///     LeakyRelu => leaky_relu(x0, 0.01)     Clip(x, 0, 6) => clip(x0, 0, 6)     Mean(a, b) => div(add(x0, x1), 2)
/// Empty if it has none, or it would be too long. The inputs it reads must have output 0's floating type; that is the
/// caller's to check, since Pow takes exponents of another type and Add takes integers.
std::optional<Expr> expr_of(const Node& node, std::span<const Tensor* const> constants);

}  // namespace tercet
