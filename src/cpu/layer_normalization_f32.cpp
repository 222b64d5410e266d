// SPDX-License-Identifier: Apache-2.0
// LayerNormalization and RMSNormalization, f32: the axes from `axis` on are a row. A unit is a block of rows.
#include "cpu/map_program.h"

#include <algorithm>

namespace tercet {
namespace {

int axis_of(const Step& s) { return checked_axis(s.attributes().integer("axis", -1), s.inputs[0].shape.size()); }

// Whether v has an element for each of a row of x, and none for what is before the row.
bool lies_along_row(const Dims& v, const Dims& x, int axis) {
    for (int i = 0; i < x.size(); ++i) {
        const int at = i - (x.size() - v.size());
        if ((at < 0 ? 1 : v[at]) != (i < axis ? 1 : x[i])) return false;
    }
    return true;
}

Refusal refuse(const Step& s, const Isa& isa) {
    if (isa.level == Isa::Level::reference) return "needs vector instructions";
    if (!s.is("LayerNormalization") && !s.is("RMSNormalization")) return "no normalization of rows";
    for (const auto* operands : {&s.inputs, &s.outputs})
        for (const auto& o : *operands)
            if (o && o.dtype != DType::f32) return "not f32";
    const Dims& x = s.inputs[0].shape;
    if (count_of(x) == 0) return "no row";
    if (!s.outputs[0]) return "its first output is left out";
    for (std::size_t i : {1, 2})
        if (s.is("LayerNormalization") || i == 1)
            if (s.has(i) && !lies_along_row(s.inputs[i].shape, x, axis_of(s))) return "scale or bias is broadcast along the row, or differs between rows";
    return TailProgram::refuse(s);
}

Kernel compile(const Step& s, const Variant& v, const Isa& isa) {
    const simd::Level& level = *simd_level(isa);
    const Dims& x = s.inputs[0].shape;
    const std::int64_t n = count_of(x.part(axis_of(s))), rows = count_of(x) / n, columns = x.back();
    const std::int64_t block = std::clamp<std::int64_t>(v.tile / n, 1, rows);
    const bool centered = s.is("LayerNormalization"), bias = centered && s.has(2);
    const double epsilon = s.attributes().real("epsilon", 1e-5f);
    const auto wants = [&](std::size_t i) { return centered && s.outputs.size() > i && s.outputs[i]; };
    const auto tail = TailProgram::make(s, level);
    Kernel k;
    k.phases.push_back({.units = (rows + block - 1) / block,
                        .run = [=, wants_mean = wants(1), wants_inverse = wants(2), normalize = level.normalize.rows](const Buffers& b, std::int64_t first, std::int64_t last) {
        const std::int64_t row = first * block, count = std::min(last * block, rows) - row;
        normalize({.y = static_cast<float*>(b.outputs[0]) + row * n,
                   .x = static_cast<const float*>(b.inputs[0]) + row * n,
                   .rows = count,
                   .n = n,
                   .scale = static_cast<const float*>(b.inputs[1]),
                   .bias = bias ? static_cast<const float*>(b.inputs[2]) : nullptr,
                   .epsilon = epsilon,
                   .centered = centered,
                   .mean = wants_mean ? static_cast<float*>(b.outputs[1]) + row : nullptr,
                   .inverse = wants_inverse ? static_cast<float*>(b.outputs[2]) + row : nullptr});
        if (tail) tail->run(b, row * n / columns, count * n / columns, 0, columns);
    }});
    return k;
}

const RegisteredTactic layer_normalization{{.name = "cpu/layer_normalization_f32",
                                            .most = Isa::Level::avx512,
                                            .numerics = [](const Step& s) { return TailProgram::exact(s, simd::baseline::level()) ? Numerics::reordered_sum : Numerics::approximate; },
                                            .refuse = refuse,
                                            .variants = [](const Step&, const Isa&) { return std::vector<Variant>{{.tile = 2048}, {.tile = 16384}}; },
                                            .compile = compile,
                                            .cost = [](const Step& s, const Variant&, const Isa&) { return 3 * static_cast<double>(count_of(s.inputs[0].shape)); },
                                            .canonical = TailProgram::canonical}};

}  // namespace
}  // namespace tercet
