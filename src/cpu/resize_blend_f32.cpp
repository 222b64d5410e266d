// SPDX-License-Identifier: Apache-2.0
// Resize by interpolation (linear, cubic, with or without antialiasing), f32. Axes that stay and are the innermost ones, as channels that
// lie last, are a block: an output's block is a weighted sum of blocks. Else rows of the input are summed up first, weighted by
// the outer axes, and the output's row is blended from that one.
#include "cpu/map_program.h"
#include "cpu/resize_axes.h"

#include <algorithm>
#include <array>
#include <limits>

namespace tercet {
namespace {

constexpr std::size_t most_taps = 64;

// What the elements along one axis of the output are made of: `taps` elements each, as many as the largest window has.
struct Axis {
    std::int64_t extent = 0, taps = 1;
    std::vector<std::int64_t> places;  // [extent, taps]: floats from the start of the input
    std::vector<float> weights;

    Axis(const std::vector<Samples>& samples, std::int64_t step) : extent(static_cast<std::int64_t>(samples.size())) {
        for (const Samples& s : samples) taps = std::max(taps, s.count());
        for (const Samples& s : samples)
            for (std::int64_t k = 0; k < taps; ++k) {
                places.push_back(s.element(std::min(k, s.count() - 1)) * step);
                weights.push_back(k < s.count() ? static_cast<float>(s.weight(k)) : 0.0f);
            }
    }
};

// A list of blocks of the input and their weights, which grows by one axis after the other.
struct Taps {
    std::array<const float*, most_taps> x;
    std::array<float, most_taps> weights;
    std::size_t count = 1;

    explicit Taps(const float* start) {
        x[0] = start;
        weights[0] = 1;
    }
    Taps along(const Axis& axis, std::int64_t i) const noexcept {
        Taps t(x[0]);
        t.count = 0;
        for (std::size_t k = 0; k < count; ++k)
            for (std::int64_t j = 0; j < axis.taps; ++j, ++t.count) {
                t.x[t.count] = x[k] + axis.places[static_cast<std::size_t>(i * axis.taps + j)];
                t.weights[t.count] = weights[k] * axis.weights[static_cast<std::size_t>(i * axis.taps + j)];
            }
        return t;
    }
};

struct Plan {
    std::vector<Axis> axes;  // that do not belong to the block: at least one
    std::int64_t block = 1;  // floats
};

Plan plan_of(const Step& s) {
    const auto samples = resize_samples(s);
    const Dims &x = s.inputs[0].shape, steps = dense_strides(x);
    Plan p;
    int rank = x.size();
    while (rank > 1 && stays(samples[static_cast<std::size_t>(rank - 1)], x[rank - 1])) p.block *= x[--rank];
    for (int a = 0; a < rank; ++a) p.axes.emplace_back(samples[static_cast<std::size_t>(a)], steps[a]);
    return p;
}

Refusal refuse(const Step& s, const Isa& isa) {
    if (Refusal r = refuse_resize(s, isa)) return r;
    if (s.attributes().text("mode", "nearest") == "nearest") return "takes elements over as they are; cpu/resize_nearest does that";
    if (s.inputs[0].dtype != DType::f32) return "not f32";
    if (s.inputs[0].shape.empty()) return "a scalar has no axis";
    if (s.inputs[0].shape.back() > std::numeric_limits<std::int32_t>::max()) return "its rows are too long for 32-bit places";
    if (count_of(s.outputs[0].shape) == 0) return "its output is empty";
    std::int64_t taps = 1;
    for (const Axis& a : plan_of(s).axes)
        if ((taps *= a.taps) > std::int64_t{most_taps}) return "its windows are too large";
    return TailProgram::refuse(s);
}

// The taps of the first `dims` axes for a row of the output, counted over them.
Taps taps_of_row(const float* x, const std::vector<Axis>& axes, std::size_t dims, std::int64_t row) noexcept {
    Taps t(x);
    for (std::size_t d = dims; d-- > 0;) {
        t = t.along(axes[d], row % axes[d].extent);
        row /= axes[d].extent;
    }
    return t;
}

Kernel compile(const Step& s, const Variant&, const Isa& isa) {
    const simd::Level& level = *simd_level(isa);
    Plan p = plan_of(s);
    const bool blocks = p.block > 1;
    const std::size_t outer_dims = p.axes.size() - 1;
    const Axis inner = p.axes.back();
    const std::int64_t row = inner.extent * p.block, rows = count_of(s.outputs[0].shape) / row, columns = s.outputs[0].shape.back();
    const std::int64_t in_row = s.inputs[0].shape.back(), rows_per_unit = std::clamp<std::int64_t>(4096 / row, 1, rows);
    std::vector<std::int32_t> places;  // of `inner`, tap by tap
    std::vector<float> weights;
    for (std::int64_t k = 0; k < inner.taps && !blocks; ++k)
        for (std::int64_t i = 0; i < inner.extent; ++i) {
            places.push_back(static_cast<std::int32_t>(inner.places[static_cast<std::size_t>(i * inner.taps + k)]));
            weights.push_back(inner.weights[static_cast<std::size_t>(i * inner.taps + k)]);
        }
    Kernel k;
    if (!blocks) k.worker_bytes = static_cast<std::size_t>(in_row) * sizeof(float);
    k.phases.push_back({.units = (rows + rows_per_unit - 1) / rows_per_unit,
                        .run = [=, p = std::move(p), tail = TailProgram::make(s, level), blend = level.blend](const Buffers& b, std::int64_t first, std::int64_t last) {
        const std::int64_t begin = first * rows_per_unit, end = std::min(last * rows_per_unit, rows);
        for (std::int64_t r = begin; r < end; ++r) {
            const Taps outer = taps_of_row(static_cast<const float*>(b.inputs[0]), p.axes, outer_dims, r);
            float* y = static_cast<float*>(b.outputs[0]) + r * row;
            if (blocks) {
                for (std::int64_t i = 0; i < inner.extent; ++i) {
                    const Taps all = outer.along(inner, i);
                    blend.rows(y + i * p.block, all.x.data(), all.weights.data(), static_cast<std::int64_t>(all.count), p.block);
                }
                continue;
            }
            const float* sum = outer.x[0];
            if (outer.count > 1) {
                blend.rows(reinterpret_cast<float*>(b.worker), outer.x.data(), outer.weights.data(), static_cast<std::int64_t>(outer.count), in_row);
                sum = reinterpret_cast<const float*>(b.worker);
            }
            blend.within_row(y, sum, places.data(), weights.data(), inner.taps, inner.extent);
        }
        if (tail) tail->run(b, begin * row / columns, (end - begin) * row / columns, 0, columns);
    }});
    return k;
}

const RegisteredTactic resize_blend{{.name = "cpu/resize_blend_f32",
                                     .most = Isa::Level::avx512,
                                     .numerics = [](const Step& s) { return TailProgram::exact(s, simd::baseline::level()) ? Numerics::reordered_sum : Numerics::approximate; },
                                     .refuse = refuse,
                                     .variants = [](const Step&, const Isa&) { return std::vector{Variant{}}; },
                                     .compile = compile,
                                     .cost = [](const Step& s, const Variant&, const Isa&) { return 4 * static_cast<double>(count_of(s.outputs[0].shape)); }}};

}  // namespace
}  // namespace tercet
