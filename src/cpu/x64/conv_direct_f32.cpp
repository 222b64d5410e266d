// SPDX-License-Identifier: Apache-2.0
// Convolution as a product of windows with generated tiles, no im2col in memory: 1 or 2 spatial axes, any stride, dilation,
// padding and number of groups. A window of one pixel is a matrix product over all pixels.
#include "cpu/conv_f32.h"
#include "cpu/x64/product.h"

namespace tercet::x64 {
namespace {

ProductShape shape_of(const Conv& c) { return window_product(c.at, c.groups, 1); }

Refusal refuse(const Step& s, const Isa& isa) {
    if (!isa.has(Isa::Level::avx2)) return "needs AVX2 and FMA";
    if (Refusal r = refuse_conv(s, isa, true)) return r;
    const Conv c = conv_of(s);
    if (c.at.window.rank > 2) return "more than 2 spatial axes";
    if (c.groups > 1 && c.depth() == 1 && c.at.out_channels == c.groups) return "one filter per channel; cpu/conv_depthwise_f32 takes those";
    if (Refusal r = TailShape::refuse(s)) return r;
    return refuse_product(shape_of(c));
}

Kernel compile(const Step& s, const Variant& v, const Isa& isa) {
    const Conv c = conv_of(s);
    Kernel k;
    add_product_phase(k, shape_of(c), v, c.bias, TailShape::of(s), isa, Arithmetic::of(s));
    return k;
}

const RegisteredTactic conv_direct{{.name = "cpu/conv_direct_f32",
                                    .most = Isa::Level::avx512,
                                    .numerics = TailShape::numerics,
                                    .refuse = refuse,
                                    .variants = [](const Step& s, const Isa& isa) { return product_variants(shape_of(conv_of(s)), isa); },
                                    .compile = compile,
                                    .cost = [](const Step& s, const Variant& v, const Isa& isa) { return product_cost(shape_of(conv_of(s)), v, isa); },
                                    .canonical = TailShape::canonical,
                                    .stores = true,
                                    .packing = [](const Step&, const Variant& v) { return panel_packing(v.cols); },
                                    .pack = pack_conv,
                                    .packed_count = packed_conv_count}};

}  // namespace
}  // namespace tercet::x64
