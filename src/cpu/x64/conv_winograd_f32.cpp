// SPDX-License-Identifier: Apache-2.0
// Winograd's convolution F(m, 3), m = 2, 4, 6: 3x3 windows, stride 1. An output tile of m x m pixels is transformed from
// n x n pixels, n = m + 2; between the transforms stand n*n matrix products of transformed pixels V by transformed weights U,
// with (m/n)^2 * 9 times fewer multiply-adds than the direct way (2.25, 4, 5.06).
//
//   U  [panels][n*n][channels][cols]     made when the engine is loaded
//   V  [n*n][tiles of a block][channels], padded
//
// A unit transforms a block of tiles small enough that V stays in the cache, and runs panels of U over it; or, where tiles
// are few and panels many (variants with `depth`), V of all tiles is made first, in a phase of its own, and shared.
#include "cpu/conv_f32.h"
#include "cpu/x64/product.h"

#include <algorithm>

namespace tercet::x64 {
namespace {

constexpr std::int64_t ceil_of(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

struct Geometry {
    Conv conv;
    int m = 0;
    std::int64_t n2 = 0;                      // n*n
    std::int64_t lines = 0, pixels = 0;       // tiles down and across an image
    std::int64_t channels = 0, columns = 0;
    std::int64_t row = 0;                     // floats from one tile's channels to the next's in V: off the multiples of 4 KiB

    Geometry(const Step& s, int points) : conv(conv_of(s)), m(points), n2(static_cast<std::int64_t>(points + 2) * (points + 2)) {
        const auto& [a, b, ignored] = conv.at.window.axes;
        lines = ceil_of(a.out, m), pixels = ceil_of(b.out, m);
        channels = conv.at.in_channels, columns = conv.at.out_channels;
        row = ceil_of(channels, 16) * 16 + 16;
    }
    std::int64_t tiles() const { return conv.at.batch * lines * pixels; }
};

Refusal refuse(const Step& s, const Isa& isa, int m) {
    if (!isa.has(Isa::Level::avx2)) return "needs AVX2 and FMA";
    if (Refusal r = refuse_conv(s, isa, true)) return r;
    const Conv c = conv_of(s);
    if (c.at.window.rank != 2 || c.groups != 1) return "not a plain convolution over 2 axes";
    for (int i = 0; i < 2; ++i) {
        const WindowAxis& a = c.at.window.axes[static_cast<std::size_t>(i)];
        if (a.kernel != 3 || a.stride != 1 || a.dilation != 1) return "not a 3x3 window with stride 1";
        if (a.out < m) return "the image is smaller than a tile";
    }
    if (c.at.in_channels < 8 || c.at.out_channels < 8) return "too few channels for transforms to pay";
    if (c.at.in_channels > 1 << 16 || c.at.out_channels > 1 << 16) return "too many channels";
    return TailShape::refuse(s);
}

struct Winograd {
    Geometry g;
    simd::Winograd transforms;
    TailShape tail;
    std::vector<float> bias, zeros;
    std::int64_t cols, panels, lanes;
    std::int64_t block, run;              // tiles and panels of a unit
    std::int64_t rows;                    // of the register tile
    bool shared;                          // V of all tiles, in the workspace
    Code code, tail_code;
    std::vector<TileFunction> products;   // [rows of the register tile, less one][whole, last panel]
    std::vector<TileFunction> tails;      // [pixels of a line, less one][whole, last panel]; empty without a tail

    std::int64_t stored_tiles() const { return shared ? g.tiles() : block; }  // of V
    std::size_t pixels_bytes() const { return static_cast<std::size_t>(ceil_of(g.n2, 8) * 64); }

    void transform(const Buffers& b, float* v, std::int64_t first, std::int64_t count) const noexcept {
        const auto* x = static_cast<const float*>(b.inputs[0]);
        const auto& [a, c, ignored] = g.conv.at.window.axes;
        const auto** pixels = reinterpret_cast<const float**>(b.worker);
        const std::int64_t n = g.m + 2;
        for (std::int64_t t = 0; t < count; ++t) {
            const std::int64_t at = first + t, j = at % g.pixels, i = at / g.pixels % g.lines, image = at / g.pixels / g.lines;
            for (std::int64_t p = 0; p < n; ++p) {
                const std::int64_t line = i * g.m - a.pad_begin + p;
                for (std::int64_t q = 0; q < n; ++q) {
                    const std::int64_t pixel = j * g.m - c.pad_begin + q;
                    const bool inside = line >= 0 && line < a.in && pixel >= 0 && pixel < c.in;
                    pixels[p * n + q] = inside ? x + ((image * a.in + line) * c.in + pixel) * g.channels : zeros.data();
                }
            }
            transforms.input(pixels, g.channels, v + t * g.row, stored_tiles() * g.row);
        }
    }

    // Panels [first_panel, last_panel) of the outputs of tiles [first, first + count), whose V starts at v.
    void multiply(const Buffers& b, const float* v, std::int64_t first, std::int64_t count, std::int64_t first_panel, std::int64_t last_panel, float* sums) const noexcept {
        const auto& [a, c, ignored] = g.conv.at.window.axes;
        TailPlaces places(tail, b);
        auto* y = static_cast<float*>(b.outputs[0]);
        for (std::int64_t panel = first_panel; panel < last_panel; ++panel) {
            const float* u = static_cast<const float*>(b.inputs[1]) + panel * g.n2 * g.channels * cols;
            const bool last = panel + 1 == panels;
            for (std::int64_t e = 0; e < g.n2; ++e, u += g.channels * cols)
                for (std::int64_t t = 0; t < count; t += rows) {
                    const TileArgs args{v + (e * stored_tiles() + t) * g.row, u, zeros.data(), sums + (e * block + t) * cols, 1, nullptr};
                    products[static_cast<std::size_t>((std::min(rows, count - t) - 1) * 2 + last)](&args);
                }
            const std::int64_t column = panel * cols;
            for (std::int64_t t = 0; t < count; ++t) {
                const std::int64_t at = first + t, j = at % g.pixels, i = at / g.pixels % g.lines, image = at / g.pixels / g.lines;
                const std::int64_t lines = std::min<std::int64_t>(g.m, a.out - i * g.m), pixels = std::min<std::int64_t>(g.m, c.out - j * g.m);
                const std::int64_t offset = ((image * a.out + i * g.m) * c.out + j * g.m) * g.columns + column;
                transforms.output({.sums = sums + t * cols, .sums_stride = block * cols, .bias = bias.data() + column, .columns = std::min(cols, g.columns - column),
                                   .y = y + offset, .line_stride = c.out * g.columns, .pixel_stride = g.columns, .lines = lines, .pixels = pixels});
                for (std::int64_t line = 0; !tails.empty() && line < lines; ++line) {
                    const std::int64_t from = offset + line * c.out * g.columns;
                    const TileArgs args{nullptr, nullptr, nullptr, y + from, 0, places.at(from, column)};
                    tails[static_cast<std::size_t>((pixels - 1) * 2 + last)](&args);
                }
            }
        }
    }
};

Kernel compile(const Step& s, const Variant& v, const Isa& isa, int m) {
    const Geometry g(s, m);
    const std::int64_t lanes = isa.has(Isa::Level::avx512) ? 16 : 8, panels = ceil_of(g.columns, v.cols);
    auto w = std::make_shared<Winograd>(Winograd{.g = g, .transforms = simd_level(isa)->winograd[m / 2 - 1], .tail = TailShape::of(s),
                                                 .bias = padded_bias(g.conv.bias, 1, g.columns, v.cols), .zeros = {}, .cols = v.cols, .panels = panels, .lanes = lanes,
                                                 .block = std::min<std::int64_t>(v.tile, std::max<std::int64_t>(1, g.tiles())), .run = v.depth ? v.depth : panels, .rows = v.rows,
                                                 .shared = v.depth != 0, .code = {}, .tail_code = {}, .products = {}, .tails = {}});
    w->zeros.resize(static_cast<std::size_t>(std::max<std::int64_t>(g.channels, v.cols)));
    const std::int64_t rest = g.columns - (panels - 1) * v.cols;

    TileWriter products(isa, {}), tails(isa, w->tail);
    std::vector<std::size_t> product_tiles, tail_tiles;
    const std::int64_t remainder = g.tiles() % w->block;  // of the last block
    for (int rows = 1; rows <= v.rows; ++rows)
        for (std::int64_t cols : {std::int64_t{v.cols}, rest}) {
            if (rows != v.rows && rows != w->block % v.rows && rows != remainder % v.rows) {
                product_tiles.push_back(0);  // never run
                continue;
            }
            Tile t{.vectors = static_cast<int>(ceil_of(cols, lanes)), .depth = g.channels, .w_step = v.cols * 4, .x_rows = {}, .y_rows = {}, .taps = {{}}};
            for (int r = 0; r < rows; ++r) {
                t.x_rows.push_back(static_cast<std::int32_t>(r * g.row * 4));
                t.y_rows.push_back(r * v.cols * 4);
            }
            product_tiles.push_back(products.add(t));
        }
    for (int pixels = 1; w->tail.expr && pixels <= m; ++pixels)
        for (std::int64_t cols : {std::int64_t{v.cols}, rest}) {
            Tile t{.vectors = static_cast<int>(ceil_of(cols, lanes)), .last = static_cast<int>(cols % lanes), .in_place = true, .x_rows = {}, .y_rows = {}, .taps = {}};
            for (int p = 0; p < pixels; ++p) t.y_rows.push_back(static_cast<std::int32_t>(p * g.columns * 4));
            tail_tiles.push_back(tails.add(t));
        }
    TileWriter::Tiles p = products.seal();
    for (std::size_t i : product_tiles) w->products.push_back(p.functions[i]);
    w->code = std::move(p.code);
    if (!tail_tiles.empty()) {
        TileWriter::Tiles q = tails.seal();
        for (std::size_t i : tail_tiles) w->tails.push_back(q.functions[i]);
        w->tail_code = std::move(q.code);
    }

    Kernel k;
    const std::size_t sums = static_cast<std::size_t>(g.n2 * w->block * v.cols) * 4, block_v = static_cast<std::size_t>(g.n2 * w->block * g.row) * 4;
    const std::int64_t blocks = ceil_of(g.tiles(), w->block), runs = ceil_of(panels, w->run);
    if (!w->shared) {
        k.worker_bytes = w->pixels_bytes() + sums + block_v;
        k.phases.push_back({.units = blocks, .run = [w, sums](const Buffers& b, std::int64_t first_unit, std::int64_t last_unit) {
                                auto* own = b.worker + w->pixels_bytes();
                                auto* v_block = reinterpret_cast<float*>(own + sums);
                                for (std::int64_t u = first_unit; u < last_unit; ++u) {
                                    const std::int64_t first = u * w->block, count = std::min(w->block, w->g.tiles() - first);
                                    w->transform(b, v_block, first, count);
                                    w->multiply(b, v_block, first, count, 0, w->panels, reinterpret_cast<float*>(own));
                                }
                            }});
        return k;
    }
    k.worker_bytes = w->pixels_bytes() + sums;
    k.workspace_bytes = static_cast<std::size_t>(g.n2 * g.tiles() * g.row) * 4;
    k.phases.push_back({.units = g.tiles(), .run = [w](const Buffers& b, std::int64_t first, std::int64_t last) {
                            w->transform(b, reinterpret_cast<float*>(b.workspace) + first * w->g.row, first, last - first);
                        }});
    k.phases.push_back({.units = blocks * runs, .run = [w, runs](const Buffers& b, std::int64_t first_unit, std::int64_t last_unit) {
                            auto* own = reinterpret_cast<float*>(b.worker + w->pixels_bytes());
                            for (std::int64_t u = first_unit; u < last_unit; ++u) {
                                const std::int64_t first = u / runs * w->block, count = std::min(w->block, w->g.tiles() - first), panel = u % runs * w->run;
                                w->multiply(b, reinterpret_cast<float*>(b.workspace) + first * w->g.row, first, count, panel, std::min(w->panels, panel + w->run), own);
                            }
                        }});
    return k;
}

std::vector<Variant> variants(const Step& s, const Isa& isa, int m) {
    const Geometry g(s, m);
    const int lanes = isa.has(Isa::Level::avx512) ? 16 : 8;
    const std::int64_t tiles = std::max<std::int64_t>(1, g.tiles());
    std::vector<Variant> all;
    for (int vectors : {1, 2, 3, 4}) {
        const int cols = vectors * lanes, most = most_rows(isa, vectors);
        if (most < 2 || (vectors > 1 && cols - lanes >= g.columns) || !pads_little(g.columns, cols, lanes)) continue;
        const std::int64_t panels = ceil_of(g.columns, cols);
        std::vector<std::pair<int, int>> seen;
        for (std::int64_t wanted : {1, 2, 4, 8}) {
            // Blocks that the register tiles fill evenly.
            const std::int64_t block = std::min(tiles, wanted * most), rows = ceil_of(block, ceil_of(block, most));
            const std::pair pair{static_cast<int>(rows), static_cast<int>(block)};
            if (std::ranges::find(seen, pair) != seen.end()) continue;
            seen.push_back(pair);
            const double v_bytes = static_cast<double>(g.n2 * block * g.row) * 4;
            if (v_bytes < 4e6 && tiles > block) all.push_back({.rows = pair.first, .cols = cols, .tile = pair.second});
            if (panels > 1 && tiles <= 8 * block && static_cast<double>(g.n2 * tiles * g.row) * 4 < 64e6) {
                all.push_back({.rows = pair.first, .cols = cols, .depth = 1, .tile = pair.second});
                if (panels > 8) all.push_back({.rows = pair.first, .cols = cols, .depth = static_cast<int>(ceil_of(panels, 8)), .tile = pair.second});
            }
        }
        if (all.empty()) all.push_back({.rows = static_cast<int>(std::min<std::int64_t>(most, tiles)), .cols = cols, .tile = static_cast<int>(std::min<std::int64_t>(most, tiles))});
    }
    return all;
}

double cost(const Step& s, const Variant& v, const Isa& isa, int m) {
    const Geometry g(s, m);
    const double tiles = static_cast<double>(g.tiles()), n2 = static_cast<double>(g.n2);
    ProductShape p = matrix_product(g.tiles(), g.channels, g.columns);
    const int lanes = isa.has(Isa::Level::avx512) ? 16 : 8;
    const double products = n2 * product_cost(p, {.rows = v.rows, .cols = v.cols, .depth = 1, .tile = std::max(1, v.tile / v.rows)}, isa);
    const double transforms = tiles * n2 * static_cast<double>(ceil_of(g.channels, lanes) + ceil_of(g.columns, lanes)) * 6;
    const double weights = n2 * static_cast<double>(g.channels * g.columns) / lanes * 0.2;  // read once at least
    return products + transforms + weights;
}

std::string expansion(const Variant& v, int m) { return "F" + std::to_string(m) + " " + panel_packing(v.cols); }

Tensor expand(const Step& s, const Variant& v, const void* packed, const Isa& isa, int m) {
    const Geometry g(s, m);
    const std::int64_t panels = ceil_of(g.columns, v.cols);
    Tensor u = Tensor::zeros(DType::f32, {panels * g.n2 * g.channels * v.cols});
    auto* to = reinterpret_cast<float*>(u.writable().data);
    const simd::Winograd& t = simd_level(isa)->winograd[m / 2 - 1];
    const std::int64_t plane = g.channels * v.cols;
    const View from(s.inputs[1].dtype, {panels * 9 * plane}, packed);
    std::vector<float> widened(from.dtype == DType::f32 ? 0 : static_cast<std::size_t>(9 * plane));
    for (std::int64_t p = 0; p < panels; ++p) {
        const auto* taps = reinterpret_cast<const float*>(from.address(p * 9 * plane));
        for (std::size_t i = 0; i < widened.size(); ++i) widened[i] = static_cast<float>(from.get_at(p * 9 * plane + static_cast<std::int64_t>(i)));
        t.weights(widened.empty() ? taps : widened.data(), plane, plane, to + p * g.n2 * plane, plane);
    }
    return u;
}

template <int m>
Tactic tactic(std::string_view name) {
    return {.name = name,
            .most = Isa::Level::avx512,
            .numerics = [](const Step&) { return Numerics::approximate; },
            .refuse = [](const Step& s, const Isa& isa) { return refuse(s, isa, m); },
            .variants = [](const Step& s, const Isa& isa) { return variants(s, isa, m); },
            .compile = [](const Step& s, const Variant& v, const Isa& isa) { return compile(s, v, isa, m); },
            .cost = [](const Step& s, const Variant& v, const Isa& isa) { return cost(s, v, isa, m); },
            .stores = true,
            .packing = [](const Step&, const Variant& v) { return panel_packing(v.cols); },
            .pack = pack_conv,
            .packed_count = packed_conv_count,
            .expansion = [](const Step&, const Variant& v) { return expansion(v, m); },
            .expand = [](const Step& s, const Variant& v, const void* packed, const Isa& isa) { return expand(s, v, packed, isa, m); }};
}

const RegisteredTactic winograd2{tactic<2>("cpu/conv_winograd2_f32")};
const RegisteredTactic winograd4{tactic<4>("cpu/conv_winograd4_f32")};
const RegisteredTactic winograd6{tactic<6>("cpu/conv_winograd6_f32")};

}  // namespace
}  // namespace tercet::x64
