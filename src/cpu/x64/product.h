// SPDX-License-Identifier: Apache-2.0
// Products of windows of pixels with packed weights, by generated register tiles (tile_code.h): convolution without im2col,
// and matrix products, whose rows are pixels of one line.
//
//   packed weights  [groups][panels][taps][depth][cols] as src/cpu/panel_product.h packs them
//
// A tile is a block of output pixels: a piece of a line, or several whole lines where these are short. Pixels of a window that
// lie in the padding are left out when the code of a tile is generated, so that none costs anything; tiles whose windows
// meet the border in the same way share their code.
#pragma once

#include "cpu/panel_product.h"
#include "cpu/x64/tile_code.h"
#include "ops/window.h"

namespace tercet::x64 {

struct ProductShape {
    std::int64_t images = 1, groups = 1;
    std::int64_t columns = 0;        // per group
    std::int64_t depth = 0;          // floats per tap
    WindowAxis lines{}, pixels{};    // the window down the lines of an image, and along a line
    std::int64_t x_pixel = 0;        // floats between neighbouring pixels of x; a line has pixels.in of them
    std::int64_t y_pixel = 0;
    std::int64_t x_group = 0, y_group = 0;  // floats between groups
    bool shared_columns = false;     // groups have the same columns to tails and biases: matrices of a batch; otherwise they lie side by side
    bool weights_in_workspace = false;      // packed by an earlier phase, at its start; otherwise input 1

    std::int64_t taps() const { return lines.kernel * pixels.kernel; }
    std::int64_t rows() const { return images * lines.out * pixels.out; }
    PanelShape panels() const { return {.rows = rows(), .groups = groups, .columns = columns, .taps = taps(), .depth = depth}; }
};

/// A matrix of `rows` rows as one line.
ProductShape matrix_product(std::int64_t rows, std::int64_t depth, std::int64_t columns);

/// Empty, or why distances within the product do not fit into generated code.
Refusal refuse_product(const ProductShape& shape);

/// Register tiles with several ways to cut the work. Variant: rows x cols of the tile, `tile` tiles per unit, `depth` panels
/// per unit.
std::vector<Variant> product_variants(const ProductShape& shape, const Isa& isa);

/// Estimated cost, comparable to panel_cost.
double product_cost(const ProductShape& shape, const Variant& variant, const Isa& isa);

/// Adds the phase that computes it from input 0 and the packed input 1.
void add_product_phase(Kernel& kernel, const ProductShape& shape, const Variant& variant, const Tensor* bias, const TailShape& tail, const Isa& isa);

/// The bias of all groups, each padded to whole panels; zeros without one.
std::vector<float> padded_bias(const Tensor* bias, std::int64_t groups, std::int64_t columns, std::int64_t cols);

}  // namespace tercet::x64
