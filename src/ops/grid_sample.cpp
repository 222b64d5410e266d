// SPDX-License-Identifier: Apache-2.0
// y[n, c, o..] = x[n, c, ..] interpolated at the position grid[n, o.., :], whose numbers name the last axis of x first
// x [N, C, spatial...], grid [N, out..., r] for r spatial axes, y [N, C, out...]
//
// A number g stands for the element ((g + 1)*n - 1)/2 of n (align_corners: (g + 1)/2*(n - 1)). Where that lies outside
// [-1/2, n - 1/2] (align_corners: [0, n - 1]), it is moved to the nearest element by padding `border` (but for cubic: ONNX leaves
// it open, PyTorch does not), reflected at these ends by `reflection`; elements around it that do not exist are then found the
// same way, or are 0 with `zeros`. A NaN lies before the first element. nearest: rounded, half to even; linear; cubic: 4 elements
// per axis, a = -0.75. In double, rounded once (integers: truncated).
#include "ops/op.h"
#include "ops/require.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace tercet {
namespace {

enum class Padding { zeros, border, reflection };

constexpr int most_axes = max_rank - 2, most_taps = 4;

bool known(std::string_view word, std::initializer_list<std::string_view> words) { return std::ranges::find(words, word) != words.end(); }

void infer(Inference& c) {
    if (!computes(c.dtype(0)))
        throw Error({.what = fmt::format("unsupported: elements of type {}", name_of(c.dtype(0))), .fix = "cast them before"});
    require_float(c, 1);
    require_rank(c, 0, 3);
    require_rank(c, 1, c.rank(0), c.rank(0));
    const Attributes& a = c.attributes();
    if (const auto mode = a.text("mode", "linear"); !known(mode, {"nearest", "linear", "cubic"}))
        throw Error({.what = fmt::format("unknown mode '{}'", mode), .fix = "nearest, linear and cubic exist"});
    if (const auto padding = a.text("padding_mode", "zeros"); !known(padding, {"zeros", "border", "reflection"}))
        throw Error({.what = fmt::format("unknown padding_mode '{}'", padding), .fix = "zeros, border and reflection exist"});
    const Shape &x = c.shape(0), &grid = c.shape(1);
    if (!may_equal(x[0], grid[0]) || !may_equal(grid.back(), Dim(c.rank(0) - 2)))
        throw Error({.what = fmt::format("a grid of shape [{}] for an input of shape [{}]", text_of(grid), text_of(x)),
                     .fix = fmt::format("it must be [N, spatial..., {}]", c.rank(0) - 2)});
    Shape y{x[0], x[1]};
    y.insert(y.end(), grid.begin() + 1, grid.end() - 1);
    c.set(0, c.dtype(0), std::move(y));
}

// One axis of x, of n elements.
struct Sampler {
    std::string_view mode;
    Padding padding;
    bool align_corners;

    explicit Sampler(const Attributes& a) : mode(a.text("mode", "linear")), align_corners(a.integer("align_corners", 0) != 0) {
        const std::string_view name = a.text("padding_mode", "zeros");
        padding = name == "border" ? Padding::border : name == "reflection" ? Padding::reflection : Padding::zeros;
    }

    int taps() const { return mode == "nearest" ? 1 : mode == "linear" ? 2 : 4; }

    double position(double g, std::int64_t n) const {
        const auto extent = static_cast<double>(n);
        double p = align_corners ? (g + 1) / 2 * (extent - 1) : ((g + 1) * extent - 1) / 2;
        p = std::isnan(p) ? -8 : std::clamp(p, -0x1p50, 0x1p50);
        if (mode == "nearest") p = std::nearbyint(p);
        const double lo = align_corners ? 0 : -0.5, hi = align_corners ? extent - 1 : extent - 0.5;
        if (p >= lo && p <= hi) return p;
        if (padding == Padding::border && mode != "cubic") return std::clamp(p, 0.0, extent - 1);
        return padding == Padding::reflection ? reflected(p, lo, hi) : p;
    }

    /// The element that stands at i; -1: a 0.
    std::int64_t element(std::int64_t i, std::int64_t n) const {
        if (i >= 0 && i < n) return i;
        if (padding == Padding::zeros) return -1;
        if (padding == Padding::border) return std::clamp<std::int64_t>(i, 0, n - 1);
        const auto at = reflected(static_cast<double>(i), align_corners ? 0 : -0.5, static_cast<double>(n) - (align_corners ? 1 : 0.5));
        return std::clamp<std::int64_t>(static_cast<std::int64_t>(at), 0, n - 1);
    }

    /// Of the tap k of those around p, which starts at floor(p) (cubic: one before).
    double weight(double fraction, int k) const {
        if (mode == "nearest") return 1;
        if (mode == "linear") return k == 0 ? 1 - fraction : fraction;
        constexpr double a = -0.75;
        const double d = std::fabs(fraction - (k - 1));
        return d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
    }

private:
    static double reflected(double p, double lo, double hi) {
        const double range = hi - lo;
        if (range <= 0) return lo;
        const double way = std::fmod(p < lo ? lo - p : p - lo, 2 * range);
        return way <= range ? lo + way : hi - (way - range);
    }
};

struct Taps {
    std::array<std::int64_t, most_taps> element{};
    std::array<double, most_taps> weight{};
};

void reference(const Call& call) {
    const View &x = call.in[0], &grid = call.in[1], &y = call.out[0];
    const int axes = x.rank() - 2;
    require_at_run(grid.shape[0] == x.shape[0] && grid.shape.back() == axes, "the grid does not fit the input");
    const Sampler sampler(call.attributes());
    const int count = sampler.taps();
    const bool empty = count_of(x.shape.part(2)) == 0;
    const Dims around = Dims::filled(axes, count);
    std::array<Taps, most_axes> taps;
    for (const Dims& o : indices(grid.shape.part(0, axes + 1))) {  // [n, out...]
        const std::int64_t from = grid.offset(o);
        for (int i = 0; i < axes && !empty; ++i) {
            const std::int64_t n = x.shape[2 + i];
            const double p = sampler.position(grid.get_at(from + (axes - 1 - i) * grid.strides[axes + 1]), n), base = std::floor(p);
            for (int k = 0; k < count; ++k) {
                Taps& t = taps[static_cast<std::size_t>(i)];
                t.element[static_cast<std::size_t>(k)] = sampler.element(static_cast<std::int64_t>(base) + k - (count == 4 ? 1 : 0), n);
                t.weight[static_cast<std::size_t>(k)] = sampler.weight(p - base, k);
            }
        }
        Dims to;
        to.push_back(o[0]);
        to.push_back(0);
        for (int i = 1; i <= axes; ++i) to.push_back(o[i]);
        for (std::int64_t c = 0; c < x.shape[1]; ++c) {
            to[1] = c;
            double sum = 0;
            std::int64_t nearest = -1;
            for (const Dims& k : indices(around)) {
                double weight = 1;
                std::int64_t at = o[0] * x.strides[0] + c * x.strides[1];
                bool exists = !empty;
                for (int i = 0; exists && i < axes; ++i) {
                    const Taps& t = taps[static_cast<std::size_t>(i)];
                    const auto tap = static_cast<std::size_t>(k[i]);
                    exists = t.element[tap] >= 0;
                    weight *= t.weight[tap];
                    at += t.element[tap] * x.strides[2 + i];
                }
                if (!exists) continue;
                nearest = at;
                if (count > 1) sum += weight * x.get_at(at);
            }
            if (count == 1 && nearest >= 0) std::memcpy(y.address(to), x.address(nearest), x.element_bytes());
            else y.set(to, sum);
        }
    }
}

// Before operator set 20 the modes had the names of two axes.
void rename_modes(Graph& g, NodeId id) {
    const std::string_view mode = g.node(id).attributes.text("mode", "bilinear");
    if (mode == "bilinear") g.attributes(id).set("mode", std::string("linear"));
    else if (mode == "bicubic") g.attributes(id).set("mode", std::string("cubic"));
}

const RegisteredOp grid_sample{{.name = "GridSample", .versions = {{16}, {20, rename_modes}, {22}}, .inputs = {2, 2},
                                .attributes = {{"align_corners", AttributeKind::integer}, {"mode", AttributeKind::text}, {"padding_mode", AttributeKind::text}},
                                .infer = infer, .reference = reference}};

}  // namespace
}  // namespace tercet
