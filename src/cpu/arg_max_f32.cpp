// SPDX-License-Identifier: Apache-2.0
// ArgMax and ArgMin of f32: along rows over the last axis, else down the columns behind the axis.
#include "cpu/map_program.h"

#include <algorithm>
#include <limits>

namespace tercet {
namespace {

int axis_of(const Step& s) { return checked_axis(s.attributes().integer("axis", 0), s.inputs[0].shape.size()); }

Refusal refuse(const Step& s, const Isa& isa) {
    if (isa.level == Isa::Level::reference) return "needs vector instructions";
    if (!s.is("ArgMax") && !s.is("ArgMin")) return "does not ask where an extreme is";
    if (s.inputs[0].dtype != DType::f32) return "not f32";
    if (s.attributes().has("tail")) return "has a tail";
    const Dims& x = s.inputs[0].shape;
    if (x.empty() || count_of(x) == 0) return "no element";
    if (x[axis_of(s)] > std::numeric_limits<std::int32_t>::max()) return "its axis is too long for 32-bit places";
    return {};
}

Kernel compile(const Step& s, const Variant&, const Isa& isa) {
    const simd::ArgReductions& arg = simd_level(isa)->arg;
    const auto by_row = s.is("ArgMin") ? arg.min_row : arg.max_row;
    const auto by_column = s.is("ArgMin") ? arg.min_columns : arg.max_columns;
    const bool latest = s.attributes().integer("select_last_index", 0) != 0;
    const Dims& x = s.inputs[0].shape;
    const int axis = axis_of(s);
    const std::int64_t n = x[axis], columns = count_of(x.part(axis + 1)), matrices = count_of(x.part(0, axis));
    Kernel k;
    if (columns == 1) {
        const std::int64_t block = std::clamp<std::int64_t>(2048 / n, 1, matrices);
        k.phases.push_back({.units = (matrices + block - 1) / block, .run = [=](const Buffers& b, std::int64_t first, std::int64_t last) {
            for (std::int64_t r = first * block; r < std::min(last * block, matrices); ++r)
                static_cast<std::int64_t*>(b.outputs[0])[r] = by_row(static_cast<const float*>(b.inputs[0]) + r * n, n, latest);
        }});
        return k;
    }
    const std::int64_t block = std::min<std::int64_t>(columns, 256), blocks = (columns + block - 1) / block;
    k.phases.push_back({.units = matrices * blocks, .run = [=](const Buffers& b, std::int64_t first, std::int64_t last) {
        for (std::int64_t u = first; u < last; ++u) {
            const std::int64_t column = u % blocks * block, matrix = u / blocks;
            by_column(static_cast<std::int64_t*>(b.outputs[0]) + matrix * columns + column, static_cast<const float*>(b.inputs[0]) + matrix * n * columns + column, n, columns,
                      std::min(block, columns - column), latest);
        }
    }});
    return k;
}

const RegisteredTactic arg_max{{.name = "cpu/arg_max_f32",
                                .most = Isa::Level::avx512,
                                .numerics = [](const Step&) { return Numerics::exact; },
                                .refuse = refuse,
                                .variants = [](const Step&, const Isa&) { return std::vector{Variant{}}; },
                                .compile = compile,
                                .cost = [](const Step& s, const Variant&, const Isa&) { return static_cast<double>(count_of(s.inputs[0].shape)); }}};

}  // namespace
}  // namespace tercet
