// SPDX-License-Identifier: Apache-2.0
#include "cpu/attention_f32.h"

#include "cpu/map_program.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tercet {
namespace {

constexpr std::int64_t ceil_of(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// A 4-D operand is [batch, head, row, column], a 3-D one [batch, row, head * column].
AttentionShape::Operand operand_of(const Dims& s, std::int64_t heads) {
    if (s.size() == 4) return {s[1] * s[2] * s[3], s[2] * s[3], s[3]};
    return {s[1] * s[2], s[2] / heads, s[2]};
}

// out[panel][k][c] = rows[panel*cols + c][k]: rows become columns.
void pack_transposed(float* out, const float* x, std::int64_t row_stride, std::int64_t rows, std::int64_t depth, std::int64_t cols) {
    for (std::int64_t first = 0; first < rows; first += cols, out += depth * cols) {
        const std::int64_t count = std::min(cols, rows - first);
        for (std::int64_t c = 0; c < count; ++c) {
            const float* row = x + (first + c) * row_stride;
            for (std::int64_t k = 0; k < depth; ++k) out[k * cols + c] = row[k];
        }
        for (std::int64_t k = 0; count < cols && k < depth; ++k) std::fill(out + k * cols + count, out + (k + 1) * cols, 0.0f);
    }
}

// out[panel][row][c] = x[row][panel*cols + c].
void pack_rows(float* out, const float* x, std::int64_t row_stride, std::int64_t rows, std::int64_t columns, std::int64_t cols) {
    for (std::int64_t first = 0; first < columns; first += cols)
        for (std::int64_t r = 0; r < rows; ++r, out += cols) {
            const std::int64_t count = std::min(cols, columns - first);
            std::copy_n(x + r * row_stride + first, count, out);
            std::fill(out + count, out + cols, 0.0f);
        }
}

struct Attention {
    AttentionShape s;
    AttentionProducts products;
    simd::ScaledSoftmax softmax;
    std::int64_t stride, key_panels, value_panels, tiles, block;  // tiles of query rows in all and per unit
    std::int64_t key_floats, value_floats;                        // packed, per batch and head

    float* packed_keys(const Buffers& b, std::int64_t pair) const { return reinterpret_cast<float*>(b.workspace) + pair * (key_floats + value_floats); }
    float* packed_values(const Buffers& b, std::int64_t pair) const { return packed_keys(b, pair) + key_floats; }
    static const float* at(const void* base, const AttentionShape::Operand& o, std::int64_t batch, std::int64_t head, std::int64_t row) {
        return static_cast<const float*>(base) + batch * o.batch + head * o.head + row * o.row;
    }

    void pack(const Buffers& b, std::int64_t pair) const {
        const std::int64_t batch = pair / s.kv_heads, head = pair % s.kv_heads;
        pack_transposed(packed_keys(b, pair), at(b.inputs[1], s.k, batch, head, 0), s.k.row, s.keys, s.depth, products.cols);
        pack_rows(packed_values(b, pair), at(b.inputs[2], s.v, batch, head, 0), s.v.row, s.keys, s.columns, products.cols);
    }

    // What is added to the scores of query i; null: nothing.
    const float* mask_row(const Buffers& b, std::int64_t batch, std::int64_t head, std::int64_t i, std::int64_t keys, float* room) const {
        if (s.mask == AttentionShape::Mask::none) return nullptr;
        const std::int64_t from = batch * s.mask_at.batch + head * s.mask_at.head + i * s.mask_at.row;
        if (s.mask == AttentionShape::Mask::real) return static_cast<const float*>(b.inputs[3]) + from;
        const auto* m = static_cast<const std::uint8_t*>(b.inputs[3]) + from;
        for (std::int64_t j = 0; j < keys; ++j) room[j] = m[j] ? 0.0f : -std::numeric_limits<float>::infinity();
        return room;
    }

    void run(const Buffers& b, std::int64_t unit) const {
        const std::int64_t blocks = ceil_of(tiles, block), pair = unit / blocks, batch = pair / s.heads, head = pair % s.heads;
        const std::int64_t kv_pair = batch * s.kv_heads + head / (s.heads / s.kv_heads);
        const float* const keys = packed_keys(b, kv_pair);
        const float* const values = packed_values(b, kv_pair);
        float* const p = reinterpret_cast<float*>(b.worker);
        float* const room = p + products.rows * stride;
        const std::int64_t first_tile = unit % blocks * block, last_tile = std::min(tiles, first_tile + block);
        for (std::int64_t tile = first_tile; tile < last_tile; ++tile) {
            const std::int64_t i = tile * products.rows, rows = std::min(products.rows, s.queries - i);
            const std::int64_t seen = s.causal ? std::min(s.keys, i + rows) : s.keys;  // by any of the rows
            const std::int64_t panels = ceil_of(seen, products.cols), used = std::min(s.keys, panels * products.cols);
            const float* q = at(b.inputs[0], s.q, batch, head, i);
            for (std::int64_t panel = 0; panel < panels; ++panel) products.scores(q, rows, keys + panel * s.depth * products.cols, p + panel * products.cols);
            for (std::int64_t r = 0; r < rows; ++r) {
                const std::int64_t n = s.causal ? std::min(s.keys, i + r + 1) : s.keys;
                softmax(p + r * stride, mask_row(b, batch, head, i + r, n, room), s.scale, n);
                std::fill(p + r * stride + n, p + r * stride + used, 0.0f);
            }
            auto* y = const_cast<float*>(at(b.outputs[0], s.y, batch, head, i));
            for (std::int64_t panel = 0; panel < value_panels; ++panel) {
                const std::int64_t column = panel * products.cols;
                products.values(p, rows, used, values + column * s.keys, std::min(products.cols, s.columns - column), y + column);
            }
        }
    }
};

}  // namespace

Refusal refuse_attention(const Step& s) {
    if (!s.is("Attention")) return "not an attention";
    for (std::size_t i = 0; i < 3; ++i)
        if (!s.has(i) || s.inputs[i].dtype != DType::f32) return "not f32";
    for (std::size_t i = 4; i < s.inputs.size(); ++i)
        if (s.has(i)) return "it reads keys and values of before";
    for (std::size_t i = 1; i < s.outputs.size(); ++i)
        if (s.outputs[i]) return "more than its result is wanted";
    if (s.attributes().real("softcap", 0) != 0) return "its scores are capped";
    if (s.attributes().has("tail")) return "it has a tail";
    if (s.attributes().integer("softmax_precision", 1) != 1) return "its softmax is not computed in f32";
    if (s.attributes().integer("left_window_size", -1) >= 0 || s.attributes().integer("right_window_size", -1) >= 0) return "it has a window";
    const Dims& q = s.inputs[0].shape;
    for (std::size_t i = 1; i < 3; ++i)
        if (s.inputs[i].shape.size() != q.size()) return "queries, keys and values differ in rank";
    if (count_of(s.outputs[0].shape) == 0) return "no element";
    const AttentionShape a = attention_shape(s);
    if (a.keys == 0 || a.depth == 0) return "no key";
    if (s.has(3)) {
        const auto& m = s.inputs[3];
        if (m.dtype != DType::f32 && m.dtype != DType::boolean) return "its mask is neither f32 nor bool";
        if (m.shape.empty() || m.shape.back() != a.keys) return "its mask is shorter than the keys";
    }
    return {};
}

AttentionShape attention_shape(const Step& step) {
    const Dims &q = step.inputs[0].shape, &k = step.inputs[1].shape, &v = step.inputs[2].shape, &y = step.outputs[0].shape;
    AttentionShape s;
    const bool four = q.size() == 4;
    s.batches = q[0];
    s.heads = four ? q[1] : step.attributes().integer("q_num_heads", 1);
    s.kv_heads = four ? k[1] : step.attributes().integer("kv_num_heads", 1);
    s.queries = q[four ? 2 : 1];
    s.keys = k[four ? 2 : 1];
    s.depth = four ? q[3] : q[2] / s.heads;
    s.columns = four ? v[3] : v[2] / s.kv_heads;
    s.q = operand_of(q, s.heads);
    s.k = operand_of(k, s.kv_heads);
    s.v = operand_of(v, s.kv_heads);
    s.y = operand_of(y, s.heads);
    s.scale = static_cast<float>(step.attributes().real("scale", 1 / std::sqrt(static_cast<float>(s.depth))));
    s.causal = step.attributes().integer("is_causal", 0) != 0;
    if (step.has(3)) {
        s.mask = step.inputs[3].dtype == DType::boolean ? AttentionShape::Mask::boolean : AttentionShape::Mask::real;
        const View m = View(step.inputs[3].dtype, step.inputs[3].shape, nullptr).broadcast_to({s.batches, s.heads, s.queries, s.keys});
        s.mask_at = {m.strides[0], m.strides[1], m.strides[2]};
    }
    return s;
}

std::int64_t score_stride(const AttentionShape& s, std::int64_t cols) { return ceil_of(s.keys, cols) * cols; }

Kernel attention_kernel(const AttentionShape& s, std::int64_t tiles_per_unit, AttentionProducts products, const Isa& isa) {
    const std::int64_t cols = products.cols, rows = products.rows;
    auto a = std::make_shared<Attention>(Attention{.s = s, .products = std::move(products), .softmax = simd_level(isa)->scaled_softmax, .stride = score_stride(s, cols),
                                                   .key_panels = ceil_of(s.keys, cols), .value_panels = ceil_of(s.columns, cols), .tiles = ceil_of(s.queries, rows),
                                                   .block = tiles_per_unit, .key_floats = 0, .value_floats = 0});
    a->key_floats = a->key_panels * cols * s.depth;
    a->value_floats = a->value_panels * cols * s.keys;
    Kernel k;
    k.workspace_bytes = static_cast<std::size_t>(s.batches * s.kv_heads * (a->key_floats + a->value_floats)) * sizeof(float);
    k.worker_bytes = static_cast<std::size_t>(rows * a->stride + s.keys) * sizeof(float);
    k.phases.push_back({.units = s.batches * s.kv_heads, .run = [a](const Buffers& b, std::int64_t first, std::int64_t last) {
                            for (std::int64_t u = first; u < last; ++u) a->pack(b, u);
                        }});
    k.phases.push_back({.units = s.batches * s.heads * ceil_of(a->tiles, a->block), .run = [a](const Buffers& b, std::int64_t first, std::int64_t last) {
                            for (std::int64_t u = first; u < last; ++u) a->run(b, u);
                        }});
    return k;
}

namespace {

// By the register tiles of src/cpu/simd, for processors without generated code.
constexpr std::int64_t blocks[] = {1, 4, 16};

Refusal refuse(const Step& s, const Isa& isa) {
    if (isa.level == Isa::Level::reference) return "needs vector instructions";
    return refuse_attention(s);
}

std::vector<Variant> variants(const Step&, const Isa& isa) {
    std::vector<Variant> all;
    const simd::Level& level = *simd_level(isa);
    for (const auto& t : std::span(level.tiles, static_cast<std::size_t>(level.tile_count)))
        for (std::int64_t block : blocks)
            if (t.rows >= 4) all.push_back({.rows = t.rows, .cols = t.vectors * level.lanes, .tile = static_cast<int>(block)});
    return all;
}

Kernel compile(const Step& step, const Variant& v, const Isa& isa) {
    const AttentionShape s = attention_shape(step);
    const simd::Level& level = *simd_level(isa);
    const auto tile = std::ranges::find_if(std::span(level.tiles, static_cast<std::size_t>(level.tile_count)), [&](const auto& t) { return t.rows == v.rows && t.vectors * level.lanes == v.cols; });
    const std::int64_t stride = score_stride(s, v.cols);
    const auto run = [tile = tile->run, rows = v.rows](const float* x, std::int64_t x_stride, std::int64_t used, std::int64_t depth, const float* w, float* y, std::int64_t y_stride, std::int64_t columns) {
        std::array<const float*, 32> at;
        for (int r = 0; r < rows; ++r) at[static_cast<std::size_t>(r)] = x + std::min<std::int64_t>(r, used - 1) * x_stride;
        tile({at.data(), 1, depth, w, nullptr, y, y_stride, static_cast<int>(used), static_cast<int>(columns)});
    };
    return attention_kernel(s, v.tile,
                            {.rows = v.rows, .cols = v.cols,
                             .scores = [=](const float* q, std::int64_t rows, const float* panel, float* out) { run(q, s.q.row, rows, s.depth, panel, out, stride, v.cols); },
                             .values = [=](const float* p, std::int64_t rows, std::int64_t keys, const float* panel, std::int64_t columns, float* y) { run(p, stride, rows, keys, panel, y, s.y.row, columns); }},
                            isa);
}

double cost(const Step& step, const Variant& v, const Isa& isa) {
    const AttentionShape s = attention_shape(step);
    const double lanes = simd_level(isa)->lanes, loads = (v.rows + v.cols / lanes) / (v.rows * v.cols / lanes);
    return static_cast<double>(s.batches * s.heads * s.queries * s.keys) * (static_cast<double>(s.depth + s.columns) * (0.5 + 0.4 * loads) + 20) / lanes;
}

const RegisteredTactic attention{{.name = "cpu/attention_f32",
                                  .most = Isa::Level::avx512,
                                  .numerics = [](const Step&) { return Numerics::approximate; },
                                  .refuse = refuse,
                                  .variants = variants,
                                  .compile = compile,
                                  .cost = [](const Step& s, const Variant& v, const Isa& isa) { return 1.3 * cost(s, v, isa); }}};

}  // namespace
}  // namespace tercet
