// SPDX-License-Identifier: Apache-2.0
// PanelProduct: y[row][col] = bias[col] + sum over t, k of x(row, t)[k] * w[col][t][k], for rows in memory that a function
// finds (the pixels under a window, or the rows of a matrix) and weights packed in panels of `cols` columns. What
// convolution by implicit GEMM, by patches, and matrix products have in common.
//
//   packed weights  [groups][panels][taps][depth][cols], zero padded: panels = ceil(columns / cols)
//
// A unit of work is a block of rows times a run of panels of one group; its rows' addresses are found once.
#pragma once

#include "cpu/map_program.h"

namespace tercet {

struct PanelShape {
    std::int64_t rows = 0;      // of y in all
    std::int64_t groups = 1;
    std::int64_t columns = 0;   // of y per group
    std::int64_t taps = 1;
    std::int64_t depth = 0;     // floats per tap
};

/// Which element of the model's weights is weights[g*columns + column] at (tap, k), of group g.
using WeightAt = std::function<std::int64_t(std::int64_t column, std::int64_t tap, std::int64_t k)>;

/// The packing's name; weights in 16 bits stay in 16 bits.
std::string panel_packing(int cols);

/// Whether panels of so many columns are little wider in all than the columns: what is packed lies in the engine's file.
bool pads_little(std::int64_t columns, std::int64_t cols, std::int64_t lanes);
std::int64_t panel_count(const PanelShape& shape, int cols);  // elements
Tensor pack_panels(const PanelShape& shape, int cols, const Tensor& weights, const WeightAt& weight);

/// The register tiles of a level as variants (rows, cols), one per tile and block of rows.
std::vector<Variant> panel_variants(const simd::Level& level, std::int64_t rows);

/// Estimated cost of the product with this variant: multiply-adds, padding included, weighted by the tile's efficiency.
double panel_cost(const PanelShape& shape, const Variant& variant, const simd::Level& level);

/// Finds addresses: for tap t and row r of rows [first, first + count), addresses[t*stride + r]. May use `worker` memory.
using FindRows = std::function<void(const Buffers& buffers, std::int64_t group, std::int64_t first, std::int64_t count,
                                    std::int64_t stride, const float** addresses, std::byte* worker)>;

/// Why f32 results cannot be computed from f32 inputs and the step's weights, of f32 or, if the tactic `reads_half`, of 16 bits.
Refusal refuse_weights(const Step& step, bool reads_half);

struct PanelProduct {
    PanelShape shape;
    Variant variant;
    const simd::Level* level = nullptr;
    const Tensor* bias = nullptr;            // constant [groups*columns]; null: none
    std::optional<TailProgram> tail{};
    FindRows find_rows;                      // called for one register tile's rows at a time
    std::size_t find_worker_bytes = 0;       // of `worker` memory that find_rows wants for each tile of a block
    bool weights_in_workspace = false;       // packed by an earlier phase, at the start of the workspace; else input 1
};

/// The phase that computes it, and in `kernel.worker_bytes` what it needs.
void add_panel_phase(Kernel& kernel, PanelProduct product);

}  // namespace tercet
