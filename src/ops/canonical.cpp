// SPDX-License-Identifier: Apache-2.0
#include "ops/canonical.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <limits>

namespace tercet::canonical {
namespace {

constexpr float log2e = 1.44269504088896341f;
constexpr float ln2_high = 0.693147182464599609f, ln2_low = -1.90465429995776804e-9f;
constexpr float to_integer = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer, half to even
constexpr float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();

// What vmaxps and vminps give: the second where either is NaN, or both are zeros.
float greater(float a, float b) { return a > b ? a : b; }
float lesser(float a, float b) { return a < b ? a : b; }

float clamped(float v, float least, float greatest) { return lesser(greatest, greater(least, v)); }
float size_of(float v) { return std::fabs(v); }
float with_sign_of(float v, float of) { return std::bit_cast<float>(std::bit_cast<std::uint32_t>(v) | (std::bit_cast<std::uint32_t>(of) & 0x80000000u)); }

float polynomial(float x, std::initializer_list<float> highest_first) {
    const float* c = highest_first.begin();
    float p = *c;
    while (++c != highest_first.end()) p = std::fma(x, p, *c);
    return p;
}

float powers_of_two(float v) { return std::fma(v, log2e, to_integer) - to_integer; }
float remainder(float v, float n) { return std::fma(-n, ln2_low, std::fma(-n, ln2_high, v)); }

// e^v * 2^n, rounded once more where it is subnormal.
float exp_reduced(float v, float n) {
    const float p = polynomial(v, {1.0f / 5040, 1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f});
    return std::isnan(p) || std::isnan(n) ? nan : std::ldexp(p, static_cast<int>(n));
}

}  // namespace

float exp(float v, float greatest) {
    v = clamped(v, -104.0f, greatest);
    const float n = powers_of_two(v);
    return exp_reduced(remainder(v, n), n);
}

float expm1(float v, float greatest) {
    v = clamped(v, -40.0f, greatest);
    if (std::isnan(v)) return v;
    const float n = lesser(powers_of_two(v), 127.0f);
    v = remainder(v, n);
    float p = polynomial(v, {1.0f / 362880, 1.0f / 40320, 1.0f / 5040, 1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f});
    p = std::fma(v, p * v, v);
    const float power = std::ldexp(1.0f, static_cast<int>(n));
    return std::fma(power, p, -(1.0f - power));
}

float sigmoid(float v) {
    const float e = exp(v, 40.0f);
    return e / (e + 1.0f);
}

float tanh(float v) {
    const float e = expm1(size_of(v) + size_of(v), 40.0f);
    return with_sign_of(e / (e + 2.0f), v);
}

float erf(float v) {
    float far = polynomial(lesser(4.0f, size_of(v)), {0.000185573968f, -0.00293960702f, 0.0218053162f, -0.103037365f, -0.638225675f, -1.12704003f, -0.000353719952f});
    const float n = powers_of_two(far);
    far = with_sign_of(1.0f - exp_reduced(remainder(far, n), n), v);
    const float square = v * v;
    const float near = polynomial(square, {7.85386146e-05f, -0.000801019371f, 0.00518832775f, -0.0268538129f, 0.112835854f, -0.37612626f, 0.128379166f});
    return square < 1.0f ? std::fma(v, near, v) : far;
}

float gelu(float v) {
    constexpr float end = 14.6f;
    const float t = lesser(end, size_of(v)), square = t * t, lost = std::fma(t, t, -square);
    float e = square * -0.5f;
    const float n = powers_of_two(e);
    e = exp_reduced(std::fma(-lost, 0.5f, remainder(e, n)), n);
    e = e * lesser(size_of(v), end);
    e = e * polynomial(t, {0.00412372174f, 0.0406831242f, 0.183383077f, 0.438494503f, 0.5f});
    e = e / polynomial(t, {0.0103365202f, 0.101983845f, 0.46986118f, 1.20311737f, 1.67487407f, 1.0f});
    if (v == -inf) e = nan;
    return with_sign_of(greater(0.0f, v) - e, v);
}

float log(float v) {
    constexpr float least_normal = 1.17549435e-38f;
    constexpr std::int32_t root_of_half = 0x3f3504f3;  // as bits
    const bool small = v < least_normal;
    const auto bits = std::bit_cast<std::int32_t>(small ? v * 8388608.0f : v);
    const std::int32_t exponent = static_cast<std::int32_t>(static_cast<std::uint32_t>(bits) - static_cast<std::uint32_t>(root_of_half)) >> 23;
    const float f = std::bit_cast<float>(static_cast<std::uint32_t>(bits) - (static_cast<std::uint32_t>(exponent) << 23)) - 1.0f;
    const float n = static_cast<float>(exponent) - (small ? 23.0f : 0.0f);
    float p = polynomial(f, {0.0674664229f, -0.116756521f, 0.11888162f, -0.124055885f, 0.142195523f, -0.166679963f, 0.200021192f, -0.250000089f, 0.333333135f, -0.5f});
    p = std::fma(f, p * f, f);
    p = std::fma(n, ln2_high, std::fma(n, ln2_low, p));
    if (!(v < inf)) p = v;
    if (v < 0.0f) p = nan;
    return v == 0.0f ? -inf : p;
}

float mish(float v) {
    float e = exp(v, 40.0f);
    e = e * (e + 2.0f);
    return v * (e / (e + 2.0f));
}

float softplus(float v) {
    float u = exp(-size_of(v));
    u = (u + u) / (u + 2.0f);
    const float square = u * u;
    const float p = polynomial(square, {0.000547109114f, 0.0021876411f, 0.0125067271f, 0.0833330229f}) * square;
    return greater(v, 0.0f) + std::fma(u, p, u);
}

float hard_sigmoid(float v, float slope, float offset) { return greater(0.0f, lesser(1.0f, std::fma(slope, v, offset))); }

float hard_swish(float v) { return v * (lesser(greater(v + 3.0f, 0.0f), 6.0f) * (1.0f / 6)); }

float softsign(float v) { return v / (size_of(v) + 1.0f); }

float elu(float v, float slope) { return v < 0.0f ? expm1(v) * slope : v; }

float selu(float v, float slope, float factor) { return (v > 0.0f ? v : with_sign_of(expm1(v), v) * slope) * factor; }

float celu(float v, float slope) {
    const float below = lesser(0.0f, expm1(v / slope) * slope);
    return with_sign_of(below + greater(0.0f, v), v);
}

}  // namespace tercet::canonical
