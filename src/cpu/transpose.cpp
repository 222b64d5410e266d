// SPDX-License-Identifier: Apache-2.0
// Transpose of elements of 1, 2, 4 or 8 bytes. Dimensions that stay neighbours are joined; the output is written row by
// row, in squares where input and output rows run across each other, so that both sides use whole cache lines.
#include "target/tactic.h"

#include <algorithm>

namespace tercet {
namespace {

struct Plan {
    Dims shape, strides;  // of the output; strides in the input, in elements
};

Plan plan_of(const Step& s) {
    const Dims& x = s.inputs[0].shape;
    const auto given = s.attributes().integers("perm");
    const Dims in_strides = dense_strides(x);
    Plan p;
    for (int i = 0; i < x.size(); ++i) {
        const int from = given.empty() ? x.size() - 1 - i : static_cast<int>(given[static_cast<std::size_t>(i)]);
        if (x[from] == 1) continue;
        if (!p.shape.empty() && p.strides.back() == in_strides[from] * x[from]) {
            p.shape[p.shape.size() - 1] *= x[from];
            p.strides[p.strides.size() - 1] = in_strides[from];
        } else {
            p.shape.push_back(x[from]);
            p.strides.push_back(in_strides[from]);
        }
    }
    while (p.shape.size() < 2) {  // a plain copy, as one row of one
        Plan q;
        q.shape.push_back(1), q.strides.push_back(0);
        for (int i = 0; i < p.shape.size(); ++i) q.shape.push_back(p.shape[i]), q.strides.push_back(p.strides[i]);
        p = q;
        if (p.shape.size() < 2) p.shape.push_back(1), p.strides.push_back(1);
    }
    return p;
}

Refusal refuse(const Step& s, const Isa& isa) {
    if (isa.level == Isa::Level::reference) return "needs vector instructions";
    if (!s.is("Transpose")) return "no transpose";
    if (s.attributes().has("tail")) return "has a tail";
    return {};
}

// One matrix: out[i][j] = in[i*row_step + j*col_step], rows [first, last) of it.
template <class T>
void copy_rows(const T* in, T* out, std::int64_t first, std::int64_t last, std::int64_t cols, std::int64_t row_step, std::int64_t col_step) {
    if (col_step == 1) {
        for (std::int64_t i = first; i < last; ++i) std::copy_n(in + i * row_step, cols, out + i * cols);
        return;
    }
    constexpr std::int64_t square = 16;
    for (std::int64_t j = 0; j < cols; j += square)
        for (std::int64_t i = first; i < last; ++i)
            for (std::int64_t k = j; k < std::min(cols, j + square); ++k) out[i * cols + k] = in[i * row_step + k * col_step];
}

template <class T>
Kernel kernel_of(const Plan& p) {
    const int outer = p.shape.size() - 2;
    const std::int64_t rows = p.shape[outer], cols = p.shape[outer + 1], matrices = count_of(p.shape.part(0, outer));
    constexpr std::int64_t block = 16;
    const std::int64_t blocks = (rows + block - 1) / block;
    Kernel k;
    k.phases.push_back({.units = matrices * blocks, .run = [=](const Buffers& b, std::int64_t first, std::int64_t last) {
        for (std::int64_t u = first; u < last; ++u) {
            std::int64_t rest = u / blocks, offset = 0;
            for (int d = outer - 1; d >= 0; --d) {
                offset += rest % p.shape[d] * p.strides[d];
                rest /= p.shape[d];
            }
            const std::int64_t row = u % blocks * block;
            copy_rows(static_cast<const T*>(b.inputs[0]) + offset, static_cast<T*>(b.outputs[0]) + u / blocks * rows * cols, row, std::min(rows, row + block), cols,
                      p.strides[outer], p.strides[outer + 1]);
        }
    }});
    return k;
}

Kernel compile(const Step& s, const Variant&, const Isa&) {
    const Plan p = plan_of(s);
    switch (bits_of(s.inputs[0].dtype)) {
        case 8: return kernel_of<std::uint8_t>(p);
        case 16: return kernel_of<std::uint16_t>(p);
        case 32: return kernel_of<std::uint32_t>(p);
        default: return kernel_of<std::uint64_t>(p);
    }
}

const RegisteredTactic transpose{{.name = "cpu/transpose",
                                  .most = Isa::Level::avx512,
                                  .numerics = [](const Step&) { return Numerics::exact; },
                                  .refuse = refuse,
                                  .variants = [](const Step&, const Isa&) { return std::vector{Variant{}}; },
                                  .compile = compile,
                                  .cost = [](const Step& s, const Variant&, const Isa&) { return 2 * static_cast<double>(count_of(s.inputs[0].shape)); }}};

}  // namespace
}  // namespace tercet
