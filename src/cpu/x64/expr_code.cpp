// SPDX-License-Identifier: Apache-2.0
#include "cpu/x64/expr_code.h"

namespace tercet::x64 {
bool ExprCode::supports(const Expr& e) {
    return e.instructions().size() == 1 && e.instructions()[0].function->name == "relu";
}
ExprCode::ExprCode(Assembler& a, const Expr& e) : a_(a), expr_(e), scratch_(1) {}
void ExprCode::emit(const Vec& y, std::span<const Vec> free, const std::function<void(int, const Vec&)>&) const {
    a_.zero(free[0]);
    a_.vmaxps(y, free[0], y);
}
}
