// SPDX-License-Identifier: Apache-2.0
#include "cpu/x64/math_code.h"

#include <limits>

namespace tercet::x64 {
namespace {

constexpr float log2e = 1.44269504088896341f;
constexpr float ln2_high = 0.693147182464599609f, ln2_low = -1.90465429995776804e-9f;  // products with an FMA: the first need not be short
constexpr float to_integer = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer, half to even
constexpr std::uint32_t sign_bit = 0x80000000u, all_but_sign = 0x7fffffffu;
constexpr float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();

}  // namespace

void MathCode::select(const Vec& to, Comparison c, const Vec& x, const Xbyak::Operand& y, const Xbyak::Operand& value) {
    if (a.wide) return select(to, c, x, y, value, to);
    Register mask(pool);
    select(to, c, x, y, value, mask);
}

void MathCode::select(const Vec& to, Comparison c, const Vec& x, const Xbyak::Operand& y, const Xbyak::Operand& value, const Vec& mask) {
    if (a.wide) {
        a.vcmpps(a.k2, x, y, c);
        a.vmovups(to | a.k2, value);
    } else {
        a.vcmpps(mask, x, y, c);
        a.vblendvps(to, to, value, mask);
    }
}

void MathCode::select_or_zero(const Vec& to, Comparison c, const Vec& x, const Xbyak::Operand& y, const Xbyak::Operand& value) {
    if (a.wide) {
        a.vcmpps(a.k2, x, y, c);
        a.vmovups(to | a.k2 | a.T_z, value);
    } else {
        a.vcmpps(to, x, y, c);
        a.vandps(to, to, value);
    }
}

// vminps and vmaxps give their second source where either is NaN.
void MathCode::clamp(const Vec& v, float least, float greatest, const Vec& scratch) {
    a.vmovups(scratch, a.all(least));
    a.vmaxps(v, scratch, v);
    a.vmovups(scratch, a.all(greatest));
    a.vminps(v, scratch, v);
}

void MathCode::polynomial(const Vec& p, const Vec& x, std::initializer_list<float> highest_first) {
    const float* c = highest_first.begin();
    a.vmovups(p, a.all(*c));
    while (++c != highest_first.end()) a.vfmadd213ps(p, x, a.all(*c));
}

void MathCode::powers_of_two(const Vec& n, const Vec& v) {
    a.vmovups(n, a.all(to_integer));
    a.vfmadd231ps(n, v, a.all(log2e));
    a.vsubps(n, n, a.all(to_integer));
}

void MathCode::remainder(const Vec& v, const Vec& n) {
    a.vfnmadd231ps(v, n, a.all(ln2_high));
    a.vfnmadd231ps(v, n, a.all(ln2_low));
}

// The Taylor polynomial of degree 7 (remainder below 2^-27 for |v| <= ln(2)/2). Without vscalefps, 2^n comes in two
// factors, so that results below 2^-126 are rounded once, as subnormals.
void MathCode::exp_reduced(const Vec& v, const Vec& n, const Vec& p) {
    polynomial(p, v, {1.0f / 5040, 1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f});
    if (a.wide) return a.vscalefps(v, p, n);
    a.vcvtps2dq(n, n);
    a.vpsrad(v, n, 1);
    a.vpsubd(n, n, v);
    for (const Vec& half : {v, n}) {
        a.vpaddd(half, half, a.all_bits(127));
        a.vpslld(half, half, 23);
    }
    a.vmulps(p, p, v);
    a.vmulps(v, p, n);
}

// e^v = 2^n * e^r, n = round(v/ln 2).
void MathCode::exp(const Vec& v, float greatest) {
    Register n(pool), p(pool);
    clamp(v, -104.0f, greatest, n);
    powers_of_two(n, v);
    remainder(v, n);
    exp_reduced(v, n, p);
}

// e^v - 1 = 2^n * (e^r - 1) - (1 - 2^n). 2^n stays finite: the last binade is left to a larger r.
void MathCode::expm1(const Vec& v, float greatest) {
    Register n(pool), p(pool);
    clamp(v, -40.0f, greatest, n);
    powers_of_two(n, v);
    a.vminps(n, n, a.all(127.0f));
    remainder(v, n);
    polynomial(p, v, {1.0f / 362880, 1.0f / 40320, 1.0f / 5040, 1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f});
    a.vmulps(p, p, v);
    a.vfmadd213ps(p, v, v);
    a.vcvtps2dq(n, n);
    a.vpaddd(n, n, a.all_bits(127));
    a.vpslld(n, n, 23);
    a.vmovups(v, a.all(1.0f));
    a.vsubps(v, v, n);
    a.vfmsub213ps(p, n, v);
    a.vmovaps(v, p);
}

// e / (1 + e), e = e^v; from 40 on it is 1 whatever e is.
void MathCode::sigmoid(const Vec& v) {
    exp(v, 40.0f);
    Register t(pool);
    a.vaddps(t, v, a.all(1.0f));
    a.vdivps(v, v, t);
}

// With e = expm1(2|v|): e / (e + 2), and the sign of v.
void MathCode::tanh(const Vec& v) {
    Register e(pool);
    a.vandps(e, v, a.all_bits(all_but_sign));
    a.vaddps(e, e, e);
    expm1(e, 40.0f);
    Register t(pool);
    a.vaddps(t, e, a.all(2.0f));
    a.vdivps(e, e, t);
    a.vandps(v, v, a.all_bits(sign_bit));
    a.vorps(v, e, v);
}

// Below 1: v + v * p(v^2). Above: 1 - e^q(|v|), the error function's complement by its logarithm. Both by minimax fits.
void MathCode::erf(const Vec& v) {
    Register far(pool);
    {
        Register size(pool);
        a.vandps(size, v, a.all_bits(all_but_sign));
        a.vmovups(far, a.all(4.0f));
        a.vminps(size, far, size);
        polynomial(far, size, {0.000185573968f, -0.00293960702f, 0.0218053162f, -0.103037365f, -0.638225675f, -1.12704003f, -0.000353719952f});
    }
    {
        Register n(pool), p(pool);
        powers_of_two(n, far);
        remainder(far, n);
        exp_reduced(far, n, p);
        a.vmovups(n, a.all(1.0f));
        a.vsubps(far, n, far);
    }
    Register square(pool), near(pool);
    a.vmulps(square, v, v);
    polynomial(near, square, {7.85386146e-05f, -0.000801019371f, 0.00518832775f, -0.0268538129f, 0.112835854f, -0.37612626f, 0.128379166f});
    a.vfmadd213ps(near, v, v);
    a.vandps(v, v, a.all_bits(sign_bit));
    a.vorps(far, far, v);
    select(far, less, square, a.all(1.0f), near, v);
    a.vmovaps(v, far);
}

// relu(v) - z*Q(z), z = |v|, Q(z) the upper tail of the normal distribution: no difference of near values on either side.
// Q(z) = e^(-z^2/2) * w(z), w a quotient of polynomials by a minimax fit; all their terms are positive, so that none cancel.
// z^2 is rounded; what that loses is added to the exponent. From 14.6 on z*Q(z) is below the smallest float.
void MathCode::gelu(const Vec& v) {
    constexpr float end = 14.6f;
    Register e(pool);
    {
        Register n(pool), p(pool);
        a.vandps(e, v, a.all_bits(all_but_sign));
        a.vmovups(n, a.all(end));
        a.vminps(e, n, e);
        a.vmulps(n, e, e);
        a.vmovaps(p, e);
        a.vfmsub213ps(p, e, n);
        a.vmulps(e, n, a.all(-0.5f));
        powers_of_two(n, e);
        remainder(e, n);
        a.vfnmadd231ps(e, p, a.all(0.5f));
        exp_reduced(e, n, p);
    }
    Register t(pool), p(pool);
    a.vandps(t, v, a.all_bits(all_but_sign));
    a.vminps(t, t, a.all(end));
    a.vmulps(e, e, t);
    polynomial(p, t, {0.00412372174f, 0.0406831242f, 0.183383077f, 0.438494503f, 0.5f});
    a.vmulps(e, e, p);
    polynomial(p, t, {0.0103365202f, 0.101983845f, 0.46986118f, 1.20311737f, 1.67487407f, 1.0f});
    a.vdivps(e, e, p);
    select(e, equal, v, a.all(-inf), a.all(nan), t);  // -inf * 0
    a.vandps(t, v, a.all_bits(sign_bit));
    a.zero(p);
    a.vmaxps(v, p, v);
    a.vsubps(v, v, e);
    a.vorps(v, v, t);  // where all of it is too small for a float
}

// ln v = n*ln 2 + ln(1 + f), 1 + f in [sqrt(1/2), sqrt 2); ln(1 + f) = f + f^2 * p(f) by a minimax fit.
void MathCode::log(const Vec& v) {
    constexpr float least_normal = 1.17549435e-38f;
    constexpr std::uint32_t root_of_half = 0x3f3504f3u;  // as bits
    Register f(pool), n(pool), p(pool);
    a.vmovaps(f, v);
    a.vmulps(p, v, a.all(8388608.0f));
    select(f, less, v, a.all(least_normal), p, n);
    a.vpsubd(n, f, a.all_bits(root_of_half));
    a.vpsrad(n, n, 23);
    a.vpslld(p, n, 23);
    a.vpsubd(f, f, p);
    a.vcvtdq2ps(n, n);
    select_or_zero(p, less, v, a.all(least_normal), a.all(23.0f));
    a.vsubps(n, n, p);
    a.vsubps(f, f, a.all(1.0f));
    polynomial(p, f, {0.0674664229f, -0.116756521f, 0.11888162f, -0.124055885f, 0.142195523f, -0.166679963f, 0.200021192f, -0.250000089f, 0.333333135f, -0.5f});
    a.vmulps(p, p, f);
    a.vfmadd213ps(p, f, f);
    a.vfmadd231ps(p, n, a.all(ln2_low));
    a.vfmadd231ps(p, n, a.all(ln2_high));
    select(p, not_less, v, a.all(inf), v, n);  // infinity, NaN
    select(p, less, v, a.all(0.0f), a.all(nan), n);
    select(p, equal, v, a.all(0.0f), a.all(-inf), n);
    a.vmovaps(v, p);
}

// v * tanh(ln(1 + e)) = v * m/(m + 2), m = e * (e + 2), e = e^v.
void MathCode::mish(const Vec& v) {
    Register e(pool);
    a.vmovaps(e, v);
    exp(e, 40.0f);
    Register t(pool);
    a.vaddps(t, e, a.all(2.0f));
    a.vmulps(e, e, t);
    a.vaddps(t, e, a.all(2.0f));
    a.vdivps(e, e, t);
    a.vmulps(v, v, e);
}

// max(v, 0) + ln(1 + e), e = e^-|v|. With u = 2e/(2 + e) in [0, 2/3]: ln(1 + e) = 2 artanh(u/2) = u + u^3 * p(u^2).
void MathCode::softplus(const Vec& v) {
    Register u(pool);
    a.vorps(u, v, a.all_bits(sign_bit));
    exp(u);
    Register t(pool), p(pool);
    a.vaddps(t, u, a.all(2.0f));
    a.vaddps(u, u, u);
    a.vdivps(u, u, t);
    a.vmulps(t, u, u);
    polynomial(p, t, {0.000547109114f, 0.0021876411f, 0.0125067271f, 0.0833330229f});
    a.vmulps(p, p, t);
    a.vfmadd213ps(p, u, u);
    a.vmaxps(v, v, a.all(0.0f));
    a.vaddps(v, v, p);
}

}  // namespace tercet::x64
