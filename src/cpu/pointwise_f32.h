// SPDX-License-Identifier: Apache-2.0
// What the tactics for element-wise steps have in common.
#pragma once

#include "cpu/broadcast_loops.h"
#include "ops/expr.h"

#include <optional>

namespace tercet {

/// Why a step is no element-wise function of f32 values; empty if it is.
Refusal refuse_pointwise(const Step& step);

/// The function; empty if it is none.
std::optional<Expr> pointwise_expr(const Step& step);

}  // namespace tercet
