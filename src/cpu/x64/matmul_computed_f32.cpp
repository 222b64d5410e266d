// SPDX-License-Identifier: Apache-2.0
// Products of two computed matrices, or of a batch of them: the right sides are packed into panels first, then generated
// tiles run as for a constant one.
#include "cpu/x64/product.h"

#include <algorithm>

namespace tercet::x64 {
namespace {

constexpr std::int64_t ceil_of(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// [matrices, rows, depth] times [matrices, depth, columns]; a right side that all share makes one matrix of all rows.
struct Matrices {
    std::int64_t matrices, rows, depth, columns;
    bool left_shared;
};

Matrices matrices_of(const Step& s) {
    const Dims &a = s.inputs[0].shape, &b = s.inputs[1].shape;
    const std::int64_t left = count_of(a.part(0, a.size() - 2)), right = count_of(b.part(0, b.size() - 2)), rows = a[a.size() - 2], depth = a.back();
    if (right == 1) return {1, left * rows, depth, b.back(), false};
    return {right, rows, depth, b.back(), left == 1};
}

ProductShape shape_of(const Step& s) {
    const Matrices m = matrices_of(s);
    ProductShape p = matrix_product(m.rows, m.depth, m.columns);
    p.groups = m.matrices;
    p.x_group = m.left_shared ? 0 : m.rows * m.depth;
    p.y_group = m.rows * m.columns;
    p.shared_columns = p.weights_in_workspace = true;
    return p;
}

Refusal refuse(const Step& s, const Isa& isa) {
    if (!isa.has(Isa::Level::avx2)) return "needs AVX2 and FMA";
    if (!s.is("MatMul")) return "not a matrix product";
    if (s.inputs[0].dtype != DType::f32) return "not f32";
    const Dims &a = s.inputs[0].shape, &b = s.inputs[1].shape;
    if (a.size() < 2 || b.size() < 2) return "a side is a vector";
    if (s.inputs[1].constant && b.size() == 2) return "the right side is constant; cpu/matmul_tiles_f32 takes those";
    if (count_of(s.outputs[0].shape) == 0 || a.back() == 0) return "no element";
    const Dims left = a.part(0, a.size() - 2), right = b.part(0, b.size() - 2);
    if (left != right && count_of(left) != 1 && count_of(right) != 1) return "the batches are broadcast axis by axis";
    if (Refusal r = TailShape::refuse(s)) return r;
    return refuse_product(shape_of(s));
}

Kernel compile(const Step& s, const Variant& v, const Isa& isa) {
    const Matrices m = matrices_of(s);
    const std::int64_t panels = ceil_of(m.columns, v.cols), cols = v.cols;
    Kernel k;
    k.workspace_bytes = static_cast<std::size_t>(m.matrices * panels * m.depth * cols) * sizeof(float);
    k.phases.push_back({.units = m.matrices * panels, .run = [=](const Buffers& b, std::int64_t first, std::int64_t last) {
                            for (std::int64_t u = first; u < last; ++u) {
                                const std::int64_t column = u % panels * cols, used = std::min(cols, m.columns - column);
                                const float* from = static_cast<const float*>(b.inputs[1]) + u / panels * m.depth * m.columns + column;
                                float* to = reinterpret_cast<float*>(b.workspace) + u * m.depth * cols;
                                for (std::int64_t i = 0; i < m.depth; ++i, from += m.columns, to += cols) {
                                    std::copy_n(from, used, to);
                                    std::fill(to + used, to + cols, 0.0f);
                                }
                            }
                        }});
    add_product_phase(k, shape_of(s), v, nullptr, TailShape::of(s), isa);
    return k;
}

const RegisteredTactic matmul_computed{{.name = "cpu/matmul_computed_f32",
                                        .most = Isa::Level::avx512,
                                        .numerics = TailShape::numerics,
                                        .refuse = refuse,
                                        .variants = [](const Step& s, const Isa& isa) { return product_variants(shape_of(s), isa); },
                                        .compile = compile,
                                        .cost = [](const Step& s, const Variant& v, const Isa& isa) {
                                            const Matrices m = matrices_of(s);
                                            return product_cost(shape_of(s), v, isa) + 0.2 * static_cast<double>(m.matrices * m.depth * m.columns);
                                        },
                                        .canonical = TailShape::canonical}};

}  // namespace
}  // namespace tercet::x64
