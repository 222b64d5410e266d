// SPDX-License-Identifier: Apache-2.0
// Cast between numbers, element by element, as the reference converts them; and Shape, which is known when a kernel is compiled.
#include "target/tactic.h"

#include "ops/elementwise.h"

#include <algorithm>
#include <type_traits>

namespace tercet {
namespace {

bool is_plain(DType t) { return t == DType::f32 || t == DType::i64 || t == DType::i32 || t == DType::boolean || t == DType::u8 || t == DType::i8; }

Refusal refuse_cast(const Step& s, const Isa& isa) {
    if (isa.level == Isa::Level::reference) return "needs vector instructions";
    if (!s.is("Cast")) return "not a cast";
    if (!is_plain(s.inputs[0].dtype) || !is_plain(s.outputs[0].dtype)) return "a type that the reference casts";
    if (s.inputs[0].dtype == DType::f32 && s.outputs[0].dtype != DType::boolean && s.outputs[0].dtype != DType::f32) return "from floats to integers";
    if (s.attributes().has("tail")) return "it has a tail";
    return {};
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

Convert conversion(DType from, DType to) {
    return with_type(from, [&]<class From>(TypeTag<From>) {
        return with_type(to, [&]<class To>(TypeTag<To>) -> Convert {
            if constexpr (std::is_arithmetic_v<From> && std::is_arithmetic_v<To>) return to == DType::boolean ? convert<From, To, true> : convert<From, To, false>;
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
