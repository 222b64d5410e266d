// SPDX-License-Identifier: Apache-2.0
// InstanceNormalization and GroupNormalization, f32. A unit is a group of channels of a sample, which is dense where channels stand first;
// where they stand last, it is some groups side by side, whose columns are gone down three times.
#include "cpu/map_program.h"

#include <algorithm>
#include <cmath>

namespace tercet {
namespace {

bool channels_last(const Step& s) { return s.attributes().text("layout", "NCHW") == "NHWC" && s.inputs[0].shape.size() > 2; }

struct Groups {
    std::int64_t samples, groups, channels, pixels;  // channels: of a group
    double epsilon, count;
    std::int64_t row;                                // the last extent

    explicit Groups(const Step& s) {
        const Dims& x = s.inputs[0].shape;
        const std::int64_t all = channels_last(s) ? x.back() : x[1];
        samples = x[0];
        groups = s.is("GroupNormalization") ? s.attributes().integer("num_groups", 1) : all;
        channels = all / std::max<std::int64_t>(1, groups);
        pixels = count_of(x) / (samples * all);
        epsilon = s.attributes().real("epsilon", 1e-5f);
        count = static_cast<double>(channels * pixels);
        row = x.back();
    }
};

Refusal refuse(const Step& s, const Isa& isa) {
    if (isa.level == Isa::Level::reference) return "needs vector instructions";
    if (!s.is("InstanceNormalization") && !s.is("GroupNormalization")) return "no normalization of groups of channels";
    if (s.inputs[0].dtype != DType::f32) return "not f32";
    if (count_of(s.inputs[0].shape) == 0) return "no group";
    const Dims channels{channels_last(s) ? s.inputs[0].shape.back() : s.inputs[0].shape[1]};
    if (s.inputs[1].shape != channels || s.inputs[2].shape != channels) return "scale and bias do not fit the channels";
    const Groups g(s);
    if (g.groups < 1 || g.groups * g.channels != channels[0]) return "the channels cannot be shared out among the groups";
    return TailProgram::refuse(s);
}

float inverse_deviation(double squares, const Groups& g) { return static_cast<float>(1 / std::sqrt(squares / g.count + g.epsilon)); }

Phase channels_first_phase(const Step& s, const simd::Level& level) {
    const Groups g(s);
    const bool flat = s.inputs[0].shape.size() == 2;  // a group is a part of a row
    return {.units = g.samples * g.groups, .run = [=, tail = TailProgram::make(s, level), &level](const Buffers& b, std::int64_t first, std::int64_t last) {
        const auto *scale = static_cast<const float*>(b.inputs[1]), *bias = static_cast<const float*>(b.inputs[2]);
        const std::int64_t n = g.channels * g.pixels;
        for (std::int64_t u = first; u < last; ++u) {
            const float* x = static_cast<const float*>(b.inputs[0]) + u * n;
            float* y = static_cast<float*>(b.outputs[0]) + u * n;
            const auto mean = static_cast<float>(level.reduce.sum(x, n) / g.count);
            const float inverse = inverse_deviation(level.reduce.sum_squares(x, mean, n), g);
            for (std::int64_t c = 0; c < g.channels; ++c) {
                const std::int64_t channel = u % g.groups * g.channels + c;
                level.normalize.row(y + c * g.pixels, x + c * g.pixels, mean, inverse * scale[channel], bias[channel], g.pixels);
            }
            if (tail && flat) tail->run(b, u / g.groups, 1, u % g.groups * n, n);
            else if (tail) tail->run(b, u * n / g.row, n / g.row, 0, g.row);
        }
    }};
}

// What a worker has per channel of its unit: sums over a block of pixels, sums over all in double, and what pixels are normalized by.
struct Columns {
    double* total;
    float *sum, *mean, *factor, *shift;
    static constexpr std::size_t bytes = sizeof(double) + 4 * sizeof(float);
    Columns(std::byte* worker, std::int64_t channels) : total(reinterpret_cast<double*>(worker)) {
        sum = reinterpret_cast<float*>(total + channels);
        mean = sum + channels;
        factor = mean + channels;
        shift = factor + channels;
    }
};

// total[c] = what `add` sums up over all pixels, block by block, then over the channels of c's group.
template <class Add>
void sum_groups(const Columns& at, const Groups& g, std::int64_t channels, Add add) {
    constexpr std::int64_t block = 1024;
    std::fill_n(at.total, channels, 0.0);
    for (std::int64_t p = 0; p < g.pixels; p += block) {
        std::fill_n(at.sum, channels, 0.0f);
        add(p, std::min(block, g.pixels - p));
        for (std::int64_t c = 0; c < channels; ++c) at.total[c] += static_cast<double>(at.sum[c]);
    }
    for (std::int64_t c = 0; c < channels; c += g.channels) {
        double sum = 0;
        for (std::int64_t i = c; i < c + g.channels; ++i) sum += at.total[i];
        std::fill_n(at.total + c, g.channels, sum);
    }
}

Phase channels_last_phase(const Step& s, const simd::Level& level, std::size_t& worker_bytes) {
    const Groups g(s);
    const std::int64_t width = g.groups * g.channels, groups = std::min(g.groups, std::max<std::int64_t>(1, 64 / g.channels)), parts = (g.groups + groups - 1) / groups;
    worker_bytes = static_cast<std::size_t>(groups * g.channels) * Columns::bytes;
    return {.units = g.samples * parts, .run = [=, tail = TailProgram::make(s, level), &level](const Buffers& b, std::int64_t first, std::int64_t last) {
        for (std::int64_t u = first; u < last; ++u) {
            const std::int64_t sample = u / parts, column = u % parts * groups * g.channels, channels = std::min(groups * g.channels, width - column);
            const std::int64_t start = sample * g.pixels * width + column;
            const float* x = static_cast<const float*>(b.inputs[0]) + start;
            const auto *scale = static_cast<const float*>(b.inputs[1]) + column, *bias = static_cast<const float*>(b.inputs[2]) + column;
            const Columns at(b.worker, channels);
            sum_groups(at, g, channels, [&](std::int64_t p, std::int64_t n) { level.reduce_columns.sum(at.sum, x + p * width, n, width, channels); });
            for (std::int64_t c = 0; c < channels; ++c) at.mean[c] = static_cast<float>(at.total[c] / g.count);
            sum_groups(at, g, channels, [&](std::int64_t p, std::int64_t n) { level.reduce_columns.sum_deviations(at.sum, x + p * width, at.mean, n, width, channels); });
            for (std::int64_t c = 0; c < channels; ++c) {
                at.factor[c] = inverse_deviation(at.total[c], g) * scale[c];
                at.shift[c] = bias[c];
            }
            level.normalize.columns(static_cast<float*>(b.outputs[0]) + start, x, at.mean, at.factor, at.shift, g.pixels, width, channels);
            if (tail) tail->run(b, sample * g.pixels, g.pixels, column, channels);
        }
    }};
}

Kernel compile(const Step& s, const Variant&, const Isa& isa) {
    const simd::Level& level = *simd_level(isa);
    Kernel k;
    k.phases.push_back(channels_last(s) ? channels_last_phase(s, level, k.worker_bytes) : channels_first_phase(s, level));
    return k;
}

const RegisteredTactic group_normalization{{.name = "cpu/group_normalization_f32",
                                            .most = Isa::Level::avx512,
                                            .numerics = [](const Step& s) { return TailProgram::exact(s, simd::baseline::level()) ? Numerics::reordered_sum : Numerics::approximate; },
                                            .refuse = refuse,
                                            .variants = [](const Step&, const Isa&) { return std::vector{Variant{}}; },
                                            .compile = compile,
                                            .cost = [](const Step& s, const Variant&, const Isa&) { return 4 * static_cast<double>(count_of(s.inputs[0].shape)); },
                                            .canonical = TailProgram::canonical}};

}  // namespace
}  // namespace tercet
