// SPDX-License-Identifier: Apache-2.0
// Products of bytes by generated register tiles: four products at a time, exact, with whatever follows (scale, activation,
// residual, rounding to bytes) in registers.
//     cpu/quantized_direct   windows of pixels where they lie; channels of a group come in fours
//     cpu/quantized_gather   windows copied side by side, block by block: any number of channels, few channels in wide windows
#include "cpu/panel_product.h"
#include "cpu/quantized.h"
#include "cpu/x64/product.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace tercet::x64 {
namespace {

constexpr std::int64_t ceil_of(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// In units of four bytes.
ProductShape shape_of(const ByteProduct& p) { return p.is_conv ? window_product(p.at, p.groups, 4) : matrix_product(p.rows, p.depth / 4, p.columns); }

std::int64_t packed_panel_bytes(const ByteProduct& p, std::int64_t cols) { return panel_bytes(p.lines, ceil_of(p.length(), 4), cols, {.bytes = true}); }

std::int64_t packed_count(const Step& s, const Variant& v) {
    const ByteProduct p = byte_product(s);
    return p.groups * ceil_of(p.columns, v.cols) * packed_panel_bytes(p, v.cols);
}

Tensor pack(const Step& s, const Variant& v) {
    const ByteProduct p = byte_product(s);
    const auto* w = reinterpret_cast<const std::int8_t*>(s.inputs[1].constant->data());
    Tensor packed = Tensor::zeros(DType::i8, {packed_count(s, v)});
    auto* to = reinterpret_cast<std::int8_t*>(packed.writable().data);
    const std::int64_t line_taps = p.taps / std::max<std::int64_t>(1, p.lines);
    for (std::int64_t g = 0; g < p.groups; ++g)
        for (std::int64_t first = 0; first < p.columns; first += v.cols, to += packed_panel_bytes(p, v.cols)) {
            std::vector<std::int32_t> sums(static_cast<std::size_t>(p.lines * v.cols));
            std::int8_t* bytes = to + p.lines * v.cols * 4;
            for (std::int64_t c = 0; c < std::min<std::int64_t>(v.cols, p.columns - first); ++c)
                for (std::int64_t t = 0, i = 0; t < p.taps; ++t)
                    for (std::int64_t k = 0; k < p.depth; ++k, ++i) {
                        const std::int8_t value = w[p.weight(g * p.columns + first + c, t, k)];
                        bytes[(i / 4 * v.cols + c) * 4 + i % 4] = value;
                        sums[static_cast<std::size_t>(t / line_taps * v.cols + c)] += value;
                    }
            std::memcpy(to, sums.data(), sums.size() * 4);
        }
    return packed;
}

std::string packing(const Step&, const Variant& v) { return fmt::format("bytes {}", v.cols); }

Refusal refuse_both(const Step& s, const Isa& isa) {
    if (!isa.has(Isa::Level::avx2)) return "needs AVX2";
    if (Refusal r = refuse_byte_product(s, isa)) return r;
    return TailShape::refuse(s);
}

// What a product of bytes promises: its sums and roundings are exact, its tail may not be.
Numerics numerics(const Step& s) { return TailShape::numerics(s) == Numerics::approximate ? Numerics::approximate : Numerics::exact; }

// ---- direct

Refusal refuse_direct(const Step& s, const Isa& isa) {
    if (Refusal r = refuse_both(s, isa)) return r;
    const ByteProduct p = byte_product(s);
    if (p.depth % 4 != 0) return "channels do not come in fours";
    if (p.is_conv && p.at.window.rank > 2) return "more than 2 spatial axes";
    return refuse_product(shape_of(p));
}

Kernel compile_direct(const Step& s, const Variant& v, const Isa& isa) {
    const ByteProduct p = byte_product(s);
    Kernel k;
    add_product_phase(k, shape_of(p), v, p.bias, TailShape::of(s), isa, Arithmetic::of(s));
    return k;
}

const RegisteredTactic direct{{.name = "cpu/quantized_direct",
                               .most = Isa::Level::avx512_vnni,
                               .numerics = numerics,
                               .refuse = refuse_direct,
                               .variants = [](const Step& s, const Isa& isa) { return product_variants(shape_of(byte_product(s)), isa, Arithmetic::of(s)); },
                               .compile = compile_direct,
                               .cost = [](const Step& s, const Variant& v, const Isa& isa) { return product_cost(shape_of(byte_product(s)), v, isa); },
                               .stores = true,
                               .packing = packing,
                               .pack = pack,
                               .packed_count = packed_count}};

// ---- gather

std::int64_t row_bytes(const ByteProduct& p) { return ceil_of(p.length(), 64) * 64 + 64; }  // not a multiple of 4 KiB: rows fall into different sets of the cache

Refusal refuse_gather(const Step& s, const Isa& isa) {
    if (Refusal r = refuse_both(s, isa)) return r;
    if (row_bytes(byte_product(s)) * 32 * 64 > std::int64_t{1} << 30) return "the windows are too large to gather";
    return {};
}

struct Gather {
    ByteProduct p;
    Arithmetic arithmetic;
    TailShape tail;
    std::vector<std::uint32_t> bias;
    std::int64_t row, cols, panels, panel, block, run, runs, blocks;
    std::uint8_t padding;
    bool lines_whole;        // neighbouring taps of a line are neighbours in x
    WindowAxis lines, line;  // then: down the lines of an image, and along one
    Code code;
    std::vector<TileFunction> functions;  // [rows of a tile, less one][whole, last panel]

    void gather(const std::uint8_t* x, std::uint8_t* to, std::int64_t first, std::int64_t count) const noexcept {
        for (std::int64_t r = 0; r < count; ++r, to += row) {
            std::memset(to + p.length(), 0, static_cast<std::size_t>(ceil_of(p.length(), 4) * 4 - p.length()));
            if (!p.is_conv) {
                std::memcpy(to, x + (first + r) * p.x_pixel, static_cast<std::size_t>(p.depth));
                continue;
            }
            if (lines_whole) {
                gather_lines(x, to, first + r);
                continue;
            }
            p.at.for_taps(first + r, [&](std::int64_t tap, std::int64_t from) {
                if (from < 0) std::memset(to + tap * p.depth, padding, static_cast<std::size_t>(p.depth));
                else std::memcpy(to + tap * p.depth, x + from, static_cast<std::size_t>(p.depth));
            });
        }
    }

    // One pixel's window, line by line: what of it lies in the image is copied at once.
    void gather_lines(const std::uint8_t* x, std::uint8_t* to, std::int64_t row) const noexcept {
        const std::int64_t j = row % line.out, i = row / line.out % lines.out, image = row / line.out / lines.out, start = line.position(j, 0);
        const std::int64_t before = std::clamp<std::int64_t>(-start, 0, line.kernel), last = std::clamp<std::int64_t>(line.in - start, before, line.kernel);
        const std::int64_t left = before * p.depth, copied = (last - before) * p.depth, right = (line.kernel - last) * p.depth;
        for (std::int64_t k = 0; k < lines.kernel; ++k, to += line.kernel * p.depth) {
            const std::int64_t at = lines.position(i, k);
            if (at < 0 || at >= lines.in) {
                std::memset(to, padding, static_cast<std::size_t>(line.kernel * p.depth));
                continue;
            }
            if (left > 0) std::memset(to, padding, static_cast<std::size_t>(left));
            std::memcpy(to + left, x + ((image * lines.in + at) * line.in + start + before) * p.depth, static_cast<std::size_t>(copied));
            if (right > 0) std::memset(to + left + copied, padding, static_cast<std::size_t>(right));
        }
    }

    void run_unit(const Buffers& b, std::int64_t u, std::int64_t tile_rows) const noexcept {
        const std::int64_t part = u % (runs * p.groups), group = part / runs, first_panel = part % runs * run, last_panel = std::min(panels, first_panel + run);
        const std::int64_t first = u / (runs * p.groups) * block, count = std::min(block, p.rows - first);
        auto* pixels = reinterpret_cast<std::uint8_t*>(b.worker);
        auto* adjusted = reinterpret_cast<std::uint32_t*>(b.worker + block * row);
        gather(static_cast<const std::uint8_t*>(b.inputs[0]) + group * p.depth, pixels, first, count);
        TailPlaces places(tail, b);
        auto* y = static_cast<char*>(b.outputs[0]);
        const std::int64_t width = p.groups * p.columns, y_bytes = arithmetic.y_bytes();
        for (std::int64_t i = first_panel; i < last_panel; ++i) {
            const auto* w = static_cast<const char*>(b.inputs[1]) + (group * panels + i) * panel;
            const std::int64_t column = group * p.columns + i * cols;
            const std::uint32_t* own_bias = bias.data() + (group * panels + i) * cols;
            if (arithmetic.absent != 0) {
                adjust_bias(adjusted, own_bias, w, 0, p.lines, cols, arithmetic.absent);
                own_bias = adjusted;
            }
            for (std::int64_t r = 0; r < count; r += tile_rows) {
                const std::int64_t n = std::min(tile_rows, count - r), offset = (first + r) * width + column;
                const TileArgs args{pixels + r * row, w + p.lines * cols * 4, own_bias, y + offset * y_bytes, 1, places.at(offset, column)};
                functions[static_cast<std::size_t>((n - 1) * 2 + (i + 1 == panels))](&args);
            }
        }
    }
};

Kernel compile_gather(const Step& s, const Variant& v, const Isa& isa) {
    const ByteProduct p = byte_product(s);
    const Arithmetic arithmetic = Arithmetic::of(s);
    const std::int64_t lanes = isa.has(Isa::Level::avx512) ? 16 : 8, panels = ceil_of(p.columns, v.cols), zero = s.attributes().integer("x_zero", 0);
    auto g = std::make_shared<Gather>(Gather{.p = p, .arithmetic = arithmetic, .tail = TailShape::of(s), .bias = padded_bias_bits(p.bias, p.groups, p.columns, v.cols), .row = row_bytes(p), .cols = v.cols,
                                             .panels = panels, .panel = packed_panel_bytes(p, v.cols), .block = std::int64_t{v.rows} * v.tile, .run = v.depth, .runs = ceil_of(panels, v.depth), .blocks = 0,
                                             .padding = static_cast<std::uint8_t>(zero), .lines_whole = false, .lines = {}, .line = {}, .code = {}, .functions = {}});
    g->p.bias = nullptr;  // the step's constants may go
    if (p.is_conv && p.at.window.rank <= 2) {
        g->line = p.at.window.axes[static_cast<std::size_t>(p.at.window.rank - 1)];
        if (p.at.window.rank == 2) g->lines = p.at.window.axes[0];
        g->lines_whole = p.groups == 1 && g->line.dilation == 1;
    }
    g->blocks = ceil_of(p.rows, g->block);
    TileWriter writer(isa, g->tail, arithmetic);
    std::vector<std::size_t> tiles;
    for (int rows = 1; rows <= v.rows; ++rows)
        for (std::int64_t cols : {std::int64_t{v.cols}, p.columns - (panels - 1) * v.cols}) {
            // Of the shorter tiles only what ends a block, or the last one, is ever run.
            if (rows < v.rows && rows != p.rows % g->block % v.rows) {
                tiles.push_back(0);
                continue;
            }
            Tile t{.vectors = static_cast<int>(ceil_of(cols, lanes)), .last = static_cast<int>(cols % lanes), .depth = ceil_of(p.length(), 4), .w_step = v.cols * 4, .x_rows = {}, .y_rows = {}, .taps = {{}}};
            for (int r = 0; r < rows; ++r) {
                t.x_rows.push_back(static_cast<std::int32_t>(r * g->row));
                t.y_rows.push_back(static_cast<std::int32_t>(r * p.groups * p.columns * arithmetic.y_bytes()));
            }
            tiles.push_back(writer.add(t));
        }
    TileWriter::Tiles written = writer.seal();
    g->code = std::move(written.code);
    for (std::size_t t : tiles) g->functions.push_back(written.functions[t]);
    Kernel k;
    k.worker_bytes = static_cast<std::size_t>(g->block * g->row + v.cols * 4);
    k.phases.push_back({.units = g->blocks * g->runs * p.groups, .run = [g, rows = v.rows](const Buffers& b, std::int64_t first, std::int64_t last) {
                            for (std::int64_t u = first; u < last; ++u) g->run_unit(b, u, rows);
                        }});
    return k;
}

std::vector<Variant> gather_variants(const Step& s, const Isa& isa) {
    const ByteProduct p = byte_product(s);
    const int lanes = isa.has(Isa::Level::avx512) ? 16 : 8;
    const std::int64_t rows = std::max<std::int64_t>(1, p.rows);
    std::vector<Variant> all;
    for (int vectors : {1, 2, 3, 4}) {
        const int cols = vectors * lanes;
        if ((vectors > 1 && cols - lanes >= p.columns) || !pads_little(p.columns, cols, lanes)) continue;
        const int tile = static_cast<int>(std::min<std::int64_t>(most_rows(isa, vectors, Arithmetic::of(s)), rows));
        if (tile < 1) continue;
        const std::int64_t panels = std::max<std::int64_t>(1, ceil_of(p.columns, cols));
        for (std::int64_t blocks : {1, 2, 4, 8, 16}) {
            if (blocks > 1 && (blocks * tile * row_bytes(p) > 384 << 10 || blocks * tile >= 2 * rows)) continue;
            all.push_back({.rows = tile, .cols = cols, .depth = static_cast<int>(panels), .tile = static_cast<int>(blocks)});
        }
        if (panels >= 4 && rows < 16 * tile) all.push_back({.rows = tile, .cols = cols, .depth = static_cast<int>(ceil_of(panels, 4)), .tile = 4});
    }
    return all;
}

double gather_cost(const Step& s, const Variant& v, const Isa& isa) {
    const ByteProduct p = byte_product(s);
    const ProductShape shape = matrix_product(p.rows, ceil_of(p.length(), 4), p.columns);
    const double copies = std::ceil(static_cast<double>(ceil_of(p.columns, v.cols)) / v.depth);
    return product_cost(shape, v, isa) * static_cast<double>(p.groups) + copies * static_cast<double>(p.rows * p.taps * p.groups) * (4.0 + static_cast<double>(p.depth) / 32);
}

const RegisteredTactic gather{{.name = "cpu/quantized_gather",
                               .most = Isa::Level::avx512_vnni,
                               .numerics = numerics,
                               .refuse = refuse_gather,
                               .variants = gather_variants,
                               .compile = compile_gather,
                               .cost = gather_cost,
                               .stores = true,
                               .packing = packing,
                               .pack = pack,
                               .packed_count = packed_count}};

}  // namespace
}  // namespace tercet::x64
