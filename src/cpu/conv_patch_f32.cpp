// SPDX-License-Identifier: Apache-2.0
// Convolution by patches: the pixels under a tile's windows are copied side by side into the worker's memory (im2col, but a
// block of rows at a time, so that it stays in the cache), and the product runs over one long row. Pays where channels are
// few, as in first layers.
#include "cpu/conv_f32.h"

#include <algorithm>
#include <cstring>

namespace tercet {
namespace {

PanelShape one_tap(const Conv& conv) {
    PanelShape p = panels_of(conv);
    p.depth *= p.taps;
    p.taps = 1;
    return p;
}

Refusal refuse(const Step& s, const Isa& isa) {
    if (Refusal r = refuse_conv(s, isa)) return r;
    const Conv c = conv_of(s);
    if (c.at.taps == 1) return "a window of one pixel needs no copy";
    if (c.groups == c.at.in_channels && c.groups > 1) return "depthwise; cpu/conv_depthwise_f32 takes those";
    return {};
}

Kernel compile(const Step& s, const Variant& v, const Isa& isa) {
    const simd::Level& level = *simd_level(isa);
    const Conv conv = conv_of(s);
    const PanelShape shape = one_tap(conv);
    Kernel k;
    add_panel_phase(k, {.shape = shape,
                        .variant = v,
                        .level = &level,
                        .bias = conv.bias,
                        .tail = TailProgram::make(s, level),
                        .find_rows = [at = conv.at, depth = conv.depth(), row = shape.depth](const Buffers& b, std::int64_t group, std::int64_t first, std::int64_t count,
                                                                                             std::int64_t stride, const float** addresses, std::byte* worker) {
                            const float* x = static_cast<const float*>(b.inputs[0]) + group * depth;
                            auto* patch = reinterpret_cast<float*>(worker);
                            for (std::int64_t r = 0; r < count; ++r, patch += row) {
                                addresses[r] = patch;
                                at.for_taps(first + r, [&](std::int64_t tap, std::int64_t from) {
                                    if (from < 0) std::fill_n(patch + tap * depth, depth, 0.0f);
                                    else std::copy_n(x + from, depth, patch + tap * depth);
                                });
                            }
                            for (std::int64_t r = count; r < stride; ++r) addresses[r] = addresses[count - 1];
                        },
                        .find_worker_bytes = static_cast<std::size_t>(shape.depth * v.rows) * sizeof(float)});
    return k;
}

const RegisteredTactic conv_patch{{.name = "cpu/conv_patch_f32",
                                   .most = Isa::Level::avx512,
                                   .numerics = conv_numerics,
                                   .refuse = refuse,
                                   .variants = conv_variants,
                                   .compile = compile,
                                   .cost = [](const Step& s, const Variant& v, const Isa& isa) {
                                       const Conv c = conv_of(s);
                                       const PanelShape p = one_tap(c);
                                       return panel_cost(p, v, *simd_level(isa)) + static_cast<double>(p.rows * c.at.taps * p.groups) * (6.0 + static_cast<double>(c.depth()) / 8);
                                   },
                                   .packing = [](const Step&, const Variant& v) { return panel_packing(v.cols); },
                                   .pack = pack_conv,
                                   .packed_count = packed_conv_count}};

}  // namespace
}  // namespace tercet
