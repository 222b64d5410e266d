// SPDX-License-Identifier: Apache-2.0
#include "cpu/x64/product.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <set>

namespace tercet::x64 {
namespace {

constexpr std::int64_t ceil_of(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

struct Piece {
    std::int64_t first, count;
};

// [0, n) in pieces of at most `most`, as equal as they can be.
std::vector<Piece> pieces(std::int64_t n, std::int64_t most) {
    std::vector<Piece> p;
    const std::int64_t size = n == 0 ? 0 : ceil_of(n, ceil_of(n, most));
    for (std::int64_t at = 0; at < n; at += size) p.push_back({at, std::min(size, n - at)});
    return p;
}

// How output pixels are cut into tiles of at most `rows`.
struct Grid {
    std::vector<Piece> lines, pixels;
    bool by_line = true;  // a tile is a piece of one line, and its window's lines are passes of a loop

    Grid(const ProductShape& s, int rows) {
        const std::int64_t together = s.taps() <= 25 ? rows / std::max<std::int64_t>(1, s.pixels.out) : 1;  // written out line by line, a large window would be much code
        by_line = together < 2 || s.lines.out < 2;
        lines = by_line ? pieces(s.lines.out, 1) : pieces(s.lines.out, together);
        pixels = pieces(s.pixels.out, rows);
    }
    std::int64_t tiles(const ProductShape& s) const { return s.images * static_cast<std::int64_t>(lines.size() * pixels.size()); }
};

Tile tile_of(const ProductShape& s, const Grid& grid, const Piece& lines, const Piece& pixels, int y_bytes) {
    Tile t;
    t.depth = s.depth;
    for (std::int64_t l = 0; l < lines.count; ++l)
        for (std::int64_t p = 0; p < pixels.count; ++p) {
            t.x_rows.push_back(static_cast<std::int32_t>((l * s.lines.stride * s.pixels.in + p * s.pixels.stride) * s.x_pixel * 4));
            t.y_rows.push_back(static_cast<std::int32_t>((l * s.pixels.out + p) * s.y_pixel * y_bytes));
        }
    for (std::int64_t i = 0; i < (grid.by_line ? 1 : s.lines.kernel); ++i)
        for (std::int64_t j = 0; j < s.pixels.kernel; ++j) {
            Tile::Tap tap{.x = static_cast<std::int32_t>((i * s.lines.dilation * s.pixels.in + j * s.pixels.dilation) * s.x_pixel * 4), .rows = 0};
            std::uint32_t bit = 1;
            for (std::int64_t l = 0; l < lines.count; ++l)
                for (std::int64_t p = 0; p < pixels.count; ++p, bit <<= 1) {
                    const std::int64_t line = s.lines.position(lines.first + l, i), pixel = s.pixels.position(pixels.first + p, j);
                    const bool inside = (grid.by_line || (line >= 0 && line < s.lines.in)) && pixel >= 0 && pixel < s.pixels.in;
                    if (inside) tap.rows |= bit;
                }
            t.taps.push_back(tap);
        }
    return t;
}

// A tile's addresses, relative to the buffers and to the first panel; the same for all panels.
struct Placed {
    const TileFunction* functions;  // of whole panels, of the last panel
    std::int64_t x, y, w, passes;   // bytes in x, elements in y, bytes within the weights of a panel
    WindowAxis::Taps lines;         // of the window, that are summed up
};

struct Product {
    ProductShape s;
    Grid grid;
    TailShape tail;
    Arithmetic arithmetic;
    std::vector<std::uint32_t> bias;      // bits of f32 or i32
    Code code;
    std::vector<TileFunction> functions;  // [line kinds][pixel pieces][whole, last panel]
    std::int64_t cols, panels, bytes;     // bytes of a panel
    std::int64_t tiles, block, run;       // tiles in all and per unit, panels per unit
    std::int64_t blocks, runs;

    Placed place(std::int64_t tile) const {
        const auto columns = static_cast<std::int64_t>(grid.pixels.size()), rows = static_cast<std::int64_t>(grid.lines.size());
        const std::int64_t j = tile % columns, i = tile / columns % rows, image = tile / columns / rows;
        const std::int64_t line = grid.lines[static_cast<std::size_t>(i)].first, pixel = grid.pixels[static_cast<std::size_t>(j)].first;
        Placed p{functions.data() + ((grid.by_line ? 0 : i) * columns + j) * 2, 0, ((image * s.lines.out + line) * s.pixels.out + pixel) * s.y_pixel, 0, 1, {0, s.lines.kernel}};
        std::int64_t from = s.lines.position(line, 0);
        if (grid.by_line) {
            const auto taps = s.lines.inside(line);
            p.passes = std::max<std::int64_t>(0, taps.count());
            p.w = taps.first * s.pixels.kernel * s.depth * cols * weight_bytes();
            p.lines = taps;
            from = s.lines.position(line, taps.first);
        }
        p.x = ((image * s.lines.in + from) * s.pixels.in + s.pixels.position(pixel, 0)) * s.x_pixel * 4;
        return p;
    }

    std::int64_t weight_bytes() const { return arithmetic.bytes ? 4 : bits_of(arithmetic.weights) / 8; }

    void run_unit(const Buffers& b, std::int64_t u) const noexcept {
        // Pixels by pixels, whatever the panels: what a worker writes is near what it reads in the next step.
        const std::int64_t parts = runs * s.groups, block_index = u / parts, part = u % parts;
        const std::int64_t group = part / runs, first_panel = part % runs * run, last_panel = std::min(panels, first_panel + run);
        const std::int64_t first = block_index * block, count = std::min(block, tiles - first);
        auto* placed = reinterpret_cast<Placed*>(b.worker);
        auto* adjusted = reinterpret_cast<std::uint32_t*>(b.worker + block * static_cast<std::int64_t>(sizeof(Placed)));
        for (std::int64_t i = 0; i < count; ++i) placed[i] = place(first + i);
        TailPlaces places(tail, b);
        const auto* x = static_cast<const char*>(b.inputs[0]) + group * s.x_group * 4;
        const auto* weights = s.weights_in_workspace ? reinterpret_cast<const char*>(b.workspace) : static_cast<const char*>(b.inputs[1]);
        auto* y = static_cast<char*>(b.outputs[0]);
        const std::int64_t y_bytes = arithmetic.y_bytes(), sums_bytes = arithmetic.bytes ? s.lines.kernel * cols * 4 : 0;
        for (std::int64_t panel = first_panel; panel < last_panel; ++panel) {
            const auto* w = weights + (group * panels + panel) * bytes;
            const std::int64_t column = (s.shared_columns ? 0 : group * s.columns) + panel * cols, first_y = group * s.y_group + panel * cols;
            const bool last = panel + 1 == panels;
            const std::uint32_t* panel_bias = bias.data() + (group * panels + panel) * cols;
            WindowAxis::Taps lines{-1, -1};
            for (std::int64_t i = 0; i < count; ++i) {
                const Placed& p = placed[i];
                if (arithmetic.absent != 0 && (p.lines.first != lines.first || p.lines.last != lines.last)) {
                    lines = p.lines;
                    adjust_bias(adjusted, panel_bias, w, lines.first, lines.last, cols, arithmetic.absent);
                }
                const TileArgs args{x + p.x, w + sums_bytes + p.w, arithmetic.absent != 0 ? adjusted : panel_bias, y + (p.y + first_y) * y_bytes, p.passes, places.at(p.y + first_y, column)};
                p.functions[last](&args);
            }
        }
    }
};

}  // namespace

ProductShape matrix_product(std::int64_t rows, std::int64_t depth, std::int64_t columns) {
    ProductShape s{.columns = columns, .depth = depth, .x_pixel = depth, .y_pixel = columns};
    s.pixels.in = s.pixels.out = rows;
    return s;
}

ProductShape window_product(const ChannelsLast& at, std::int64_t groups, std::int64_t per_unit) {
    const auto& [a, b, ignored] = at.window.axes;
    const std::int64_t columns = at.out_channels / groups, depth = at.in_channels / groups / per_unit;
    ProductShape s{.images = at.batch, .groups = groups, .columns = columns, .depth = depth, .x_pixel = at.in_channels / per_unit, .y_pixel = at.out_channels, .x_group = depth, .y_group = columns};
    if (at.window.rank == 1) s.pixels = a;
    else s.lines = a, s.pixels = b;
    const auto whole = [](const WindowAxis& x) { return x.kernel == 1 && x.stride == 1 && x.in == x.out; };
    if (whole(s.lines) && whole(s.pixels)) {
        s.pixels.in = s.pixels.out = s.rows();
        s.lines = {};
        s.images = 1;
    }
    return s;
}

Refusal refuse_product(const ProductShape& s) {
    constexpr std::int64_t most = std::int64_t{1} << 30;  // bytes: a displacement has 31 bits
    if (s.pixels.in * s.x_pixel * 4 * (s.lines.reach() + 32 * s.lines.stride) > most && s.lines.out * s.lines.kernel > 1) return "the lines are too long";
    if ((32 * s.pixels.stride + s.pixels.reach()) * s.x_pixel * 4 > most || 32 * s.y_pixel * 4 > most || s.taps() * s.depth * 64 * 4 > most) return "the pixels are too large";
    if (s.pixels.kernel > 64) return "the window is too wide to write its pixels out";
    return {};
}

std::vector<float> padded_bias(const Tensor* bias, std::int64_t groups, std::int64_t columns, std::int64_t cols) {
    std::vector<float> all;
    for (std::uint32_t bits : padded_bias_bits(bias, groups, columns, cols)) all.push_back(std::bit_cast<float>(bits));
    return all;
}

std::vector<std::uint32_t> padded_bias_bits(const Tensor* bias, std::int64_t groups, std::int64_t columns, std::int64_t cols) {
    const std::int64_t padded = ceil_of(columns, cols) * cols;
    std::vector<std::uint32_t> all(static_cast<std::size_t>(groups * padded));
    for (std::int64_t g = 0; bias && g < groups; ++g)
        for (std::int64_t c = 0; c < columns; ++c) {
            const std::int64_t i = g * columns + c;
            all[static_cast<std::size_t>(g * padded + c)] = bias->dtype() == DType::i32 ? static_cast<std::uint32_t>(bias->view().get_int_at(i)) : std::bit_cast<std::uint32_t>(static_cast<float>(bias->get(i)));
        }
    return all;
}

std::int64_t panel_bytes(std::int64_t lines, std::int64_t taps_by_depth, std::int64_t cols, const Arithmetic& a) {
    if (a.bytes) return (lines + taps_by_depth) * cols * 4;
    return taps_by_depth * cols * bits_of(a.weights) / 8;
}

void adjust_bias(std::uint32_t* adjusted, const std::uint32_t* bias, const void* panel, std::int64_t first, std::int64_t last, std::int64_t cols, std::uint32_t absent) noexcept {
    const auto* sums = static_cast<const std::uint32_t*>(panel);
    std::copy_n(bias, cols, adjusted);
    for (std::int64_t l = first; l < last; ++l)
        for (std::int64_t c = 0; c < cols; ++c) adjusted[c] -= absent * sums[l * cols + c];
}

std::vector<Variant> product_variants(const ProductShape& s, const Isa& isa, const Arithmetic& arithmetic) {
    const int lanes = isa.has(Isa::Level::avx512) ? 16 : 8;
    std::vector<Variant> all;
    const std::int64_t out = std::max<std::int64_t>(1, s.pixels.out);
    for (int vectors : {1, 2, 3, 4, 6, 8}) {
        const int cols = vectors * lanes, most = most_rows(isa, vectors, arithmetic);
        if (most < 1 || (vectors > 1 && cols - lanes >= s.columns) || !pads_little(s.columns, cols, lanes)) continue;
        if (vectors > 4 && s.rows() > 2 * most) continue;  // wide tiles are for few rows, whose weights stream by
        // The most rows that fit, fewer with a register to spare, and what divides a line, or several, evenly.
        std::set<int> rows;
        for (int limit : {most, most - 1, most * 2 / 3}) {
            if (limit < 1) continue;
            const std::int64_t r = limit >= out ? (s.lines.out > 1 ? limit / out * out : out) : ceil_of(out, ceil_of(out, limit));
            rows.insert(static_cast<int>(std::min<std::int64_t>(r, limit)));
        }
        for (int r : rows) {
            const std::int64_t tiles = Grid(s, r).tiles(s), panels = ceil_of(s.columns, cols);
            std::set<std::pair<int, int>> cuts;  // tiles and panels of a unit
            const auto cut = [&](std::int64_t t, std::int64_t p) {
                t = std::clamp<std::int64_t>(t, 1, std::max<std::int64_t>(1, tiles)), p = std::clamp<std::int64_t>(p, 1, std::max<std::int64_t>(1, panels));
                cuts.emplace(static_cast<int>(std::min<std::int64_t>(t, 256)), static_cast<int>(p));
            };
            if (tiles >= 8) cut(std::min<std::int64_t>(4, tiles / 8), panels);
            if (tiles >= 64) cut(std::min<std::int64_t>(16, tiles / 16), panels);
            if (tiles >= 512) cut(64, panels);
            if (panels > 1) cut(ceil_of(tiles, 2), ceil_of(panels, 2)), cut(tiles, ceil_of(panels, 8)), cut(tiles, 1);
            if (panels >= 4) cut(16, ceil_of(panels, 4));
            if (cuts.empty()) cut(ceil_of(tiles, 2), panels);
            for (const auto& [t, p] : cuts) all.push_back({.rows = r, .cols = cols, .depth = p, .tile = t});
        }
    }
    return all;
}

double product_cost(const ProductShape& s, const Variant& v, const Isa& isa) {
    const int lanes = isa.has(Isa::Level::avx512) ? 16 : 8, vectors = v.cols / lanes;
    const Grid grid(s, v.rows);
    const double tiles = static_cast<double>(grid.tiles(s)), panels = static_cast<double>(ceil_of(s.columns, v.cols));
    const double rows = std::max(1.0, static_cast<double>(s.rows()) / std::max(1.0, tiles));  // of a tile, on average
    const double loads = (rows + vectors) / (rows * vectors), chains = std::min(1.0, rows * vectors / 8.0);
    const double width = static_cast<double>(s.groups * ceil_of(s.columns, lanes));  // vectors of columns
    const double units = std::ceil(tiles / v.tile) * std::ceil(panels / v.depth) * static_cast<double>(s.groups);
    const double idle = units < 8 ? 1 + 0.5 / std::max(1.0, units) : 1;
    const double streams = 0.2 / v.tile;
    return static_cast<double>(s.rows()) * width * static_cast<double>(s.taps() * s.depth) * (0.5 / chains + 0.4 * loads + streams) * idle +
           tiles * panels * static_cast<double>(s.groups) * 10 + static_cast<double>(s.rows()) * width;
}

void add_product_phase(Kernel& kernel, const ProductShape& s, const Variant& v, const Tensor* bias, const TailShape& tail, const Isa& isa, const Arithmetic& arithmetic) {
    auto p = std::make_shared<Product>(Product{.s = s, .grid = Grid(s, v.rows), .tail = tail, .arithmetic = arithmetic, .bias = padded_bias_bits(bias, s.groups, s.columns, v.cols), .code = {}, .functions = {}});
    p->cols = v.cols;
    p->panels = ceil_of(s.columns, v.cols);
    p->bytes = panel_bytes(s.lines.kernel, s.taps() * s.depth, v.cols, arithmetic);
    TileWriter writer(isa, tail, arithmetic);
    const auto weight_bytes = static_cast<int>(p->weight_bytes());
    const std::int64_t lanes = isa.has(Isa::Level::avx512) ? 16 : 8, rest = s.columns - (p->panels - 1) * v.cols;
    std::vector<std::size_t> tiles;
    for (std::size_t i = 0; i < (p->grid.by_line ? 1 : p->grid.lines.size()); ++i)
        for (const Piece& pixels : p->grid.pixels) {
            if (p->grid.lines.empty()) continue;
            Tile t = tile_of(s, p->grid, p->grid.lines[i], pixels, arithmetic.y_bytes());
            t.w_step = v.cols * weight_bytes;
            if (p->grid.by_line && s.lines.kernel > 1) {
                t.x_pass = static_cast<std::int32_t>(s.lines.dilation * s.pixels.in * s.x_pixel * 4);
                t.w_pass = static_cast<std::int32_t>(s.pixels.kernel * s.depth * v.cols * weight_bytes);
            } else if (p->grid.by_line && (s.lines.pad_begin > 0 || s.lines.pad_end > 0)) {
                t.x_pass = t.w_pass = 4;  // a window of one line that may lie in the padding: one pass or none
            }
            for (std::int64_t cols : {std::int64_t{v.cols}, rest}) {
                t.vectors = static_cast<int>(ceil_of(cols, lanes));
                t.last = static_cast<int>(cols % lanes);
                tiles.push_back(writer.add(t));
            }
        }
    TileWriter::Tiles written = writer.seal();
    p->code = std::move(written.code);
    for (std::size_t t : tiles) p->functions.push_back(written.functions[t]);
    p->tiles = p->grid.tiles(s);
    p->block = v.tile;
    p->run = v.depth;
    p->blocks = ceil_of(p->tiles, p->block);
    p->runs = ceil_of(p->panels, p->run);
    kernel.worker_bytes = std::max(kernel.worker_bytes, static_cast<std::size_t>(p->block) * sizeof(Placed) + static_cast<std::size_t>(v.cols) * 4);
    kernel.phases.push_back({.units = p->blocks * p->runs * s.groups, .run = [p](const Buffers& b, std::int64_t first, std::int64_t last) {
                                 for (std::int64_t u = first; u < last; ++u) p->run_unit(b, u);
                             }});
}

}  // namespace tercet::x64
