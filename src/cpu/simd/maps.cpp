// SPDX-License-Identifier: Apache-2.0
// Element-wise functions over rows of floats. Those not listed here run through the reference's scalar function.
#include "cpu/simd/exp.h"
#include "cpu/simd/parts.h"

namespace tercet::simd {
namespace {

template <class F>
inline void run(float* out, const float* a, const float* b, const float* c, std::int64_t n, F f) {
    std::int64_t i = 0;
    for (; i + lanes <= n; i += lanes) store(out + i, f(load(a + i), load(b + i), load(c + i)));
    if (i < n) store_part(out + i, f(load_part(a + i, n - i), load_part(b + i, n - i), load_part(c + i, n - i)), n - i);
}

// The unary and binary forms pass `a` for what they do not read.
template <class F, F f>
void unary(float* out, const float* a, const float*, const float*, std::int64_t n) noexcept {
    run(out, a, a, a, n, [](Floats x, Floats, Floats) { return f(x); });
}
template <class F, F f>
void binary(float* out, const float* a, const float* b, const float*, std::int64_t n) noexcept {
    run(out, a, b, b, n, [](Floats x, Floats y, Floats) { return f(x, y); });
}
template <class F, F f>
void ternary(float* out, const float* a, const float* b, const float* c, std::int64_t n) noexcept {
    run(out, a, b, c, n, [](Floats x, Floats y, Floats z) { return f(x, y, z); });
}

template <auto f> constexpr Map one = unary<decltype(f), f>;
template <auto f> constexpr Map two = binary<decltype(f), f>;
template <auto f> constexpr Map three = ternary<decltype(f), f>;

Floats hard_sigmoid(Floats x, Floats a, Floats b) { return max(Floats{}, min(all(1.0f), a * x + b)); }
Floats clip(Floats x, Floats lo, Floats hi) { return min(max(x, lo), hi); }
Floats elu(Floats x, Floats a) { return x < 0 ? a * expm1(x) : x; }
Floats hard_swish(Floats x) { return x * hard_sigmoid(x, all(1.0f / 6), all(0.5f)); }
Floats leaky_relu(Floats x, Floats a) { return x < 0 ? a * x : x; }
Floats relu(Floats x) { return x < 0 ? Floats{} : x; }
Floats reciprocal(Floats x) { return 1.0f / x; }
Floats absolute(Floats x) { return bits_to_floats(floats_to_bits(x) & 0x7fffffff); }
Floats negative(Floats x) { return bits_to_floats(floats_to_bits(x) ^ static_cast<std::int32_t>(0x80000000u)); }
using Bits = std::uint32_t __attribute__((vector_size(TERCET_VECTOR_BYTES)));  // whose sums may wrap: those of NaN do
// To a multiple of 2^n, half to even.
Bits round_bits(Bits x, int n) { return (x + ((1u << (n - 1)) - 1) + ((x >> n) & 1)) & ~((1u << n) - 1); }
Floats round_bf16(Floats x) { return x != x ? x : __builtin_bit_cast(Floats, round_bits(__builtin_bit_cast(Bits, x), 16)); }
Floats round_f16(Floats x) {
    const Floats size = absolute(x), normal = __builtin_bit_cast(Floats, round_bits(__builtin_bit_cast(Bits, size), 13));
    const Floats subnormal = (size + 0.5f) - 0.5f;  // to a multiple of 2^-24, as floats between 0.5 and 1 are
    const Floats rounded = size < 0x1p-14f ? subnormal : normal < 65536.0f ? normal : all(__builtin_huge_valf());
    return x != x ? x : bits_to_floats(floats_to_bits(rounded) | (floats_to_bits(x) & static_cast<std::int32_t>(0x80000000u)));
}
Floats root(Floats x) {
    Floats r;
    for (int i = 0; i < lanes; ++i) r[i] = __builtin_sqrtf(x[i]);  // becomes one instruction with -fno-math-errno
    return r;
}
Floats add(Floats a, Floats b) { return a + b; }
Floats sub(Floats a, Floats b) { return a - b; }
Floats mul(Floats a, Floats b) { return a * b; }
Floats quotient(Floats a, Floats b) { return a / b; }

// Sorted by name.
constexpr MapEntry entries[]{
    {"abs", true, one<absolute>},
    {"add", true, two<add>},
    {"clip", true, three<clip>},
    {"div", true, two<quotient>},
    {"elu", false, two<elu>},
    {"erf", false, one<erf>},
    {"exp", false, one<exp>},
    {"gelu", false, one<gelu>},
    {"hard_sigmoid", false, three<hard_sigmoid>},
    {"hard_swish", false, one<hard_swish>},
    {"leaky_relu", true, two<leaky_relu>},
    {"log", false, one<log>},
    {"max", true, two<max>},
    {"min", true, two<min>},
    {"mul", true, two<mul>},
    {"neg", true, one<negative>},
    {"reciprocal", true, one<reciprocal>},
    {"relu", true, one<relu>},
    {"round_bf16", true, one<round_bf16>},
    {"round_f16", true, one<round_f16>},
    {"sigmoid", false, one<sigmoid>},
    {"sqrt", true, one<root>},
    {"sub", true, two<sub>},
    {"tanh", false, one<tanh>},
};

}  // namespace

namespace TERCET_LEVEL {
const MapEntry* const maps = entries;
const int map_count = sizeof entries / sizeof entries[0];
}  // namespace TERCET_LEVEL

}  // namespace tercet::simd
