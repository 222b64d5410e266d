// SPDX-License-Identifier: Apache-2.0
// Convolution by generated tiles over gathered pixels: what lies under the windows of a block of output pixels is copied side
// by side into the worker's memory (im2col of a block that stays in the cache), and all panels of weights run over it. Pays
// where pixels lie so far apart that their cache lines displace each other, and where windows are wide and channels few.
#include "cpu/conv_f32.h"
#include "cpu/x64/product.h"

#include <algorithm>
#include <cstring>

namespace tercet::x64 {
namespace {

constexpr std::int64_t ceil_of(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// Floats from one gathered row to the next: not a multiple of 4 KiB, so that rows fall into different sets of the cache.
std::int64_t row_floats(const Conv& c) { return ceil_of(c.at.taps * c.depth(), 16) * 16 + 16; }

Refusal refuse(const Step& s, const Isa& isa) {
    if (!isa.has(Isa::Level::avx2)) return "needs AVX2 and FMA";
    if (Refusal r = refuse_conv(s, isa, true)) return r;
    const Conv c = conv_of(s);
    if (c.groups > 1 && c.depth() == 1 && c.at.out_channels == c.groups) return "one filter per channel; cpu/conv_depthwise_f32 takes those";
    if (row_floats(c) * 32 * 64 * 4 > std::int64_t{1} << 30) return "the windows are too large to gather";
    return TailShape::refuse(s);
}

struct Gather {
    ChannelsLast at;
    std::int64_t groups, depth, columns, row, cols, panels, panel_bytes, rows, block, run, runs, blocks;
    TailShape tail;
    std::vector<float> bias;
    Code code;
    std::vector<TileFunction> functions;  // [rows of a tile, less one][whole, last panel]

    void gather(const float* x, float* to, std::int64_t first, std::int64_t count) const noexcept {
        for (std::int64_t r = 0; r < count; ++r, to += row)
            at.for_taps(first + r, [&](std::int64_t tap, std::int64_t from) {
                if (from < 0) std::fill_n(to + tap * depth, depth, 0.0f);
                else std::copy_n(x + from, depth, to + tap * depth);
            });
    }

    void run_unit(const Buffers& b, std::int64_t u, std::int64_t tile_rows) const noexcept {
        const std::int64_t part = u % (runs * groups), group = part / runs, first_panel = part % runs * run, last_panel = std::min(panels, first_panel + run);
        const std::int64_t first = u / (runs * groups) * block, count = std::min(block, rows - first);
        auto* pixels = reinterpret_cast<float*>(b.worker);
        gather(static_cast<const float*>(b.inputs[0]) + group * depth, pixels, first, count);
        TailPlaces places(tail, b);
        auto* y = static_cast<float*>(b.outputs[0]);
        const std::int64_t width = groups * columns;
        for (std::int64_t panel = first_panel; panel < last_panel; ++panel) {
            const auto* w = static_cast<const char*>(b.inputs[1]) + (group * panels + panel) * panel_bytes;
            const std::int64_t column = group * columns + panel * cols;
            for (std::int64_t r = 0; r < count; r += tile_rows) {
                const std::int64_t n = std::min(tile_rows, count - r), offset = (first + r) * width + column;
                const TileArgs args{pixels + r * row, w, bias.data() + (group * panels + panel) * cols, y + offset, 1, places.at(offset, column)};
                functions[static_cast<std::size_t>((n - 1) * 2 + (panel + 1 == panels))](&args);
            }
        }
    }
};

Kernel compile(const Step& s, const Variant& v, const Isa& isa) {
    const Conv c = conv_of(s);
    const std::int64_t lanes = isa.has(Isa::Level::avx512) ? 16 : 8, columns = c.at.out_channels / c.groups, panels = ceil_of(columns, v.cols);
    auto g = std::make_shared<Gather>(Gather{.at = c.at, .groups = c.groups, .depth = c.depth(), .columns = columns, .row = row_floats(c), .cols = v.cols, .panels = panels,
                                             .panel_bytes = panel_bytes(1, c.at.taps * c.depth(), v.cols, Arithmetic::of(s)), .rows = c.at.rows(), .block = std::int64_t{v.rows} * v.tile, .run = v.depth,
                                             .runs = ceil_of(panels, v.depth), .blocks = 0, .tail = TailShape::of(s),
                                             .bias = padded_bias(c.bias, c.groups, columns, v.cols), .code = {}, .functions = {}});
    g->blocks = ceil_of(g->rows, g->block);
    TileWriter writer(isa, g->tail, Arithmetic::of(s));
    std::vector<std::size_t> tiles;
    for (int rows = 1; rows <= v.rows; ++rows)
        for (std::int64_t cols : {std::int64_t{v.cols}, columns - (panels - 1) * v.cols}) {
            // Of the shorter tiles only what ends a block, or the last one, is ever run.
            if (rows < v.rows && rows != g->rows % g->block % v.rows) {
                tiles.push_back(0);
                continue;
            }
            Tile t{.vectors = static_cast<int>(ceil_of(cols, lanes)), .last = static_cast<int>(cols % lanes), .depth = c.at.taps * c.depth(), .w_step = v.cols * bits_of(s.inputs[1].dtype) / 8, .x_rows = {}, .y_rows = {}, .taps = {{}}};
            for (int r = 0; r < rows; ++r) {
                t.x_rows.push_back(static_cast<std::int32_t>(r * g->row * 4));
                t.y_rows.push_back(static_cast<std::int32_t>(r * c.groups * columns * 4));
            }
            tiles.push_back(writer.add(t));
        }
    TileWriter::Tiles written = writer.seal();
    g->code = std::move(written.code);
    for (std::size_t t : tiles) g->functions.push_back(written.functions[t]);
    Kernel k;
    k.worker_bytes = static_cast<std::size_t>(g->block * g->row) * 4;
    k.phases.push_back({.units = g->blocks * g->runs * g->groups, .run = [g, rows = v.rows](const Buffers& b, std::int64_t first, std::int64_t last) {
                            for (std::int64_t u = first; u < last; ++u) g->run_unit(b, u, rows);
                        }});
    return k;
}

std::vector<Variant> variants(const Step& s, const Isa& isa) {
    const Conv c = conv_of(s);
    const int lanes = isa.has(Isa::Level::avx512) ? 16 : 8;
    const std::int64_t columns = c.at.out_channels / c.groups, rows = std::max<std::int64_t>(1, c.at.rows());
    std::vector<Variant> all;
    for (int vectors : {1, 2, 3, 4}) {
        const int cols = vectors * lanes;
        if ((vectors > 1 && cols - lanes >= columns) || !pads_little(columns, cols, lanes)) continue;
        const int tile = static_cast<int>(std::min<std::int64_t>(most_rows(isa, vectors), rows));
        const std::int64_t panels = ceil_of(columns, cols);
        for (std::int64_t blocks : {1, 2, 4, 8}) {
            if (blocks > 1 && (blocks * tile * row_floats(c) * 4 > 384 << 10 || blocks * tile >= 2 * rows)) continue;
            all.push_back({.rows = tile, .cols = cols, .depth = static_cast<int>(panels), .tile = static_cast<int>(blocks)});
        }
        if (panels >= 4 && rows < 16 * tile) all.push_back({.rows = tile, .cols = cols, .depth = static_cast<int>(ceil_of(panels, 4)), .tile = 4});
    }
    return all;
}

double cost(const Step& s, const Variant& v, const Isa& isa) {
    const Conv c = conv_of(s);
    const ProductShape p = matrix_product(c.at.rows(), c.at.taps * c.depth(), c.at.out_channels / c.groups);
    const double copies = std::ceil(static_cast<double>(ceil_of(p.columns, v.cols)) / v.depth);
    return product_cost(p, v, isa) * static_cast<double>(c.groups) +
           copies * static_cast<double>(c.at.rows() * c.at.taps * c.groups) * (4.0 + static_cast<double>(c.depth()) / 8);
}

const RegisteredTactic conv_gather{{.name = "cpu/conv_gather_f32",
                                    .most = Isa::Level::avx512,
                                    .numerics = TailShape::numerics,
                                    .refuse = refuse,
                                    .variants = variants,
                                    .compile = compile,
                                    .cost = cost,
                                    .canonical = TailShape::canonical,
                                    .stores = true,
                                    .packing = [](const Step&, const Variant& v) { return panel_packing(v.cols); },
                                    .pack = pack_conv,
                                    .packed_count = packed_conv_count}};

}  // namespace
}  // namespace tercet::x64
