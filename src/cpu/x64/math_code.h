// SPDX-License-Identifier: Apache-2.0
// Code for the functions that no instruction computes, by polynomials. Each replaces `v` by f(v) and stays within 4 ulp
// (gelu: or within 1e-16, mish: 1e-43); NaN, infinities and the sign of zero come out as of ScalarFunction::value. Working
// registers come from the pool: three at most, two for exp, expm1 and sigmoid.
#pragma once

#include "cpu/x64/register_pool.h"

#include <initializer_list>

namespace tercet::x64 {

class MathCode {
public:
    MathCode(Assembler& assembler, RegisterPool& pool) : a(assembler), pool(pool) {}

    void exp(const Vec& v, float greatest = 89.0f);    // e^min(v, greatest)
    void expm1(const Vec& v, float greatest = 89.0f);  // gives +0 for -0
    void sigmoid(const Vec& v);
    void tanh(const Vec& v);
    void erf(const Vec& v);
    void gelu(const Vec& v);
    void log(const Vec& v);
    void mish(const Vec& v);
    void softplus(const Vec& v);

    enum Comparison {  // vcmpps's; the nots are true of NaN, but for not_equal
        equal = 0x00, unordered = 0x03, not_less = 0x05, not_less_equal = 0x06, ordered = 0x07, not_greater_equal = 0x09, not_equal = 0x0c, less = 0x11, greater = 0x1e
    };

    /// to = x (comparison) y ? value : to. The first form takes a register for the mask where opmasks are missing.
    void select(const Vec& to, Comparison, const Vec& x, const Xbyak::Operand& y, const Xbyak::Operand& value);
    void select(const Vec& to, Comparison, const Vec& x, const Xbyak::Operand& y, const Xbyak::Operand& value, const Vec& mask);
    /// to = x (comparison) y ? value : +0. `to` is none of the others where opmasks are missing.
    void select_or_zero(const Vec& to, Comparison, const Vec& x, const Xbyak::Operand& y, const Xbyak::Operand& value);
    /// v = min(max(v, least), greatest) for constants; NaN stays.
    void clamp(const Vec& v, float least, float greatest, const Vec& scratch);

    Assembler& a;
    RegisterPool& pool;

private:
    /// p = c[0] + c[1]*x + ..., the coefficients from the highest power down.
    void polynomial(const Vec& p, const Vec& x, std::initializer_list<float> highest_first);
    void powers_of_two(const Vec& n, const Vec& v);  // n = round(v / ln 2)
    void remainder(const Vec& v, const Vec& n);      // v -= n * ln 2
    void exp_reduced(const Vec& v, const Vec& n, const Vec& p);  // v = e^v * 2^n; p is scratch
};

}  // namespace tercet::x64
