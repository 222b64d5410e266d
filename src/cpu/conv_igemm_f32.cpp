// SPDX-License-Identifier: Apache-2.0
// Convolution as a matrix product without im2col: a register tile's rows are output pixels, and for every tap of the window
// the tile reads the input pixels under it where they lie, or zeros in the padding.
#include "cpu/conv_f32.h"

#include <algorithm>

namespace tercet {
namespace {

Kernel compile(const Step& s, const Variant& v, const Isa& isa) {
    const simd::Level& level = *simd_level(isa);
    const Conv conv = conv_of(s);
    auto zeros = std::make_shared<const std::vector<float>>(static_cast<std::size_t>(conv.depth()));
    Kernel k;
    add_panel_phase(k, {.shape = panels_of(conv),
                        .variant = v,
                        .level = &level,
                        .bias = conv.bias,
                        .tail = TailProgram::make(s, level),
                        .find_rows = [=, at = conv.at, depth = conv.depth()](const Buffers& b, std::int64_t group, std::int64_t first, std::int64_t count,
                                                                             std::int64_t stride, const float** addresses, std::byte*) {
                            const float* x = static_cast<const float*>(b.inputs[0]) + group * depth;
                            for (std::int64_t r = 0; r < stride; ++r)
                                at.for_taps(first + std::min(r, count - 1), [&](std::int64_t tap, std::int64_t from) {
                                    addresses[tap * stride + r] = from < 0 ? zeros->data() : x + from;
                                });
                        }});
    return k;
}

const RegisteredTactic conv_igemm{{.name = "cpu/conv_igemm_f32",
                                   .most = Isa::Level::avx512,
                                   .numerics = conv_numerics,
                                   .refuse = [](const Step& s, const Isa& isa) { return refuse_conv(s, isa); },
                                   .variants = conv_variants,
                                   .compile = compile,
                                   .cost = [](const Step& s, const Variant& v, const Isa& isa) {
                                       const PanelShape p = panels_of(conv_of(s));
                                       // Finding an address costs about as much as a few multiply-adds of a vector.
                                       return panel_cost(p, v, *simd_level(isa)) + 1.0 * static_cast<double>(p.rows * p.taps * p.groups) +
                                              0.5 * static_cast<double>(p.rows * p.taps * p.groups) * static_cast<double>(p.columns / v.cols + 1);
                                   },
                                   .packing = [](const Step&, const Variant& v) { return panel_packing(v.cols); },
                                   .pack = pack_conv,
                                   .packed_count = packed_conv_count}};

}  // namespace
}  // namespace tercet
