// SPDX-License-Identifier: Apache-2.0
// Attention by generated register tiles (src/cpu/attention_f32.h): every distance is known, sums stay in registers.
#include "cpu/attention_f32.h"
#include "cpu/x64/tile_code.h"

#include <algorithm>
#include <array>
#include <limits>

namespace tercet::x64 {
namespace {

constexpr std::int64_t ceil_of(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

int lanes_of(const Isa& isa) { return isa.has(Isa::Level::avx512) ? 16 : 8; }

Refusal refuse(const Step& step, const Isa& isa) {
    if (!isa.has(Isa::Level::avx2)) return "needs AVX2 and FMA";
    if (Refusal r = refuse_attention(step)) return r;
    const AttentionShape s = attention_shape(step);
    constexpr std::int64_t most = std::int64_t{1} << 24;  // floats: distances of 32 rows have 31 bits
    if (s.q.row > most || s.y.row > most || s.keys > most || s.depth > most / 64 || s.keys > most / 64) return "its rows are too long";
    return {};
}

std::vector<Variant> variants(const Step& step, const Isa& isa) {
    const AttentionShape s = attention_shape(step);
    std::vector<Variant> all;
    for (int vectors : {1, 2, 3, 4}) {
        const int cols = vectors * lanes_of(isa), most = most_rows(isa, vectors);
        if (vectors > 1 && cols - lanes_of(isa) >= std::max(s.keys, s.columns)) continue;
        const auto rows = static_cast<int>(ceil_of(s.queries, ceil_of(s.queries, most)));
        const std::int64_t tiles = ceil_of(s.queries, rows);
        for (std::int64_t block : {std::int64_t{2}, std::int64_t{8}, tiles})
            if (block <= tiles && (all.empty() || all.back() != Variant{.rows = rows, .cols = cols, .tile = static_cast<int>(block)}))
                all.push_back({.rows = rows, .cols = cols, .tile = static_cast<int>(block)});
        if (tiles < 2) all.push_back({.rows = rows, .cols = cols, .tile = 1});
    }
    std::ranges::sort(all);
    all.erase(std::ranges::unique(all).begin(), all.end());
    return all;
}

// The code of a kernel, by what a tile may be.
struct Tiles {
    Code code;
    std::vector<TileFunction> scores;  // [rows, rest of rows]
    std::vector<TileFunction> values;  // [rows, rest of rows][cols, rest of columns][panels of keys that are used]
};

Kernel compile(const Step& step, const Variant& v, const Isa& isa) {
    const AttentionShape s = attention_shape(step);
    const std::int64_t stride = score_stride(s, v.cols), key_panels = ceil_of(s.keys, v.cols);
    const std::int64_t rest_rows = s.queries % v.rows, rest_columns = s.columns % v.cols;
    TileWriter writer(isa, {});
    const auto tile = [&](std::int64_t rows, std::int64_t columns, std::int64_t depth, std::int64_t x_row, std::int64_t y_row) {
        Tile t{.vectors = static_cast<int>(ceil_of(columns, lanes_of(isa))), .last = static_cast<int>(columns % lanes_of(isa)), .depth = depth, .w_step = v.cols * 4, .x_rows = {}, .y_rows = {}, .taps = {Tile::Tap{}}};
        for (std::int64_t r = 0; r < rows; ++r) t.x_rows.push_back(static_cast<std::int32_t>(r * x_row * 4)), t.y_rows.push_back(static_cast<std::int32_t>(r * y_row * 4));
        return writer.add(t);
    };
    std::vector<std::size_t> scores, values;
    for (std::int64_t rows : {std::int64_t{v.rows}, rest_rows}) {
        if (rows == 0) continue;
        scores.push_back(tile(rows, v.cols, s.depth, s.q.row, stride));
        for (std::int64_t columns : {std::min<std::int64_t>(v.cols, s.columns), rest_columns == 0 ? std::min<std::int64_t>(v.cols, s.columns) : rest_columns})
            for (std::int64_t panels = s.causal ? 1 : key_panels; panels <= key_panels; ++panels)
                values.push_back(tile(rows, columns, std::min(s.keys, panels * v.cols), stride, s.y.row));
    }
    TileWriter::Tiles written = writer.seal();
    auto tiles = std::make_shared<Tiles>(Tiles{.code = std::move(written.code), .scores = {}, .values = {}});
    for (std::size_t i : scores) tiles->scores.push_back(written.functions[i]);
    for (std::size_t i : values) tiles->values.push_back(written.functions[i]);
    static constexpr std::array<float, 64> no_bias{};
    const std::int64_t depths = s.causal ? key_panels : 1;
    const auto rows_index = [rows = v.rows](std::int64_t used) { return static_cast<std::size_t>(used != rows); };
    return attention_kernel(s, v.tile,
                            {.rows = v.rows, .cols = v.cols,
                             .scores = [=](const float* q, std::int64_t rows, const float* panel, float* out) {
                                 const TileArgs args{q, panel, no_bias.data(), out, 1, nullptr};
                                 tiles->scores[rows_index(rows)](&args);
                             },
                             .values = [=](const float* p, std::int64_t rows, std::int64_t keys, const float* panel, std::int64_t columns, float* y) {
                                 const std::size_t last = columns != std::min<std::int64_t>(v.cols, s.columns);
                                 const auto depth = static_cast<std::size_t>(depths == 1 ? 0 : ceil_of(keys, v.cols) - 1);
                                 const TileArgs args{p, panel, no_bias.data(), y, 1, nullptr};
                                 tiles->values[(rows_index(rows) * 2 + last) * static_cast<std::size_t>(depths) + depth](&args);
                             }},
                            isa);
}

double cost(const Step& step, const Variant& v, const Isa& isa) {
    const AttentionShape s = attention_shape(step);
    const double vectors = v.cols / static_cast<double>(lanes_of(isa)), loads = (v.rows + vectors) / (v.rows * vectors), chains = std::min(1.0, v.rows * vectors / 8);
    return static_cast<double>(s.batches * s.heads * s.queries * s.keys) * (static_cast<double>(s.depth + s.columns) * (0.5 / chains + 0.4 * loads) + 20) / lanes_of(isa);
}

const RegisteredTactic attention{{.name = "cpu/attention_code_f32",
                                  .most = Isa::Level::avx512,
                                  .numerics = [](const Step&) { return Numerics::approximate; },
                                  .refuse = refuse,
                                  .variants = variants,
                                  .compile = compile,
                                  .cost = cost,
                                  .canonical = [](const Step&, const Isa&) { return true; }}};

}  // namespace
}  // namespace tercet::x64
