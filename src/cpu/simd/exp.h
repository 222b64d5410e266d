// SPDX-License-Identifier: Apache-2.0
// e^x and its relatives by polynomials on a reduced argument. Bounds (shared test over all floats' exponents): 4 ulp.
#pragma once

#include "cpu/simd/vector.h"

namespace tercet::simd {
namespace {

inline Floats bits_to_floats(Ints i) { return __builtin_bit_cast(Floats, i); }
inline Ints floats_to_bits(Floats f) { return __builtin_bit_cast(Ints, f); }

// Half to even, for |x| below 2^22.
inline Floats round_even(Floats x) {
    const Floats magic = all(12582912.0f);  // 1.5 * 2^23
    Floats shifted = x + magic;
    return shifted - magic;
}

// e^(x + low) = 2^n * e^r, n = round(x/ln 2), |r| <= ln(2)/2 + |low|; e^r by its Taylor polynomial of degree 7 (remainder
// below 2^-27). `low` is small: what x lost when it was rounded.
inline Floats exp_of_sum(Floats x, Floats low) {
    const Floats bounded = min(max(x, all(-104.0f)), all(89.0f));
    const Floats n = round_even(bounded * 1.44269504088896341f);
    Floats r = bounded - n * 0.693359375f;  // ln 2 in two parts, the first with few bits: this product is exact
    r = fma(n, all(2.12194440e-4f), r) + low;
    Floats p = all(1.0f / 5040);
    p = fma(p, r, all(1.0f / 720));
    p = fma(p, r, all(1.0f / 120));
    p = fma(p, r, all(1.0f / 24));
    p = fma(p, r, all(1.0f / 6));
    p = fma(p, r, all(0.5f));
    p = fma(p * r, r, r) + 1.0f;
    // 2^n in two factors, so that results below 2^-126 are rounded once, as subnormals.
    const Ints ni = __builtin_convertvector(n, Ints);
    const Ints half = ni >> 1;
    const Floats a = bits_to_floats((half + 127) << 23), b = bits_to_floats((ni - half + 127) << 23);
    const Floats y = p * a * b;
    return x != x ? x : y;
}

inline Floats exp(Floats x) { return exp_of_sum(x, Floats{}); }

// e^x - 1 without cancellation near 0.
inline Floats expm1(Floats x) {
    const Floats far = exp(x) - 1.0f;
    Floats p = all(1.0f / 362880);
    p = p * x + 1.0f / 40320;
    p = p * x + 1.0f / 5040;
    p = p * x + 1.0f / 720;
    p = p * x + 1.0f / 120;
    p = p * x + 1.0f / 24;
    p = p * x + 1.0f / 6;
    p = p * x + 0.5f;
    const Floats near = p * x * x + x;
    const Floats size = x < 0 ? -x : x;
    return size < 0.5f ? near : far;
}

inline Floats sigmoid(Floats x) {
    const Floats e = exp(x < 0 ? x : -x);  // e^-|x|: never overflows
    return (x < 0 ? e : all(1.0f)) / (1.0f + e);
}

// tanh x = (e^2x - 1) / (e^2x + 1), through expm1.
inline Floats tanh(Floats x) {
    const Floats size = x < 0 ? -x : x;
    const Floats e = expm1(min(size, all(20.0f)) * 2.0f);
    const Floats t = e / (e + 2.0f);
    const Floats y = x < 0 ? -t : t;
    return x == 0 || x != x ? x : y;  // keeps the sign of 0
}

// erf x: below 1 the Maclaurin series; above, 1 - e^(-x^2) * q(t), t = 1/(1 + x/2), q by Chebyshev fitting (Press et al.,
// Numerical Recipes, section 6.2, erfc with fractional error below 1.2e-7).
inline Floats erf(Floats x) {
    const Floats a = x < 0 ? -x : x;
    const Floats z = a * a;
    // Coefficients (-1)^n / (n! (2n + 1)), n = 10 down to 0.
    Floats s = all(1.0f / (3628800.0f * 21));
    s = s * z - 1.0f / (362880.0f * 19);
    s = s * z + 1.0f / (40320.0f * 17);
    s = s * z - 1.0f / (5040.0f * 15);
    s = s * z + 1.0f / (720.0f * 13);
    s = s * z - 1.0f / (120.0f * 11);
    s = s * z + 1.0f / (24.0f * 9);
    s = s * z - 1.0f / (6.0f * 7);
    s = s * z + 1.0f / (2.0f * 5);
    s = s * z - 1.0f / 3;
    s = s * z + 1.0f;
    const Floats near = s * a * 1.12837916709551257f;
    const Floats t = 1.0f / (1.0f + 0.5f * a);
    Floats q = all(0.17087277f);
    q = q * t - 0.82215223f;
    q = q * t + 1.48851587f;
    q = q * t - 1.13520398f;
    q = q * t + 0.27886807f;
    q = q * t - 0.18628806f;
    q = q * t + 0.09678418f;
    q = q * t + 0.37409196f;
    q = q * t + 1.00002368f;
    q = q * t - 1.26551223f;
    const Floats far = 1.0f - t * exp(q - z);
    const Floats y = a < 1.0f ? near : far;
    const Floats signed_y = x < 0 ? -y : y;
    return x != x ? x : signed_y;
}

// x/2 * (1 + erf(x/sqrt 2)) as max(x, 0) - z*Q(z), z = |x|, Q(z) the upper tail of the normal distribution: no difference of
// near values on either side. Q(z) = e^(-z^2/2) * w(z), w a quotient of polynomials by a minimax fit; all their terms are
// positive, so that none cancel. z^2 is the square of z's upper half and a small rest. Beyond 14.6, z*Q(z) is below all floats.
inline Floats gelu(Floats x) {
    const Floats size = bits_to_floats(floats_to_bits(x) & 0x7fffffff), z = min(size, all(14.6f));
    const Floats upper = bits_to_floats(floats_to_bits(z) & static_cast<std::int32_t>(0xfffff000u));
    const Floats e = exp_of_sum(upper * upper * -0.5f, (z - upper) * (z + upper) * -0.5f);
    Floats p = all(0.00412372174f);
    p = p * z + 0.0406831242f;
    p = p * z + 0.183383077f;
    p = p * z + 0.438494503f;
    p = p * z + 0.5f;
    Floats q = all(0.0103365202f);
    q = q * z + 0.101983845f;
    q = q * z + 0.46986118f;
    q = q * z + 1.20311737f;
    q = q * z + 1.67487407f;
    q = q * z + 1.0f;
    Floats tail = e * z * p / q;
    tail = x == all(-__builtin_inff()) ? all(__builtin_nanf("")) : tail;  // -inf * 0
    const Floats y = (x < 0 ? Floats{} : x) - tail;
    const Ints sign = floats_to_bits(x) & static_cast<std::int32_t>(0x80000000u);  // the result's, too, if it is too small for a float
    return bits_to_floats(floats_to_bits(y) | sign);
}

// ln x for x > 0: x = 2^e * m, m in [sqrt(1/2), sqrt 2); ln m = 2 artanh(s), s = (m - 1)/(m + 1).
inline Floats log(Floats x) {
    const Floats scaled = x < 1.17549435e-38f ? x * 8388608.0f : x;  // subnormals
    const Floats offset = x < 1.17549435e-38f ? all(-23.0f) : Floats{};
    Ints bits = floats_to_bits(scaled);
    Ints e = ((bits - 0x3f3504f3) >> 23);
    const Floats m = bits_to_floats(bits - (e << 23));
    const Floats n = __builtin_convertvector(e, Floats) + offset;
    const Floats f = m - 1.0f;
    const Floats s = f / (m + 1.0f), z = s * s;
    Floats p = all(2.0f / 11);
    p = p * z + 2.0f / 9;
    p = p * z + 2.0f / 7;
    p = p * z + 2.0f / 5;
    p = p * z + 2.0f / 3;
    const Floats low = n * -2.12194440e-4f;
    const Floats y = n * 0.693359375f + (f - (s * (f - p * z) - low));  // f - s*(f - p*z) == 2s + p*z*s, without cancellation
    const Floats inf = all(__builtin_inff()), nan = all(__builtin_nanf(""));
    Floats r = x == inf ? inf : y;
    r = x == 0 ? -inf : r;
    return x < 0 || x != x ? nan : r;
}

}  // namespace
}  // namespace tercet::simd
