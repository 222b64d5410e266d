// SPDX-License-Identifier: Apache-2.0
// Reductions over any axes, f32. Neighbouring axes that are both reduced, or both not, are joined. Then either the innermost is
// reduced, and outputs are reductions of rows, or it stays, and the rows over it are reduced into a row of the output.
#include "cpu/map_program.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <cmath>
#include <limits>

namespace tercet {
namespace {

enum class Kind { none, sum, mean, max, min, l1, l2, sum_squares };

Kind kind_of(const Step& s) {
    constexpr std::pair<std::string_view, Kind> names[] = {{"ReduceSum", Kind::sum}, {"ReduceMean", Kind::mean}, {"ReduceMax", Kind::max}, {"ReduceMin", Kind::min},
                                                           {"ReduceL1", Kind::l1},   {"ReduceL2", Kind::l2},     {"ReduceSumSquare", Kind::sum_squares}};
    for (const auto& [name, kind] : names)
        if (s.is(name)) return kind;
    return Kind::none;
}

// Extents and strides in x of the axes that stay and of those that are reduced, both outermost first.
struct Loops {
    Dims kept, kept_steps, reduced, reduced_steps;
    bool rows = false;  // the innermost axis is reduced
};

Loops loops_of(const Step& s) {
    const Dims& x = s.inputs[0].shape;
    std::bitset<max_rank> reduced;
    for (std::int64_t i = 0; s.has(1) && i < s.inputs[1].constant->count(); ++i) reduced.set(static_cast<std::size_t>(checked_axis(s.inputs[1].constant->get_int(i), x.size())));
    if (reduced.none() && s.attributes().integer("noop_with_empty_axes", 0) == 0) reduced.set();
    Loops l;
    const Dims steps = dense_strides(x);
    int before = -1;  // 1: the last joined axis is reduced, 0: it stays
    for (int i = 0; i < x.size(); ++i) {
        if (x[i] == 1) continue;
        const int now = reduced[static_cast<std::size_t>(i)];
        Dims &shape = now ? l.reduced : l.kept, &strides = now ? l.reduced_steps : l.kept_steps;
        if (now == before) {
            shape[shape.size() - 1] *= x[i];
            strides[strides.size() - 1] = steps[i];
        } else {
            shape.push_back(x[i]);
            strides.push_back(steps[i]);
        }
        before = now;
    }
    l.rows = before != 0;
    if (l.reduced.empty()) {  // of one element each
        l.reduced = {1}, l.reduced_steps = {1};
        l.rows = true;
    }
    return l;
}

std::int64_t offset_of(std::int64_t index, const Dims& shape, const Dims& steps, int dims) {
    std::int64_t offset = 0;
    for (int d = dims - 1; d >= 0; --d) {
        offset += index % shape[d] * steps[d];
        index /= shape[d];
    }
    return offset;
}

Refusal refuse(const Step& s, const Isa& isa) {
    if (isa.level == Isa::Level::reference) return "needs vector instructions";
    if (kind_of(s) == Kind::none) return "not a reduction that vector loops do";
    if (s.inputs[0].dtype != DType::f32) return "not f32";
    if (s.has(1) && !s.inputs[1].constant) return "its axes are computed";
    if (count_of(s.inputs[0].shape) == 0) return "no element";
    return TailProgram::refuse(s);
}

Phase row_phase(const Step& s, const simd::Level& level) {
    const Loops l = loops_of(s);
    const Kind kind = kind_of(s);
    const std::int64_t n = l.reduced.back(), outputs = count_of(l.kept);
    const int outer_dims = l.reduced.size() - 1;
    const std::int64_t outer = count_of(l.reduced.part(0, outer_dims));
    const auto count = static_cast<double>(outer * n);
    const std::int64_t columns = s.outputs[0].shape.empty() ? 1 : s.outputs[0].shape.back();
    const auto tail = TailProgram::make(s, level);
    // A tail goes over whole rows of the output.
    const std::int64_t block = std::max<std::int64_t>(1, 1024 / (outer * n) / (tail ? columns : 1)) * (tail ? columns : 1);
    return {.units = (outputs + block - 1) / block, .run = [=, reduce = level.reduce](const Buffers& b, std::int64_t first, std::int64_t last) {
        auto* y = static_cast<float*>(b.outputs[0]);
        const std::int64_t begin = first * block, end = std::min(outputs, last * block);
        for (std::int64_t i = begin; i < end; ++i) {
            const float* x = static_cast<const float*>(b.inputs[0]) + offset_of(i, l.kept, l.kept_steps, l.kept.size());
            if (kind == Kind::max || kind == Kind::min) {
                const auto row = kind == Kind::max ? reduce.max : reduce.min;
                std::array<float, 64> rows;  // results of rows, reduced in turn when the list is full
                std::size_t used = 0;
                for (std::int64_t o = 0; o < outer; ++o) {
                    rows[used++] = row(x + offset_of(o, l.reduced, l.reduced_steps, outer_dims), n);
                    if (used == rows.size()) rows[0] = row(rows.data(), static_cast<std::int64_t>(used)), used = 1;
                }
                y[i] = row(rows.data(), static_cast<std::int64_t>(used));
                continue;
            }
            double sum = 0;
            for (std::int64_t o = 0; o < outer; ++o) {
                const float* at = x + offset_of(o, l.reduced, l.reduced_steps, outer_dims);
                sum += kind == Kind::l1 ? reduce.sum_magnitudes(at, n) : kind == Kind::l2 || kind == Kind::sum_squares ? reduce.sum_squares(at, 0, n) : reduce.sum(at, n);
            }
            y[i] = static_cast<float>(kind == Kind::mean ? sum / count : kind == Kind::l2 ? std::sqrt(sum) : sum);
        }
        if (tail) tail->run(b, begin / columns, (end - begin) / columns, 0, columns);
    }};
}

Phase column_phase(const Step& s, const simd::Level& level) {
    const Loops l = loops_of(s);
    const Kind kind = kind_of(s);
    const std::int64_t columns = l.kept.back(), rows = l.reduced.back(), step = l.reduced_steps.back();
    const int kept_dims = l.kept.size() - 1, outer_dims = l.reduced.size() - 1;
    const std::int64_t output_rows = count_of(l.kept.part(0, kept_dims)), outer = count_of(l.reduced.part(0, outer_dims));
    const auto count = static_cast<float>(outer * rows);
    const std::int64_t row = s.outputs[0].shape.back();
    const auto tail = TailProgram::make(s, level);
    const std::int64_t block = tail ? columns : std::min<std::int64_t>(columns, 128), blocks = (columns + block - 1) / block;
    const simd::ColumnReductions& by = level.reduce_columns;
    const auto reduce = kind == Kind::max ? by.max : kind == Kind::min ? by.min : kind == Kind::l1 ? by.sum_magnitudes : kind == Kind::l2 || kind == Kind::sum_squares ? by.sum_squares : by.sum;
    constexpr float infinity = std::numeric_limits<float>::infinity();
    const float start = kind == Kind::max ? -infinity : kind == Kind::min ? infinity : 0;
    return {.units = output_rows * blocks, .run = [=](const Buffers& b, std::int64_t first, std::int64_t last) {
        for (std::int64_t u = first; u < last; ++u) {
            const std::int64_t column = u % blocks * block, n = std::min(block, columns - column), at = u / blocks * columns + column;
            const float* x = static_cast<const float*>(b.inputs[0]) + offset_of(u / blocks, l.kept, l.kept_steps, kept_dims) + column;
            float* y = static_cast<float*>(b.outputs[0]) + at;
            std::fill_n(y, n, start);
            for (std::int64_t o = 0; o < outer; ++o) reduce(y, x + offset_of(o, l.reduced, l.reduced_steps, outer_dims), rows, step, n);
            for (std::int64_t i = 0; kind == Kind::mean && i < n; ++i) y[i] /= count;
            for (std::int64_t i = 0; kind == Kind::l2 && i < n; ++i) y[i] = std::sqrt(y[i]);
            if (tail) tail->run(b, at / row, n / row, 0, row);
        }
    }};
}

Kernel compile(const Step& s, const Variant&, const Isa& isa) {
    const simd::Level& level = *simd_level(isa);
    Kernel k;
    k.phases.push_back(loops_of(s).rows ? row_phase(s, level) : column_phase(s, level));
    return k;
}

const RegisteredTactic reduce{{.name = "cpu/reduce_f32",
                               .most = Isa::Level::avx512,
                               .numerics = [](const Step& s) {
                                   if (!TailProgram::exact(s, simd::baseline::level())) return Numerics::approximate;
                                   return kind_of(s) == Kind::max || kind_of(s) == Kind::min ? Numerics::exact : Numerics::reordered_sum;
                               },
                               .refuse = refuse,
                               .variants = [](const Step&, const Isa&) { return std::vector{Variant{}}; },
                               .compile = compile,
                               .cost = [](const Step& s, const Variant&, const Isa&) { return static_cast<double>(count_of(s.inputs[0].shape)); },
                               .canonical = TailProgram::canonical}};

}  // namespace
}  // namespace tercet
