// SPDX-License-Identifier: Apache-2.0
#include "cpu/panel_product.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <set>

namespace tercet {
namespace {

constexpr std::int64_t ceil_of(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
constexpr std::size_t aligned(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

const simd::TileShape& tile_of(const simd::Level& level, const Variant& v) {
    for (const auto& t : std::span(level.tiles, static_cast<std::size_t>(level.tile_count)))
        if (t.rows == v.rows && t.vectors * level.lanes == v.cols) return t;
    throw Error({.what = fmt::format("no kernel for the variant '{}'", v.text()), .fix = "build the engine again"});
}

}  // namespace

Refusal refuse_weights(const Step& s, bool reads_half) {
    const DType w = s.inputs[1].dtype;
    if (s.inputs[0].dtype != DType::f32 || s.outputs[0].dtype != DType::f32) return "not f32";
    if (w != DType::f32 && !(reads_half && (w == DType::f16 || w == DType::bf16))) return "the weights are not f32";
    return {};
}

std::string panel_packing(int cols) { return fmt::format("panels {}", cols); }

bool pads_little(std::int64_t columns, std::int64_t cols, std::int64_t lanes) {
    const std::int64_t padded = ceil_of(columns, cols) * cols;
    return padded <= columns + columns / 16 || padded <= ceil_of(columns, lanes) * lanes;
}

std::int64_t panel_count(const PanelShape& s, int cols) { return s.groups * ceil_of(s.columns, cols) * s.taps * s.depth * cols; }

Tensor pack_panels(const PanelShape& s, int cols, const Tensor& weights, const WeightAt& weight) {
    Tensor packed = Tensor::zeros(weights.dtype(), {panel_count(s, cols)});
    const View from = weights.view();
    const auto bytes = static_cast<std::int64_t>(from.element_bytes());
    std::byte* p = packed.writable().data;
    for (std::int64_t g = 0; g < s.groups; ++g)
        for (std::int64_t first = 0; first < s.columns; first += cols)
            for (std::int64_t t = 0; t < s.taps; ++t)
                for (std::int64_t k = 0; k < s.depth; ++k, p += cols * bytes)
                    for (std::int64_t c = 0; c < std::min<std::int64_t>(cols, s.columns - first); ++c)
                        std::memcpy(p + c * bytes, from.address(weight(g * s.columns + first + c, t, k)), static_cast<std::size_t>(bytes));
    return packed;
}

std::vector<Variant> panel_variants(const simd::Level& level, std::int64_t rows) {
    std::vector<Variant> v;
    for (const auto& t : std::span(level.tiles, static_cast<std::size_t>(level.tile_count))) {
        std::set<int> blocks;
        for (int tiles : {1, 4, 16}) blocks.insert(static_cast<int>(std::min<std::int64_t>(tiles, std::max<std::int64_t>(1, ceil_of(rows, t.rows)))));
        for (int tiles : blocks) v.push_back({.rows = t.rows, .cols = t.vectors * level.lanes, .tile = tiles});
    }
    return v;
}

double panel_cost(const PanelShape& s, const Variant& v, const simd::Level& level) {
    const auto padded = static_cast<double>(ceil_of(s.rows, v.rows) * v.rows) * static_cast<double>(s.groups * ceil_of(s.columns, v.cols) * v.cols);
    const double vectors = v.cols / level.lanes;
    // Loads per multiply-add vector: one broadcast per row, one weight per vector. Fewer chains than 8 wait for the FMA.
    const double loads = (v.rows + vectors) / (v.rows * vectors), chains = std::min(1.0, v.rows * vectors / 8.0);
    const double streams = 0.25 / v.tile;  // weights read again for every block of rows
    return padded * static_cast<double>(s.taps * s.depth) / level.lanes * (0.5 / chains + 0.5 * loads + streams) + padded;
}

void add_panel_phase(Kernel& kernel, PanelProduct p) {
    const simd::TileShape tile = tile_of(*p.level, p.variant);
    const PanelShape s = p.shape;
    const std::int64_t cols = p.variant.cols, block_rows = std::int64_t{p.variant.tile} * tile.rows;
    const std::int64_t panels = ceil_of(s.columns, cols), blocks = ceil_of(s.rows, block_rows);
    // Panels are split among units only as far as blocks of rows are too few to keep the workers busy.
    const std::int64_t run_panels = std::max<std::int64_t>(1, panels / std::max<std::int64_t>(1, ceil_of(16, std::max<std::int64_t>(1, blocks * s.groups))));
    const std::int64_t runs = ceil_of(panels, run_panels);

    auto bias = std::make_shared<std::vector<float>>();  // padded to whole panels, which tiles read in full
    if (p.bias) {
        bias->resize(static_cast<std::size_t>(s.groups * panels * cols));
        for (std::int64_t g = 0; g < s.groups; ++g)
            for (std::int64_t c = 0; c < s.columns; ++c)
                (*bias)[static_cast<std::size_t>(g * panels * cols + c)] = static_cast<float>(p.bias->get(g * s.columns + c));
    }
    const std::size_t address_bytes = aligned(static_cast<std::size_t>(s.taps * block_rows) * sizeof(const float*));
    const std::size_t find_bytes = aligned(p.find_worker_bytes);
    kernel.worker_bytes = std::max(kernel.worker_bytes, address_bytes + find_bytes * static_cast<std::size_t>(p.variant.tile));

    const auto unit = [=, p = std::move(p)](const Buffers& b, std::int64_t u) {
        const std::int64_t run = u % runs, group = u / runs % s.groups, block = u / (runs * s.groups);
        const std::int64_t first_row = block * block_rows, row_count = std::min(block_rows, s.rows - first_row);
        const auto** addresses = reinterpret_cast<const float**>(b.worker);
        for (std::int64_t r = 0, i = 0; r < row_count; r += tile.rows, ++i)
            p.find_rows(b, group, first_row + r, std::min<std::int64_t>(tile.rows, row_count - r), tile.rows, addresses + i * s.taps * tile.rows,
                        b.worker + address_bytes + static_cast<std::size_t>(i) * find_bytes);
        const auto* weights = p.weights_in_workspace ? reinterpret_cast<const float*>(b.workspace) : static_cast<const float*>(b.inputs[1]);
        const std::int64_t width = s.groups * s.columns;
        const std::int64_t first_panel = run * run_panels, last_panel = std::min(panels, first_panel + run_panels);
        for (std::int64_t panel = first_panel; panel < last_panel; ++panel) {
            const std::int64_t column = panel * cols;
            for (std::int64_t r = 0, i = 0; r < row_count; r += tile.rows, ++i)
                tile.run({.x = addresses + i * s.taps * tile.rows,
                          .taps = s.taps,
                          .depth = s.depth,
                          .w = weights + (group * panels + panel) * s.taps * s.depth * cols,
                          .bias = bias->empty() ? nullptr : bias->data() + (group * panels + panel) * cols,
                          .y = static_cast<float*>(b.outputs[0]) + (first_row + r) * width + group * s.columns + column,
                          .y_stride = width,
                          .used_rows = static_cast<int>(std::min<std::int64_t>(tile.rows, row_count - r)),
                          .used_cols = static_cast<int>(std::min(cols, s.columns - column))});
        }
        if (p.tail)
            p.tail->run(b, first_row, row_count, group * s.columns + first_panel * cols, std::min(s.columns, last_panel * cols) - first_panel * cols);
    };
    kernel.phases.push_back({.units = blocks * s.groups * runs, .run = [unit](const Buffers& b, std::int64_t first, std::int64_t last) {
                                 for (std::int64_t u = first; u < last; ++u) unit(b, u);
                             }});
}

}  // namespace tercet
