// SPDX-License-Identifier: Apache-2.0
// MaxPool, AveragePool, GlobalMaxPool and GlobalAveragePool, f32, NHWC: a row of channels per output pixel.
#include "cpu/channels_last.h"
#include "cpu/map_program.h"

#include <algorithm>

namespace tercet {
namespace {

bool is_global(const Step& s) { return s.is("GlobalMaxPool") || s.is("GlobalAveragePool"); }

Dims kernel_of(const Step& s) {
    const Dims& x = s.inputs[0].shape;
    return is_global(s) ? x.part(1, x.size() - 2) : kernel_shape(*s.node, x.size() - 2);
}

Refusal refuse(const Step& s, const Isa& isa) {
    if (!s.is("MaxPool") && !s.is("AveragePool") && !is_global(s)) return "not a pool";
    if (s.inputs[0].shape.size() < 3 || s.inputs[0].shape.size() > 5) return "not 1 to 3 spatial dimensions";
    if (count_of(s.inputs[0].shape) == 0) return "empty";
    double taps = 1;
    for (std::int64_t d : kernel_of(s)) taps *= static_cast<double>(d);
    if (!is_global(s) && taps > 1 << 16) return "the window is too large to list its pixels";
    return refuse_channels_last(s, isa);
}

// How many pixels an average divides by: those of the window inside the input, or also those in its padding.
std::int64_t divisor(const Window& w, std::int64_t pixel, bool with_padding) {
    std::int64_t n = 1;
    for (int i = 2; i >= 0; --i) {
        const WindowAxis& a = w.axes[static_cast<std::size_t>(i)];
        n *= with_padding ? a.padded_taps(pixel % a.out) : a.inside(pixel % a.out).count();
        pixel /= a.out;
    }
    return n;
}

Kernel compile(const Step& s, const Variant& v, const Isa& isa) {
    const simd::Level& level = *simd_level(isa);
    const bool global = is_global(s), average = s.is("AveragePool") || s.is("GlobalAveragePool");
    const bool with_padding = s.attributes().integer("count_include_pad", 0) != 0;
    ChannelsLast at = channels_last(s, kernel_of(s));
    const std::int64_t rows = at.rows(), taps = at.taps, channels = at.in_channels, block = v.tile;
    const auto tail = TailProgram::make(s, level);
    Kernel k;
    k.worker_bytes = static_cast<std::size_t>(taps) * sizeof(const float*);
    k.phases.push_back({.units = (rows + block - 1) / block, .run = [=, pool = average ? level.sum_pool : level.max_pool](const Buffers& b, std::int64_t first, std::int64_t last) {
        const auto* x = static_cast<const float*>(b.inputs[0]);
        auto* y = static_cast<float*>(b.outputs[0]);
        const auto** addresses = reinterpret_cast<const float**>(b.worker);
        const std::int64_t end = std::min(rows, last * block);
        for (std::int64_t r = first * block; r < end; ++r) {
            std::int64_t n = 0;
            if (global)
                for (; n < taps; ++n) addresses[n] = x + (r * taps + n) * channels;
            else
                at.for_taps(r, [&](std::int64_t, std::int64_t from) {
                    if (from >= 0) addresses[n++] = x + from;
                });
            const std::int64_t parts = !average ? 1 : global ? taps : divisor(at.window, r % at.out_pixels, with_padding);
            if (n > 0) pool(y + r * channels, addresses, n, channels, 1.0f / static_cast<float>(parts));
            else std::fill_n(y + r * channels, channels, average ? 0.0f : -__builtin_inff());
        }
        if (tail && first * block < end) tail->run(b, first * block, end - first * block, 0, channels);
    }});
    return k;
}

const RegisteredTactic pool{{.name = "cpu/pool_f32",
                             .most = Isa::Level::avx512,
                             .numerics = [](const Step& s) {
                                 const bool exact = s.is("MaxPool") || s.is("GlobalMaxPool");
                                 return !TailProgram::exact(s, simd::baseline::level()) ? Numerics::approximate : exact ? Numerics::exact : Numerics::reordered_sum;
                             },
                             .refuse = refuse,
                             .variants = [](const Step&, const Isa&) { return std::vector<Variant>{{.tile = 1}, {.tile = 16}, {.tile = 64}}; },
                             .compile = compile,
                             .cost = [](const Step& s, const Variant& v, const Isa&) {
                                 return static_cast<double>(count_of(s.outputs[0].shape)) * static_cast<double>(count_of(kernel_of(s))) + 1.0 / v.tile;
                             },
                             .canonical = TailProgram::canonical}};

}  // namespace
}  // namespace tercet
