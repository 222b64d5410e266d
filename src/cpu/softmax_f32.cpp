// SPDX-License-Identifier: Apache-2.0
// Softmax over the last axis, f32: y = exp(x - max) / sum. A unit is a row, or a block of rows where they are short.
#include "cpu/map_program.h"

#include <algorithm>

namespace tercet {
namespace {

int axis_of(const Step& s) { return checked_axis(s.attributes().integer("axis", -1), s.inputs[0].shape.size()); }

Refusal refuse(const Step& s, const Isa& isa) {
    if (isa.level == Isa::Level::reference) return "needs vector instructions";
    if (!s.is("Softmax")) return "not a softmax";
    if (s.inputs[0].dtype != DType::f32) return "not f32";
    const Dims& x = s.inputs[0].shape;
    if (x.empty() || count_of(x) == 0) return "no row";
    if (count_of(x.part(axis_of(s) + 1)) != 1) return "not over the last axis; cpu/softmax_columns_f32 takes others";
    return TailProgram::refuse(s);
}

Kernel compile(const Step& s, const Variant& v, const Isa& isa) {
    const simd::Level& level = *simd_level(isa);
    const Dims& x = s.inputs[0].shape;
    const std::int64_t n = x[axis_of(s)], rows = count_of(x) / n, columns = x.back();  // extents of 1 may follow the axis
    const std::int64_t block = std::clamp<std::int64_t>(v.tile / n, 1, rows), blocks = (rows + block - 1) / block;
    const auto tail = TailProgram::make(s, level);
    Kernel k;
    k.phases.push_back({.units = blocks, .run = [=, softmax_rows = level.softmax](const Buffers& b, std::int64_t first, std::int64_t last) {
        const std::int64_t row = first * block, count = std::min(last * block, rows) - row;
        softmax_rows(static_cast<float*>(b.outputs[0]) + row * n, static_cast<const float*>(b.inputs[0]) + row * n, count, n);
        if (tail) tail->run(b, row * n / columns, count * n / columns, 0, columns);
    }});
    return k;
}

const RegisteredTactic softmax{{.name = "cpu/softmax_f32",
                                .most = Isa::Level::avx512,
                                .numerics = [](const Step&) { return Numerics::approximate; },
                                .refuse = refuse,
                                .variants = [](const Step&, const Isa&) { return std::vector<Variant>{{.tile = 2048}, {.tile = 16384}}; },
                                .compile = compile,
                                .cost = [](const Step& s, const Variant&, const Isa&) { return 4 * static_cast<double>(count_of(s.inputs[0].shape)); },
                                .canonical = TailProgram::canonical}};

}  // namespace
}  // namespace tercet
