// SPDX-License-Identifier: Apache-2.0
// Cast between numbers, element by element, as the reference converts them (of 16-bit floats: to f32 and back); and Shape, which is known when a kernel is compiled.
#include "target/tactic.h"

#include "ops/elementwise.h"

#include <algorithm>
#include <bit>
#include <type_traits>

namespace tercet {
namespace {

bool is_plain(DType t) { return t == DType::f32 || t == DType::i64 || t == DType::i32 || t == DType::boolean || t == DType::u8 || t == DType::i8; }

bool is_half(DType t) { return t == DType::f16 || t == DType::bf16; }

Refusal refuse_cast(const Step& s, const Isa& isa) {
    if (isa.level == Isa::Level::reference) return "needs vector instructions";
    if (!s.is("Cast")) return "not a cast";
    const DType from = s.inputs[0].dtype, to = s.outputs[0].dtype;
    if (s.attributes().has("tail")) return "it has a tail";
    if ((is_half(from) && to == DType::f32) || (from == DType::f32 && is_half(to))) return {};
    if (!is_plain(from) || !is_plain(to)) return "a type that the reference casts";
    if (from == DType::f32 && to != DType::boolean && to != DType::f32) return "from floats to integers";
    return {};
}

// What half.h does in double, by selections, so that compilers make vectors of it; NaN stays some NaN.
float widened(Float16 h) {
    const std::uint32_t sign = static_cast<std::uint32_t>(h.bits & 0x8000) << 16, size = h.bits & 0x7fffu;
    const auto subnormal = std::bit_cast<std::uint32_t>(static_cast<float>(static_cast<std::int32_t>(size)) * 0x1p-24f);
    const std::uint32_t normal = (size << 13) + (112u << 23);
    return std::bit_cast<float>(size > 0x7c00 ? 0x7fc00000u : sign | (size == 0x7c00 ? 0x7f800000u : size < 0x400 ? subnormal : normal));
}

float widened(BFloat16 h) { return std::bit_cast<float>(static_cast<std::uint32_t>(h.bits) << 16); }

void narrow(float x, Float16& h) {
    const auto bits = std::bit_cast<std::uint32_t>(x);
    const std::uint32_t size = bits & 0x7fffffff, sign = bits >> 16 & 0x8000;
    const std::uint32_t normal = (size - (112u << 23) + 0xfff + (size >> 13 & 1)) >> 13;
    const std::uint32_t subnormal = std::bit_cast<std::uint32_t>(std::bit_cast<float>(size) + 0.5f) - 0x3f000000;  // floats from 0.5 on are 2^-24 apart
    h.bits = static_cast<std::uint16_t>(size > 0x7f800000 ? 0x7e00 : sign | (size < 0x38800000 ? subnormal : size >= 0x477ff000 ? 0x7c00 : normal));
}

void narrow(float x, BFloat16& h) {
    const auto bits = std::bit_cast<std::uint32_t>(x);
    h.bits = static_cast<std::uint16_t>((bits & 0x7fffffff) > 0x7f800000 ? 0x7fc0 : (bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

using Convert = void (*)(void* y, const void* x, std::int64_t first, std::int64_t last);

template <class From, class To, bool to_bool>
void convert(void* y, const void* x, std::int64_t first, std::int64_t last) {
    const auto* from = static_cast<const From*>(x);
    auto* to = static_cast<To*>(y);
    for (std::int64_t i = first; i < last; ++i) {
        if constexpr (to_bool) to[i] = from[i] != 0;
        else to[i] = static_cast<To>(from[i]);  // integers wrap
    }
}

template <class From, class To>
void convert_floats(void* y, const void* x, std::int64_t first, std::int64_t last) {
    const auto* from = static_cast<const From*>(x);
    auto* to = static_cast<To*>(y);
    for (std::int64_t i = first; i < last; ++i) {
        if constexpr (std::is_same_v<To, float>) to[i] = widened(from[i]);
        else narrow(from[i], to[i]);
    }
}

Convert conversion(DType from, DType to) {
    return with_type(from, [&]<class From>(TypeTag<From>) {
        return with_type(to, [&]<class To>(TypeTag<To>) -> Convert {
            if constexpr (std::is_arithmetic_v<From> && std::is_arithmetic_v<To>) return to == DType::boolean ? convert<From, To, true> : convert<From, To, false>;
            else if constexpr (!std::is_arithmetic_v<From> && std::is_same_v<To, float>) return convert_floats<From, To>;
            else if constexpr (std::is_same_v<From, float> && !std::is_arithmetic_v<To>) return convert_floats<From, To>;
            else return nullptr;
        });
    });
}

Kernel compile_cast(const Step& s, const Variant& v, const Isa&) {
    const std::int64_t n = count_of(s.outputs[0].shape), block = v.tile;
    Kernel k;
    k.phases.push_back({.units = (n + block - 1) / block, .run = [=, f = conversion(s.inputs[0].dtype, s.outputs[0].dtype)](const Buffers& b, std::int64_t first, std::int64_t last) {
                            f(b.outputs[0], b.inputs[0], first * block, std::min(n, last * block));
                        }});
    return k;
}

const RegisteredTactic cast{{.name = "cpu/cast",
                             .most = Isa::Level::baseline,
                             .numerics = [](const Step&) { return Numerics::exact; },
                             .refuse = refuse_cast,
                             .variants = [](const Step&, const Isa&) { return std::vector<Variant>{{.tile = 4096}}; },
                             .compile = compile_cast,
                             .cost = [](const Step& s, const Variant&, const Isa&) { return static_cast<double>(count_of(s.outputs[0].shape)); }}};

Kernel compile_shape(const Step& s, const Variant&, const Isa&) {
    const Dims& x = s.inputs[0].shape;
    const auto bound = [&](std::string_view name, std::int64_t missing) {
        const std::int64_t at = s.attributes().integer(name, missing);
        return std::clamp<std::int64_t>(at < 0 ? at + x.size() : at, 0, x.size());
    };
    const std::int64_t first = bound("start", 0), last = bound("end", x.size());
    Kernel k;
    k.phases.push_back({.units = 1, .run = [extents = x.part(static_cast<int>(first), static_cast<int>(std::max<std::int64_t>(0, last - first)))](const Buffers& b, std::int64_t, std::int64_t) {
                            std::ranges::copy(extents, static_cast<std::int64_t*>(b.outputs[0]));
                        }});
    return k;
}

const RegisteredTactic shape{{.name = "cpu/shape",
                              .most = Isa::Level::baseline,
                              .numerics = [](const Step&) { return Numerics::exact; },
                              .refuse = [](const Step& s, const Isa& isa) { return isa.level == Isa::Level::reference ? Refusal("needs vector instructions") : s.is("Shape") ? Refusal() : Refusal("no shape"); },
                              .variants = [](const Step&, const Isa&) { return std::vector{Variant{}}; },
                              .compile = compile_shape,
                              .cost = [](const Step&, const Variant&, const Isa&) { return 1.0; }}};

}  // namespace
}  // namespace tercet
