// SPDX-License-Identifier: Apache-2.0
// ReduceSum, ReduceMean, ReduceMax and ReduceSumSquare over the last axes, f32. A unit is an output element.
#include "cpu/map_program.h"

#include <algorithm>

namespace tercet {
namespace {

enum class Kind { none, sum, mean, max, sum_squares };

Kind kind_of(const Step& s) {
    if (s.is("ReduceSum")) return Kind::sum;
    if (s.is("ReduceMean")) return Kind::mean;
    if (s.is("ReduceMax")) return Kind::max;
    return s.is("ReduceSumSquare") ? Kind::sum_squares : Kind::none;
}

// Elements that one output sums up, if these lie in a row; 0 if not.
std::int64_t row_length(const Step& s) {
    const Dims& x = s.inputs[0].shape;
    std::array<bool, max_rank> reduced{};
    if (s.has(1)) {
        if (!s.inputs[1].constant) return 0;
        for (std::int64_t i = 0; i < s.inputs[1].constant->count(); ++i) {
            const std::int64_t axis = s.inputs[1].constant->get_int(i);
            reduced[static_cast<std::size_t>(axis < 0 ? axis + x.size() : axis)] = true;
        }
    }
    if (std::ranges::none_of(reduced, [](bool r) { return r; })) {
        if (s.attributes().integer("noop_with_empty_axes", 0) != 0) return 0;
        return count_of(x);
    }
    std::int64_t n = 1;
    int i = x.size() - 1;
    for (; i >= 0 && reduced[static_cast<std::size_t>(i)]; --i) n *= x[i];
    for (; i >= 0; --i)
        if (reduced[static_cast<std::size_t>(i)] && x[i] != 1) return 0;
    return n;
}

Refusal refuse(const Step& s, const Isa& isa) {
    if (isa.level == Isa::Level::reference) return "needs vector instructions";
    if (kind_of(s) == Kind::none) return "not a reduction that vector loops do";
    if (s.inputs[0].dtype != DType::f32) return "not f32";
    if (s.inputs[0].shape.empty() || row_length(s) == 0) return "not over the last axes";
    return TailProgram::refuse(s);
}

Kernel compile(const Step& s, const Variant&, const Isa& isa) {
    const simd::Level& level = *simd_level(isa);
    const Kind kind = kind_of(s);
    const std::int64_t n = row_length(s), rows = count_of(s.inputs[0].shape) / n;
    const Dims& y_shape = s.outputs[0].shape;
    const std::int64_t columns = y_shape.empty() ? 1 : y_shape.back();
    const auto tail = TailProgram::make(s, level);
    Kernel k;
    // A tail goes over whole rows of the output, so that a unit is such a row then.
    const std::int64_t block = tail ? std::max<std::int64_t>(1, columns) : 1;
    k.phases.push_back({.units = (rows + block - 1) / block, .run = [=, reduce = level.reduce](const Buffers& b, std::int64_t first, std::int64_t last) {
        auto* y = static_cast<float*>(b.outputs[0]);
        for (std::int64_t r = first * block; r < std::min(rows, last * block); ++r) {
            const float* x = static_cast<const float*>(b.inputs[0]) + r * n;
            y[r] = kind == Kind::max ? reduce.max(x, n) : kind == Kind::sum_squares ? reduce.sum_squares(x, n) : reduce.sum(x, n);
            if (kind == Kind::mean) y[r] /= static_cast<float>(n);
        }
        if (tail) tail->run(b, first, last - first, 0, columns);
    }});
    return k;
}

const RegisteredTactic reduce{{.name = "cpu/reduce_f32",
                               .most = Isa::Level::avx512,
                               .numerics = [](const Step& s) {
                                   if (!TailProgram::exact(s, simd::baseline::level())) return Numerics::approximate;
                                   return kind_of(s) == Kind::max ? Numerics::exact : Numerics::reordered_sum;
                               },
                               .refuse = refuse,
                               .variants = [](const Step&, const Isa&) { return std::vector{Variant{}}; },
                               .compile = compile,
                               .cost = [](const Step& s, const Variant&, const Isa&) { return static_cast<double>(count_of(s.inputs[0].shape)); }}};

}  // namespace
}  // namespace tercet
