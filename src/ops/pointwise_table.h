// SPDX-License-Identifier: Apache-2.0
// The operators that are one scalar function (src/ops/expr.h) applied to their inputs, with attributes as its last arguments.
#pragma once

#include "ops/elementwise.h"
#include "ops/expr.h"

namespace tercet {

struct PointwiseOp {
    struct Parameter {
        std::string_view attribute{};
        float missing = 0;
    };
    std::string_view op;
    std::string_view function;
    std::vector<OpVersion> versions;     // as in OpDef
    int inputs = 1;                      // `unlimited`: folded from the left
    std::vector<Parameter> parameters{};
    IntegerFunction integer{};           // null: floats only
    Follow follow = nullptr;
    Infer infer = nullptr;               // null: inputs of one type, broadcast together
};

/// Null if it is none of them.
const PointwiseOp* find_pointwise_op(std::string_view op);

/// A float attribute as the decimal it was written as, so that 0.01 stands for 0.01 in double and in an expression's text.
double decimal(float v);

}  // namespace tercet
