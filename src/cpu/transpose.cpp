// SPDX-License-Identifier: Apache-2.0
// Transpose of elements of 1, 2, 4 or 8 bytes. Dimensions that stay neighbours are joined. Where the innermost one stays, that
// copies blocks; else matrices are transposed, square by square, so that both sides use whole cache lines: the rows of the
// output run across those of the input. 4 bytes at a time go through vector registers.
#include "cpu/block_copy.h"
#include "cpu/map_program.h"

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
    return p;
}

Refusal refuse(const Step& s, const Isa& isa) {
    if (isa.level == Isa::Level::reference) return "needs vector instructions";
    if (!s.is("Transpose")) return "no transpose";
    return refuse_moves(s, isa);
}

constexpr std::int64_t square = 16;

// out[i*out_step + j] = in[j*in_step + i]
template <class T>
void transpose_matrix(T* out, std::int64_t out_step, const T* in, std::int64_t in_step, std::int64_t rows, std::int64_t columns) {
    for (std::int64_t i = 0; i < rows; i += square)
        for (std::int64_t j = 0; j < columns; j += square)
            for (std::int64_t r = i; r < std::min(rows, i + square); ++r)
                for (std::int64_t c = j; c < std::min(columns, j + square); ++c) out[r * out_step + c] = in[c * in_step + r];
}

template <class T, class Matrix>
Phase matrix_phase(const Plan& p, Matrix transpose) {
    const Dims out_strides = dense_strides(p.shape);
    const auto across = static_cast<int>(std::ranges::find(p.strides, 1) - p.strides.begin());  // the input's rows run along it
    const int last = p.shape.size() - 1;
    const std::int64_t rows = p.shape[across], columns = p.shape[last];
    Plan outer;
    Dims outer_out;
    for (int d = 0; d < last; ++d) {
        if (d == across) continue;
        outer.shape.push_back(p.shape[d]);
        outer.strides.push_back(p.strides[d]);
        outer_out.push_back(out_strides[d]);
    }
    // A unit writes some 8192 elements: a few squares of rows by as many columns as that leaves.
    const std::int64_t unit_columns = std::min<std::int64_t>(columns, 512), unit_rows = std::max<std::int64_t>(1, 8192 / (unit_columns * square)) * square;
    const std::int64_t row_blocks = (rows + unit_rows - 1) / unit_rows, column_blocks = (columns + unit_columns - 1) / unit_columns;
    return {.units = count_of(outer.shape) * row_blocks * column_blocks, .run = [=, out_step = out_strides[across], in_step = p.strides[last]](const Buffers& b, std::int64_t first, std::int64_t end) {
        for (std::int64_t u = first; u < end; ++u) {
            const std::int64_t column = u % column_blocks * unit_columns, row = u / column_blocks % row_blocks * unit_rows;
            std::int64_t rest = u / (column_blocks * row_blocks), from = row + column * in_step, to = row * out_step + column;
            for (int d = outer.shape.size() - 1; d >= 0; --d) {
                from += rest % outer.shape[d] * outer.strides[d];
                to += rest % outer.shape[d] * outer_out[d];
                rest /= outer.shape[d];
            }
            transpose(static_cast<T*>(b.outputs[0]) + to, out_step, static_cast<const T*>(b.inputs[0]) + from, in_step, std::min(unit_rows, rows - row), std::min(unit_columns, columns - column));
        }
    }};
}

Kernel compile(const Step& s, const Variant&, const Isa& isa) {
    const Plan p = plan_of(s);
    const std::int64_t bytes = bits_of(s.inputs[0].dtype) / 8;
    Kernel k;
    if (count_of(p.shape) == 0) {
        k.phases.push_back({.units = 0, .run = [](const Buffers&, std::int64_t, std::int64_t) {}});
    } else if (p.shape.empty() || p.strides.back() == 1) {
        Dims from_steps = p.strides, to_steps = dense_strides(p.shape);
        for (Dims* steps : {&from_steps, &to_steps})
            for (std::int64_t& step : *steps) step *= bytes;
        k.phases.push_back(copy_phase({BlockCopy::of(bytes, p.shape, from_steps, to_steps)}));
    } else if (bytes == 4) {
        k.phases.push_back(matrix_phase<float>(p, simd_level(isa)->transpose));
    } else if (bytes == 1) {
        k.phases.push_back(matrix_phase<std::uint8_t>(p, transpose_matrix<std::uint8_t>));
    } else if (bytes == 2) {
        k.phases.push_back(matrix_phase<std::uint16_t>(p, transpose_matrix<std::uint16_t>));
    } else {
        k.phases.push_back(matrix_phase<std::uint64_t>(p, transpose_matrix<std::uint64_t>));
    }
    return k;
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
