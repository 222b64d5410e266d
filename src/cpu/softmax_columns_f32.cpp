// SPDX-License-Identifier: Apache-2.0
// Softmax over an axis that is not the last, f32: for each place before the axis, down the columns behind it. A unit is a block of columns.
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
    if (x.empty() || count_of(x) == 0) return "no column";
    if (count_of(x.part(axis_of(s) + 1)) == 1) return "over the last axis; cpu/softmax_f32 takes that";
    return TailProgram::refuse(s);
}

Kernel compile(const Step& s, const Variant&, const Isa& isa) {
    const simd::Level& level = *simd_level(isa);
    const Dims& x = s.inputs[0].shape;
    const int axis = axis_of(s);
    const std::int64_t n = x[axis], columns = count_of(x.part(axis + 1)), matrices = count_of(x.part(0, axis)), row = x.back();
    const auto tail = TailProgram::make(s, level);
    // A tail goes over whole rows of the output, so that a unit has all columns then.
    const std::int64_t block = tail ? columns : std::min<std::int64_t>(columns, 256), blocks = (columns + block - 1) / block;
    Kernel k;
    k.phases.push_back({.units = matrices * blocks, .run = [=, softmax = level.softmax_columns](const Buffers& b, std::int64_t first, std::int64_t last) {
        for (std::int64_t u = first; u < last; ++u) {
            const std::int64_t column = u % blocks * block, start = u / blocks * n * columns + column;
            softmax(static_cast<float*>(b.outputs[0]) + start, static_cast<const float*>(b.inputs[0]) + start, n, columns, std::min(block, columns - column));
            if (tail) tail->run(b, start / row, n * columns / row, 0, row);
        }
    }});
    return k;
}

const RegisteredTactic softmax_columns{{.name = "cpu/softmax_columns_f32",
                                        .most = Isa::Level::avx512,
                                        .numerics = [](const Step&) { return Numerics::approximate; },
                                        .refuse = refuse,
                                        .variants = [](const Step&, const Isa&) { return std::vector{Variant{}}; },
                                        .compile = compile,
                                        .cost = [](const Step& s, const Variant&, const Isa&) { return 4 * static_cast<double>(count_of(s.inputs[0].shape)); },
                                        .canonical = TailProgram::canonical}};

}  // namespace
}  // namespace tercet
