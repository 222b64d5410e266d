// SPDX-License-Identifier: Apache-2.0
// ExprCode: an Expr as vector code on values held in registers. The tails of products and convolutions and the pointwise
// loops are made by it.
//
// Every instruction's result is rounded to f32, as the unfused chain of operators would be; functions that are not exact
// (exp, tanh, erf, ...) stay within 4 ulp, with the same polynomials as src/cpu/simd/exp.h. NaN, infinities and the sign of
// zero come out as of ScalarFunction::value.
#pragma once

#include "cpu/x64/assembler.h"
#include "ops/expr.h"

#include <functional>
#include <span>

namespace tercet::x64 {

class ExprCode {
public:
    /// Whether every function of the expression has vector code.
    static bool supports(const Expr& expr);
    /// Whether a supported expression's results equal the reference's bits; `canonical`: those of functions' canonical form.
    static bool exact(const Expr& expr, bool canonical = false);

    ExprCode(Assembler& assembler, const Expr& expr);

    /// Vector registers that emit() overwrites beside the one of the result.
    int scratch() const { return scratch_; }

    /// Emits code that replaces x0 in `y` by the expression's value. `load(i, to)` emits the load of input i >= 1 into a
    /// register, and may be called more than once per input. `free` has scratch() registers at least. Clobbers k2 to k7
    /// and the flags, but no general register.
    void emit(const Vec& y, std::span<const Vec> free, const std::function<void(int input, const Vec& to)>& load) const;

private:
    Assembler& a_;
    Expr expr_;
    int scratch_ = 0;
};

}  // namespace tercet::x64
