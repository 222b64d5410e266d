// SPDX-License-Identifier: Apache-2.0
// MaxPool, AveragePool, GlobalMaxPool and GlobalAveragePool of floats or bytes, NHWC, as generated code. A tile's windows overlap, so the
// columns come first:
//
//     column[position] = max or sum of a tile's input column over the kernel's rows, each input pixel read once
//     y[q] = max or sum of column[q*s + j*d] over the kernel's taps j; sums times 1/(number of pixels),
//            or, of bytes, whose sums are exact, divided by it
//
// A global pool is one window over an image of rows as long as there are registers for columns.
#include "cpu/x64/row_code.h"

#include <algorithm>
#include <limits>
#include <map>
#include <memory>

namespace tercet::x64 {
namespace {

bool is_global(const Step& s) { return s.is("GlobalMaxPool") || s.is("GlobalAveragePool"); }
bool is_average(const Step& s) { return s.is("AveragePool") || s.is("GlobalAveragePool"); }

Dims kernel_of(const Step& s) {
    const int axes = s.inputs[0].shape.size() - 2;
    return is_global(s) ? s.inputs[0].shape.part(1, axes) : kernel_shape(*s.node, axes);
}

constexpr int global_cols = 8;  // at most: enough to hide the latency of additions

// A global pool's pixels as rows of at most `most`.
RowShape global_shape(const Step& s, std::int64_t most) {
    const ChannelsLast at = channels_last(s, kernel_of(s));
    std::int64_t cols = std::min(most, at.taps);
    while (at.taps % cols != 0) --cols;
    return {.rows = {.in = at.taps / cols, .kernel = at.taps / cols}, .cols = {.in = cols, .kernel = cols}, .batch = at.batch, .channels = at.in_channels, .x = s.inputs[0].dtype, .y = s.outputs[0].dtype,
            .y_zero = static_cast<int>(s.attributes().integer("stored_zero", 0))};
}

RowShape shape_of(const Step& s, const Variant& v) { return is_global(s) ? global_shape(s, v.cols) : *row_shape(s, kernel_of(s)); }

// Where a tile's columns and results lie, in slots of one register per channel vector.
struct Columns {
    std::vector<int> positions;  // of slot 0, 1, ...: relative to tap 0 of the tile's first pixel, ascending
    std::vector<int> results;    // slot of each output pixel: the column that no later pixel reads, else one of its own
    int slots = 0;

    Columns(const PixelTile& tile, const WindowAxis& axis) {
        std::map<int, int> last_reader;
        for (int c = 0; c < tile.cols(); ++c)
            for (int p : read(tile, axis, c)) last_reader[p] = c;
        for (const auto& [p, reader] : last_reader) positions.push_back(p);
        slots = static_cast<int>(positions.size());
        for (int c = 0; c < tile.cols(); ++c) {
            const auto own = read(tile, axis, c);
            const auto p = std::ranges::find_if(own, [&](int q) { return last_reader[q] == c; });
            results.push_back(p == own.end() ? slots++ : slot(*p));
        }
    }

    int slot(int position) const { return static_cast<int>(std::ranges::lower_bound(positions, position) - positions.begin()); }

    static std::vector<int> read(const PixelTile& tile, const WindowAxis& axis, int col) {
        std::vector<int> all;
        const auto [first, last] = tile.taps[static_cast<std::size_t>(col)];
        for (std::int64_t t = first; t < last; ++t) all.push_back(static_cast<int>(col * axis.stride + t * axis.dilation));
        return all;
    }
};

constexpr int scratch = 2;  // registers: a pixel, a mask

int registers_of(const Isa& isa) { return isa.has(Isa::Level::avx512) ? 32 : 16; }

// Whether every tile of the row finds enough registers.
bool fits(const WindowAxis& cols, const RowTile& tile, const Isa& isa) {
    return std::ranges::all_of(tile_runs(cols, tile.cols), [&](const TileRun& run) { return Columns(run.tile, cols).slots * tile.vectors + scratch <= registers_of(isa); });
}

class PoolCode : public RowCode {
public:
    PoolCode(const Step& step, const RowShape& shape, const Variant& v, const Isa& i) : RowCode(step, shape, v, i), average_(is_average(step)) {}

private:
    Columns columns(const Part& p) const { return Columns(p.tile, shape_.cols); }
    Vec value() const { return vec(0); }
    Vec mask() const { return vec(1); }
    Vec at_slot(const Part& p, int slot, int vector) const { return vec(scratch + slot * p.vectors + vector); }
    Vec result(const Part& p, int col, int vector) const override { return at_slot(p, columns(p).results[static_cast<std::size_t>(col)], vector); }

    void tile_begins(const Part& p) override {
        const int n = columns(p).slots * p.vectors;
        for (int i = 0; i < n; ++i) {
            if (average_) zero(vec(scratch + i));
            else if (i == 0) vmovups(vec(scratch), all(-std::numeric_limits<float>::infinity()));
            else vmovaps(vec(scratch + i), vec(scratch));
        }
    }

    void kernel_row(const Part& p) override {
        const Columns all = columns(p);
        for (int i = 0; i < static_cast<int>(all.positions.size()); ++i)
            for (int v = 0; v < p.vectors; ++v) {
                const Xbyak::Address x = pixel(all.positions[static_cast<std::size_t>(i)], v);
                if (average_ && p.lanes == lanes && shape_.x == DType::f32) {
                    vaddps(at_slot(p, i, v), at_slot(p, i, v), x);
                } else {
                    load_as_floats(value(), x, p.lanes, shape_.x);
                    combine(at_slot(p, i, v), value());
                }
            }
    }

    void tile_ends(const Part& p) override {
        const Columns all = columns(p);
        for (int c = 0; c < p.cols(); ++c) {
            const int to = all.results[static_cast<std::size_t>(c)];
            for (int position : Columns::read(p.tile, shape_.cols, c))
                if (const int from = all.slot(position); from != to)
                    for (int v = 0; v < p.vectors; ++v) combine(at_slot(p, to, v), at_slot(p, from, v));
        }
        if (!average_) return;
        mov(temp, ptr[call + offsetof(RowCall, scales)]);
        for (int c = 0; c < p.cols(); ++c) {
            vbroadcastss(value(), ptr[temp + column + c * 4]);
            for (int v = 0; v < p.vectors; ++v)
                shape_.x == DType::f32 ? vmulps(result(p, c, v), result(p, c, v), value()) : vdivps(result(p, c, v), result(p, c, v), value());
        }
    }

    // a = a + b, or the greater of both, NaN if one is: vmaxps gives its last operand where either is NaN.
    void combine(const Vec& a, const Vec& b) {
        constexpr int unordered = 3;
        if (average_) {
            vaddps(a, a, b);
        } else if (wide) {
            vcmpps(k2, b, b, unordered);
            vmaxps(a, b, a);
            vmovaps(a | k2, b);
        } else {
            vcmpps(mask(), b, b, unordered);
            vmaxps(a, b, a);
            vblendvps(a, a, b, mask());
        }
    }

    const bool average_;
};

Refusal refuse(const Step& s, const Isa& isa) {
    if (!s.is("MaxPool") && !s.is("AveragePool") && !is_global(s)) return "not a pool";
    if (s.inputs[0].shape.size() < 3 || s.inputs[0].shape.size() > 5) return "not 1 to 3 spatial dimensions";
    if (count_of(s.inputs[0].shape) == 0) return "empty";
    if (s.attributes().text("layout", "NCHW") != "NHWC") return "channels are not last";
    if (s.outputs.size() != 1) return "has a second output";
    const auto shape = is_global(s) ? global_shape(s, global_cols) : row_shape(s, kernel_of(s));
    if (Refusal r = refuse_rows(s, shape, isa)) return r;
    if (is_average(s) && shape->x != DType::f32 && shape->rows.kernel * shape->cols.kernel > (1 << 24) / 256) return "sums of so many bytes are not exact in f32";
    return shape->cols.kernel + scratch <= registers_of(isa) ? Refusal() : "the kernel is wider than there are registers";
}

// rows, cols: channel vectors and pixels of the register tile; of a global pool the pixels that it reads side by side.
std::vector<Variant> variants(const Step& s, const Isa& isa) {
    std::vector<RowTile> tiles;
    if (is_global(s)) {
        for (const RowTile& t : {RowTile{1, global_cols}, RowTile{2, 4}, RowTile{4, 3}}) tiles.push_back(t);
        return row_variants(global_shape(s, 1), tiles, isa);
    }
    const RowShape shape = *row_shape(s, kernel_of(s));
    for (int vectors : {1, 2}) {
        std::vector<RowTile> fitting;
        for (int most : {1, 2, 4, 6, 8, 14})
            if (const RowTile t{.vectors = vectors, .cols = tile_cols(shape.cols, most)}; fits(shape.cols, t, isa)) fitting.push_back(t);
        const std::size_t largest = std::min<std::size_t>(2, fitting.size());  // small ones read much twice
        tiles.insert(tiles.end(), fitting.end() - static_cast<std::ptrdiff_t>(largest), fitting.end());
    }
    return row_variants(shape, tiles, isa);
}

Kernel compile(const Step& s, const Variant& v, const Isa& isa) {
    const RowShape shape = shape_of(s, v);
    const bool with_padding = s.attributes().integer("count_include_pad", 0) != 0;
    // Pixels that a window's average divides by, along one axis: those inside the image, or also those in its padding.
    const auto pixels = [=](const WindowAxis& a, std::int64_t window) { return with_padding ? a.padded_taps(window) : a.inside(window).count(); };
    auto scales = std::make_shared<std::map<std::int64_t, std::vector<float>>>();  // of a row of windows, by their height
    for (std::int64_t r = 0; is_average(s) && r < shape.rows.out; ++r) {
        const std::int64_t height = pixels(shape.rows, r);
        std::vector<float>& row = (*scales)[height];
        for (std::int64_t q = static_cast<std::int64_t>(row.size()); q < shape.cols.out; ++q) {
            const std::int64_t n = height * pixels(shape.cols, q);
            if (shape.x != DType::f32) row.push_back(n > 0 ? static_cast<float>(n) : std::numeric_limits<float>::infinity());
            else row.push_back(n > 0 ? static_cast<float>(1.0 / static_cast<double>(n)) : 0.0f);
        }
    }
    Variant tile = v;
    if (is_global(s)) tile.cols = 1;
    while (!fits(shape.cols, {tile.rows, tile.cols}, isa)) --(tile.cols > 1 ? tile.cols : tile.rows);  // it may have been chosen for a narrow image, with fewer columns
    return row_kernel(s, shape, tile, isa, PoolCode(s, shape, tile, isa).make(), [=](RowCall& call, const Buffers&, std::int64_t row, WindowAxis::Taps) {
        if (!scales->empty()) call.scales = scales->at(pixels(shape.rows, row)).data();
    });
}

double cost(const Step& s, const Variant& v, const Isa& isa) {
    const RowShape shape = shape_of(s, v);
    const double cols = is_global(s) ? 1 : v.cols, kernel = static_cast<double>(shape.cols.kernel), per_pixel = is_average(s) ? 0.25 : 1;
    const double pixels = (cols - 1) * static_cast<double>(std::min(shape.cols.stride, shape.cols.kernel)) + kernel;
    return row_cost(shape, v, isa, v.rows * per_pixel * (static_cast<double>(shape.rows.kernel) * pixels + cols * kernel));
}

const RegisteredTactic pool_code{{.name = "cpu/pool_code_f32",
                                  .most = Isa::Level::avx512,
                                  .numerics = [](const Step& s) {
                                      if (const TailShape tail = TailShape::of(s); tail.expr && !ExprCode::exact(*tail.expr, s.attributes().has("stored"))) return Numerics::approximate;
                                      return is_average(s) && s.inputs[0].dtype == DType::f32 ? Numerics::reordered_sum : Numerics::exact;
                                  },
                                  .refuse = refuse,
                                  .variants = variants,
                                  .compile = compile,
                                  .cost = cost,
                                  .stores = true}};

}  // namespace
}  // namespace tercet::x64
