// SPDX-License-Identifier: Apache-2.0
// Products of windows of pixels with packed weights, by generated register tiles (tile_code.h): convolution without im2col,
// and matrix products, whose rows are pixels of one line.
//
//   packed weights  [groups][panels][taps][depth][cols] as src/cpu/panel_product.h packs them, in 32 or 16 bits
//   of bytes        [groups][panels]: [lines][cols] sums of 32 bits, then [taps][depth][cols][4]
//
// Sums of bytes count a constant for everything of x that is not 0 where it should be (see Arithmetic); the sums of weights, per
// line of the window, take it off again.
//
// A tile is a block of output pixels: a piece of a line, or several whole lines where these are short. Pixels of a window that
// lie in the padding are left out when the code of a tile is generated, so that none costs anything; tiles whose windows
// meet the border in the same way share their code.
#pragma once

#include "cpu/channels_last.h"
#include "cpu/panel_product.h"
#include "cpu/x64/tile_code.h"
#include "ops/window.h"

namespace tercet::x64 {

struct ProductShape {
    std::int64_t images = 1, groups = 1;
    std::int64_t columns = 0;        // per group
    std::int64_t depth = 0;          // floats per tap, or four bytes each
    WindowAxis lines{}, pixels{};    // the window down the lines of an image, and along a line
    std::int64_t x_pixel = 0;        // the same between neighbouring pixels of x; a line has pixels.in of them
    std::int64_t y_pixel = 0;        // elements
    std::int64_t x_group = 0, y_group = 0;  // the same between groups of x; elements between those of y
    bool shared_columns = false;     // groups have the same columns to tails and biases: matrices of a batch; otherwise they lie side by side
    bool weights_in_workspace = false;      // packed by an earlier phase, at its start; otherwise input 1

    std::int64_t taps() const { return lines.kernel * pixels.kernel; }
    std::int64_t rows() const { return images * lines.out * pixels.out; }
    PanelShape panels() const { return {.rows = rows(), .groups = groups, .columns = columns, .taps = taps(), .depth = depth}; }
};

/// A matrix of `rows` rows as one line.
ProductShape matrix_product(std::int64_t rows, std::int64_t depth, std::int64_t columns);

/// A convolution over one or two axes, `per_unit` elements of x to a unit of depth: 1, or four bytes. A window of one pixel is a
/// matrix product over all pixels.
ProductShape window_product(const ChannelsLast& at, std::int64_t groups, std::int64_t per_unit);

/// Empty, or why distances within the product do not fit into generated code.
Refusal refuse_product(const ProductShape& shape);

/// Register tiles with several ways to cut the work. Variant: rows x cols of the tile, `tile` tiles per unit, `depth` panels
/// per unit.
std::vector<Variant> product_variants(const ProductShape& shape, const Isa& isa, const Arithmetic& arithmetic = {});

/// Estimated cost, comparable to panel_cost.
double product_cost(const ProductShape& shape, const Variant& variant, const Isa& isa);

/// Adds the phase that computes it from input 0 and the packed input 1.
void add_product_phase(Kernel& kernel, const ProductShape& shape, const Variant& variant, const Tensor* bias, const TailShape& tail, const Isa& isa, const Arithmetic& arithmetic = {});

/// The bias of all groups, each padded to whole panels; zeros without one. The bits are of f32, or of i32 where sums are of bytes.
std::vector<float> padded_bias(const Tensor* bias, std::int64_t groups, std::int64_t columns, std::int64_t cols);
std::vector<std::uint32_t> padded_bias_bits(const Tensor* bias, std::int64_t groups, std::int64_t columns, std::int64_t cols);

/// Bytes of a packed panel.
std::int64_t panel_bytes(std::int64_t lines, std::int64_t taps_by_depth, std::int64_t cols, const Arithmetic& arithmetic);

/// adjusted[c] = bias[c] - absent * sum over lines [first, last) of sums[line][c], modulo 2^32.
void adjust_bias(std::uint32_t* adjusted, const std::uint32_t* bias, const void* panel, std::int64_t first, std::int64_t last, std::int64_t cols, std::uint32_t absent) noexcept;

}  // namespace tercet::x64
