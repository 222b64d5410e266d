// SPDX-License-Identifier: Apache-2.0
// Products with a constant matrix by generated tiles. Of a single row, wide tiles stream the weights by once.
#include "cpu/matmul_f32.h"
#include "cpu/x64/product.h"

namespace tercet::x64 {
namespace {

ProductShape shape_of(const Step& s) {
    const PanelShape p = matmul_shape(s);
    return matrix_product(p.rows, p.depth, p.columns);
}

Refusal refuse(const Step& s, const Isa& isa) {
    if (!isa.has(Isa::Level::avx2)) return "needs AVX2 and FMA";
    if (Refusal r = refuse_matmul(s, isa, true)) return r;
    if (Refusal r = TailShape::refuse(s)) return r;
    return refuse_product(shape_of(s));
}

Kernel compile(const Step& s, const Variant& v, const Isa& isa) {
    Kernel k;
    add_product_phase(k, shape_of(s), v, matmul_bias(s), TailShape::of(s), isa, Arithmetic::of(s));
    return k;
}

const RegisteredTactic matmul_tiles{{.name = "cpu/matmul_tiles_f32",
                                     .most = Isa::Level::avx512,
                                     .numerics = TailShape::numerics,
                                     .refuse = refuse,
                                     .variants = [](const Step& s, const Isa& isa) { return product_variants(shape_of(s), isa); },
                                     .compile = compile,
                                     .cost = [](const Step& s, const Variant& v, const Isa& isa) { return product_cost(shape_of(s), v, isa); },
                                     .canonical = TailShape::canonical,
                                     .stores = true,
                                     .packing = [](const Step&, const Variant& v) { return panel_packing(v.cols); },
                                     .pack = pack_matmul,
                                     .packed_count = packed_matmul_count}};

}  // namespace
}  // namespace tercet::x64
