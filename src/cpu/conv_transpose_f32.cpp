// SPDX-License-Identifier: Apache-2.0
// Transposed convolution, f32, channels last. Element i of the input and tap k meet in output o = i*stride - begin + k*dilation, so that
// outputs of one residue of o + begin by the stride read the same taps: those whose k*dilation has that residue. Each residue is a convolution
// of its own with stride 1; its outputs lie `stride` pixels apart, and nothing is written twice.
//
//   packed weights  [residues of all axes][groups][panels][taps of the residue][depth][cols], zero padded
//
// A unit is a line of the output.
#include "cpu/channels_last.h"
#include "cpu/panel_product.h"
#include "ops/transposed_window.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace tercet {
namespace {

constexpr std::int64_t most_residues = 1024;

struct Axis {
    std::int64_t in = 1, out = 1, stride = 1, dilation = 1, begin = 0;
    std::vector<std::vector<std::int64_t>> taps{{0}};  // of each residue

    std::int64_t residue(std::int64_t o) const { return (o + begin) % stride; }
    std::int64_t first(std::int64_t residue_at) const { return ((residue_at - begin) % stride + stride) % stride; }  // output
    std::int64_t source(std::int64_t o, std::int64_t tap) const { return (o + begin - tap * dilation) / stride; }    // of a tap of its residue
};

struct Transposed {
    std::array<Axis, 3> axes;  // those in front are of one element, if the step has fewer
    std::array<std::int64_t, 3> kernel{1, 1, 1};
    std::int64_t batch, groups, depth, columns;  // depth: input channels of a group; columns: its output channels

    explicit Transposed(const Step& s) {
        const Dims &x = s.inputs[0].shape, &y = s.outputs[0].shape, &w = s.inputs[1].shape;
        const int rank = x.size() - 2;
        batch = x[0];
        groups = s.attributes().integer("group", 1);
        depth = w[0] / groups;
        columns = w[1];
        for (int i = 0; i < rank; ++i) {
            Axis& a = axes[static_cast<std::size_t>(3 - rank + i)];
            const TransposedAxis given(s.attributes(), rank, i, w[2 + i]);
            kernel[static_cast<std::size_t>(3 - rank + i)] = w[2 + i];
            a = {.in = x[1 + i], .out = y[1 + i], .stride = given.stride, .dilation = given.dilation, .begin = given.begin(x[1 + i]), .taps = {}};
            a.taps.resize(static_cast<std::size_t>(a.stride));
            for (std::int64_t k = 0; k < w[2 + i]; ++k) a.taps[static_cast<std::size_t>(k * a.dilation % a.stride)].push_back(k);
        }
    }

    const std::vector<std::int64_t>& taps(int axis, std::int64_t residue) const { return axes[static_cast<std::size_t>(axis)].taps[static_cast<std::size_t>(residue)]; }
    std::int64_t residues() const { return axes[0].stride * axes[1].stride * axes[2].stride; }
    PanelShape panels(std::int64_t a, std::int64_t b, std::int64_t c) const {
        return {.rows = 0, .groups = groups, .columns = columns, .taps = static_cast<std::int64_t>(taps(0, a).size() * taps(1, b).size() * taps(2, c).size()), .depth = depth};
    }
    // f(a, b, c) for the residues along the axes, in the order of the packed weights.
    template <class F>
    void for_residues(F f) const {
        for (std::int64_t a = 0; a < axes[0].stride; ++a)
            for (std::int64_t b = 0; b < axes[1].stride; ++b)
                for (std::int64_t c = 0; c < axes[2].stride; ++c) f(a, b, c);
    }
};

Refusal refuse(const Step& s, const Isa& isa) {
    if (!s.is("ConvTranspose")) return "not a transposed convolution";
    if (Refusal r = refuse_channels_last(s, isa)) return r;
    if (!s.inputs[1].constant) return "the weights are computed";
    if (s.has(2) && !s.inputs[2].constant) return "the bias is computed";
    std::int64_t residues = 1;
    for (std::int64_t stride : s.attributes().integers("strides"))
        if ((residues *= stride) > most_residues) return "its strides are too large";
    return {};
}

Tensor pack(const Step& s, const Variant& v) {
    const Transposed t(s);
    std::vector<Tensor> parts;
    std::int64_t count = 0;
    t.for_residues([&](std::int64_t a, std::int64_t b, std::int64_t c) {
        parts.push_back(pack_panels(t.panels(a, b, c), v.cols, *s.inputs[1].constant, [&](std::int64_t column, std::int64_t tap, std::int64_t k) {
            const auto &ta = t.taps(0, a), &tb = t.taps(1, b), &tc = t.taps(2, c);
            const auto at = static_cast<std::size_t>(tap);
            const std::int64_t kc = tc[at % tc.size()], kb = tb[at / tc.size() % tb.size()], ka = ta[at / (tc.size() * tb.size())];
            const std::int64_t channel = column / t.columns * t.depth + k, out = column % t.columns;
            return (((channel * t.columns + out) * t.kernel[0] + ka) * t.kernel[1] + kb) * t.kernel[2] + kc;
        }));
        count += parts.back().count();
    });
    Tensor packed = Tensor::zeros(DType::f32, {count});
    std::byte* to = packed.writable().data;
    for (const Tensor& part : parts) {
        std::memcpy(to, part.data(), part.bytes());
        to += part.bytes();
    }
    return packed;
}

std::int64_t packed_count(const Step& s, const Variant& v) {
    const Transposed t(s);
    std::int64_t count = 0;
    t.for_residues([&](std::int64_t a, std::int64_t b, std::int64_t c) { count += panel_count(t.panels(a, b, c), v.cols); });
    return count;
}

std::vector<Variant> variants(const Step&, const Isa& isa) {
    std::vector<Variant> v;
    const simd::Level& level = *simd_level(isa);
    for (const auto& t : std::span(level.tiles, static_cast<std::size_t>(level.tile_count))) v.push_back({.rows = t.rows, .cols = t.vectors * level.lanes});
    return v;
}

// What a line of the output is computed from.
struct LineKernel {
    Transposed at;
    simd::TileShape tile;
    std::int64_t cols, panels;
    std::vector<std::int64_t> weights;  // of each residue of all axes: floats before its own
    std::vector<float> bias;            // [groups, panels, cols]; empty: none
    std::vector<float> zeros;           // [depth]
    std::optional<TailProgram> tail;

    void run(const Buffers& b, std::int64_t line) const noexcept {
        const auto& [aa, ab, ac] = at.axes;
        const std::int64_t ob = line % ab.out, oa = line / ab.out % aa.out, image = line / (ab.out * aa.out);
        for (std::int64_t residue = 0; residue < ac.stride; ++residue)
            for (std::int64_t group = 0; group < at.groups; ++group) run_residue(b, image, oa, ob, residue, group);
        if (tail) tail->run(b, line * ac.out, ac.out, 0, at.groups * at.columns);
    }

    void run_residue(const Buffers& b, std::int64_t image, std::int64_t oa, std::int64_t ob, std::int64_t residue, std::int64_t group) const noexcept {
        const auto& [aa, ab, ac] = at.axes;
        const std::int64_t ra = aa.residue(oa), rb = ab.residue(ob), first = ac.first(residue), pixels = first < ac.out ? (ac.out - 1 - first) / ac.stride + 1 : 0;
        const auto &ta = at.taps(0, ra), &tb = at.taps(1, rb), &tc = at.taps(2, residue);
        const std::int64_t taps = static_cast<std::int64_t>(ta.size() * tb.size() * tc.size()), channels = at.groups * at.depth, width = at.groups * at.columns;
        const float* x = static_cast<const float*>(b.inputs[0]) + group * at.depth;
        const float* w = static_cast<const float*>(b.inputs[1]) + weights[static_cast<std::size_t>((ra * ab.stride + rb) * ac.stride + residue)] + group * panels * taps * at.depth * cols;
        float* y = static_cast<float*>(b.outputs[0]) + (((image * aa.out + oa) * ab.out + ob) * ac.out + first) * width + group * at.columns;
        const auto** addresses = reinterpret_cast<const float**>(b.worker);
        for (std::int64_t pixel = 0; pixel < pixels; pixel += tile.rows) {
            const std::int64_t used = std::min<std::int64_t>(tile.rows, pixels - pixel);
            const float** to = addresses;
            for (std::int64_t ka : ta)
                for (std::int64_t kb : tb) {
                    const std::int64_t ia = aa.source(oa, ka), ib = ab.source(ob, kb);
                    const bool inside = ia >= 0 && ia < aa.in && ib >= 0 && ib < ab.in;
                    for (std::int64_t kc : tc) {
                        const std::int64_t start = ac.source(first, kc) + pixel;
                        for (std::int64_t r = 0; r < tile.rows; ++r) {
                            const std::int64_t ic = start + std::min(r, used - 1);
                            *to++ = inside && ic >= 0 && ic < ac.in ? x + (((image * aa.in + ia) * ab.in + ib) * ac.in + ic) * channels : zeros.data();
                        }
                    }
                }
            for (std::int64_t panel = 0; panel < panels; ++panel)
                tile.run({.x = addresses,
                          .taps = taps,
                          .depth = at.depth,
                          .w = w + panel * taps * at.depth * cols,
                          .bias = bias.empty() ? nullptr : bias.data() + (group * panels + panel) * cols,
                          .y = y + pixel * ac.stride * width + panel * cols,
                          .y_stride = ac.stride * width,
                          .used_rows = static_cast<int>(used),
                          .used_cols = static_cast<int>(std::min(cols, at.columns - panel * cols))});
        }
    }
};

Kernel compile(const Step& s, const Variant& v, const Isa& isa) {
    const simd::Level& level = *simd_level(isa);
    const std::span tiles(level.tiles, static_cast<std::size_t>(level.tile_count));
    const auto tile = std::ranges::find_if(tiles, [&](const simd::TileShape& t) { return t.rows == v.rows && t.vectors * level.lanes == v.cols; });
    if (tile == tiles.end()) throw Error({.what = fmt::format("no kernel for the variant '{}'", v.text()), .fix = "build the engine again"});
    const Transposed at(s);
    auto line = std::make_shared<LineKernel>(LineKernel{.at = at, .tile = *tile, .cols = v.cols, .panels = (at.columns + v.cols - 1) / v.cols, .weights = {}, .bias = {},
                                                        .zeros = std::vector<float>(static_cast<std::size_t>(at.depth)), .tail = TailProgram::make(s, level)});
    std::int64_t before = 0, most_taps = 0;
    at.for_residues([&](std::int64_t a, std::int64_t b, std::int64_t c) {
        const PanelShape p = at.panels(a, b, c);
        line->weights.push_back(before);
        before += panel_count(p, v.cols);
        most_taps = std::max(most_taps, p.taps);
    });
    if (s.has(2)) {
        line->bias.resize(static_cast<std::size_t>(at.groups * line->panels * v.cols));
        for (std::int64_t m = 0; m < at.groups * at.columns; ++m)
            line->bias[static_cast<std::size_t>(m / at.columns * line->panels * v.cols + m % at.columns)] = static_cast<float>(s.inputs[2].constant->get(m));
    }
    Kernel k;
    k.worker_bytes = static_cast<std::size_t>(most_taps * v.rows) * sizeof(const float*);
    const std::int64_t lines = count_of(s.outputs[0].shape) == 0 ? 0 : at.batch * at.axes[0].out * at.axes[1].out;
    k.phases.push_back({.units = lines, .run = [line](const Buffers& b, std::int64_t first, std::int64_t last) {
        for (std::int64_t u = first; u < last; ++u) line->run(b, u);
    }});
    return k;
}

double cost(const Step& s, const Variant& v, const Isa& isa) {
    const Transposed t(s);
    const std::int64_t pixels = t.batch * t.axes[0].out * t.axes[1].out * t.axes[2].out, taps = t.kernel[0] * t.kernel[1] * t.kernel[2];
    return panel_cost({.rows = pixels, .groups = t.groups, .columns = t.columns, .taps = std::max<std::int64_t>(1, taps / t.residues()), .depth = t.depth},
                      {.rows = v.rows, .cols = v.cols, .tile = 1}, *simd_level(isa));
}

const RegisteredTactic conv_transpose{{.name = "cpu/conv_transpose_f32",
                                       .most = Isa::Level::avx512,
                                       .numerics = [](const Step& s) { return TailProgram::exact(s, simd::baseline::level()) ? Numerics::reordered_sum : Numerics::approximate; },
                                       .refuse = refuse,
                                       .variants = variants,
                                       .compile = compile,
                                       .cost = cost,
                                       .packing = [](const Step&, const Variant& v) { return fmt::format("residues, panels {}", v.cols); },
                                       .pack = pack,
                                       .packed_count = packed_count}};

}  // namespace
}  // namespace tercet
