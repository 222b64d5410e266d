// SPDX-License-Identifier: Apache-2.0
#include "cpu/matmul_f32.h"

#include <algorithm>

namespace tercet {
namespace {

bool transposed(const Step& s) { return s.is("Gemm") && s.attributes().integer("transB", 0) != 0; }

}  // namespace

PanelShape matmul_shape(const Step& s) {
    const Dims& a = s.inputs[0].shape;
    const Dims& w = s.inputs[1].shape;
    PanelShape p;
    p.depth = w[transposed(s) ? 1 : 0];
    p.columns = w[transposed(s) ? 0 : 1];
    p.rows = count_of(a.part(0, a.size() - 1));
    return p;
}

Refusal refuse_matmul(const Step& s, const Isa& isa, bool reads_half) {
    if (isa.level == Isa::Level::reference) return "needs vector instructions";
    if (!s.is("MatMul") && !s.is("Gemm")) return "not a matrix product";
    if (s.inputs[0].dtype != DType::f32) return "not f32";
    if (!s.inputs[1].constant || s.inputs[1].shape.size() != 2) return "the right side is not a constant matrix";
    if (Refusal r = refuse_weights(s, reads_half)) return r;
    if (s.inputs[0].shape.empty()) return "the left side has no row";
    if (s.is("Gemm")) {
        if (s.attributes().integer("transA", 0) != 0) return "the left side is transposed";
        if (s.attributes().real("alpha", 1) != 1 || s.attributes().real("beta", 1) != 1) return "alpha or beta is not 1";
        if (s.has(2) && (!s.inputs[2].constant || s.inputs[2].dtype != DType::f32 || count_of(s.inputs[2].shape) != matmul_shape(s).columns ||
                         s.inputs[2].shape.empty() || s.inputs[2].shape.back() != matmul_shape(s).columns))
            return "C is no constant row";
    }
    return TailProgram::refuse(s);
}

const Tensor* matmul_bias(const Step& s) { return s.is("Gemm") && s.has(2) ? s.inputs[2].constant : nullptr; }

Tensor pack_matmul(const Step& s, const Variant& v) {
    const PanelShape shape = matmul_shape(s);
    const bool t = transposed(s);
    return pack_panels(shape, v.cols, *s.inputs[1].constant, [&](std::int64_t column, std::int64_t, std::int64_t k) {
        return t ? column * shape.depth + k : k * shape.columns + column;
    });
}

std::int64_t packed_matmul_count(const Step& s, const Variant& v) { return panel_count(matmul_shape(s), v.cols); }

Numerics matmul_numerics(const Step& s) { return TailProgram::exact(s, simd::baseline::level()) ? Numerics::reordered_sum : Numerics::approximate; }

namespace {

Kernel compile(const Step& s, const Variant& v, const Isa& isa) {
    const simd::Level& level = *simd_level(isa);
    const PanelShape shape = matmul_shape(s);
    Kernel k;
    add_panel_phase(k, {.shape = shape,
                        .variant = v,
                        .level = &level,
                        .bias = matmul_bias(s),
                        .tail = TailProgram::make(s, level),
                        .find_rows = [depth = shape.depth](const Buffers& b, std::int64_t, std::int64_t first, std::int64_t count, std::int64_t stride,
                                                           const float** addresses, std::byte*) {
                            for (std::int64_t r = 0; r < stride; ++r)
                                addresses[r] = static_cast<const float*>(b.inputs[0]) + (first + std::min(r, count - 1)) * depth;
                        }});
    return k;
}

const RegisteredTactic matmul{{.name = "cpu/matmul_f32",
                               .most = Isa::Level::avx512,
                               .numerics = matmul_numerics,
                               .refuse = [](const Step& s, const Isa& isa) { return refuse_matmul(s, isa); },
                               .variants = [](const Step& s, const Isa& isa) { return panel_variants(*simd_level(isa), matmul_shape(s).rows); },
                               .compile = compile,
                               .cost = [](const Step& s, const Variant& v, const Isa& isa) { return panel_cost(matmul_shape(s), v, *simd_level(isa)); },
                               .packing = [](const Step&, const Variant& v) { return panel_packing(v.cols); },
                               .pack = pack_matmul,
                               .packed_count = packed_matmul_count}};

}  // namespace
}  // namespace tercet
