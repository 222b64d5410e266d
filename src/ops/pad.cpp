// SPDX-License-Identifier: Apache-2.0
// y[i] = x[i - begin] per axis where that lies inside x. Elsewhere, by mode:
//     constant  the value        edge  the nearest element        reflect  mirrored at the first and last element
//     wrap      x repeated
// A negative pad removes elements; the modes see what is left: with begin = -1, `edge` repeats x[1].
// Inputs: x, pads [begin of each axis..., end of each axis...], value (0 if absent), axes (all if absent).
#include "ops/extents.h"
#include "ops/require.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace tercet {
namespace {

constexpr std::array<std::string_view, 4> modes{"constant", "reflect", "edge", "wrap"};
constexpr std::int64_t largest = std::int64_t{1} << 40;  // of a pad: sums stay within 64 bits

void infer(Inference& c) {
    if (const int bits = bits_of(c.dtype(0)); bits < 8)
        throw Error({.what = fmt::format("unsupported: input 0 is {}", name_of(c.dtype(0))), .fix = "its elements must have whole bytes"});
    const std::string_view mode = c.attributes().text("mode", "constant");
    if (std::ranges::find(modes, mode) == modes.end())
        throw Error({.what = fmt::format("unknown mode '{}'", mode), .fix = fmt::format("it is one of {}", fmt::join(modes, ", "))});
    if (c.has(2)) {
        require_same_type(c, 2);
        bool one = true;
        for (const Dim& d : c.shape(2)) one = one && may_equal(d, Dim(1));
        if (!one || c.rank(2) > 1)
            throw Error({.what = fmt::format("the value (input 2) has the shape [{}]", text_of(c.shape(2))), .fix = "it must be a scalar"});
    }
    for (std::size_t i : {1, 3})
        if (c.has(i) && c.dtype(i) != DType::i64 && c.dtype(i) != DType::i32)
            throw Error({.what = fmt::format("input {} is {}", i, name_of(c.dtype(i))), .fix = "it must be i64"});
    std::vector<int> axes;
    if (c.has(3)) {
        const auto given = c.numbers(3);
        if (!given) {  // any axis may be padded
            Shape y;
            for (std::size_t a = 0; a < c.shape(0).size(); ++a) y.push_back(c.unknown(axis_name(a)));
            return c.set(0, c.dtype(0), std::move(y));
        }
        for (std::int64_t a : *given) axes.push_back(checked_axis(a, c.rank(0)));
    } else {
        for (int a = 0; a < c.rank(0); ++a) axes.push_back(a);
    }
    std::vector<int> sorted = axes;
    std::ranges::sort(sorted);
    if (std::ranges::adjacent_find(sorted) != sorted.end())
        throw Error({.what = "an axis is named twice in 'axes' (input 3)", .fix = "name each once"});
    const std::vector<Dim> pads = sizes(c, 1, "the pads", 2 * axes.size());
    if (pads.size() != 2 * axes.size())
        throw Error({.what = fmt::format("{} pads for {} axes", pads.size(), axes.size()), .fix = "give a begin and an end for every axis"});
    Shape y = c.shape(0);
    for (std::size_t i = 0; i < axes.size(); ++i) {
        const Dim &begin = pads[i], &end = pads[axes.size() + i];
        Dim& extent = y[static_cast<std::size_t>(axes[i])];
        for (const Dim* d : {&begin, &end})
            if (const auto v = d->constant(); v && (*v > largest || *v < -largest))
                throw Error({.what = fmt::format("a pad of {}", *v), .fix = "check the model's pads"});
        if (const auto in = extent.constant(), b = begin.constant(), e = end.constant(); in && b && e) {
            const std::int64_t left = *in + std::min<std::int64_t>(*b, 0) + std::min<std::int64_t>(*e, 0);
            if (left < 0 || (left == 0 && mode != "constant" && (*b > 0 || *e > 0)))
                throw Error({.what = fmt::format("pads {} and {} leave nothing of axis {} with {} elements", *b, *e, axes[i], *in),
                             .fix = "compare the pads with the input's shape"});
        }
        extent = extent + begin + end;
    }
    c.set(0, c.dtype(0), std::move(y));
}

enum class Mode { constant, reflect, edge, wrap };

// Where position p lies in `length` > 0 elements.
std::int64_t source(std::int64_t p, std::int64_t length, Mode mode) {
    if (mode == Mode::edge) return std::clamp<std::int64_t>(p, 0, length - 1);
    if (length == 1) return 0;
    const std::int64_t period = mode == Mode::wrap ? length : 2 * (length - 1);
    const std::int64_t q = (p % period + period) % period;
    return q < length ? q : period - q;
}

void reference(const Call& call) {
    const View &x = call.in[0], &y = call.out[0];
    const auto mode = static_cast<Mode>(std::ranges::find(modes, call.attributes().text("mode", "constant")) - modes.begin());
    Dims begin = Dims::filled(x.rank(), 0), first = begin, left = x.shape;  // first, left: what negative pads leave of x
    const std::int64_t axes = call.has(3) ? call.in[3].count() : x.rank();
    require_at_run(call.in[1].count() == 2 * axes, "the pads do not fit the input's axes");
    for (std::int64_t i = 0; i < axes; ++i) {
        const int a = call.has(3) ? checked_axis(call.in[3].get_int({i}), x.rank()) : static_cast<int>(i);
        const std::int64_t b = call.in[1].get_int({i}), e = call.in[1].get_int({axes + i});
        require_at_run(b >= -largest && b <= largest && e >= -largest && e <= largest && y.shape[a] == x.shape[a] + b + e,
                       "the pads do not fit the shapes");
        begin[a] = b;
        first[a] = std::max<std::int64_t>(-b, 0);
        left[a] = x.shape[a] - first[a] - std::max<std::int64_t>(-e, 0);
        require_at_run(left[a] >= 0 && (left[a] > 0 || mode == Mode::constant || y.shape[a] == 0), "the pads leave nothing of the input");
    }
    constexpr std::array<std::byte, 16> zero{};
    const bool has_value = call.has(2) && call.in[2].count() == 1;
    const std::byte* value = has_value ? call.in[2].data : zero.data();
    const std::size_t bytes = y.element_bytes();
    for (const Dims& i : indices(y.shape)) {
        Dims at = i;
        bool inside = true;
        for (int a = 0; a < x.rank(); ++a) {
            const std::int64_t p = i[a] - begin[a] - first[a];
            if (mode == Mode::constant) inside = inside && p >= 0 && p < left[a];
            at[a] = first[a] + (mode == Mode::constant ? p : source(p, left[a], mode));
        }
        std::memcpy(y.address(i), inside ? x.address(at) : value, bytes);
    }
}

void rename_paddings(Graph& g, NodeId id) {
    const Attribute* paddings = g.node(id).attributes.find("paddings");
    if (!paddings) return;
    g.attributes(id).set("pads", Attribute(*paddings));
    g.attributes(id).erase("paddings");
}

// Before operator set 11, pads and value are attributes.
void attributes_to_inputs(Graph& g, NodeId id) {
    const auto list = g.node(id).attributes.integers("pads");
    const std::vector<std::int64_t> pads(list.begin(), list.end());
    const float value = g.node(id).attributes.real("value", 0);
    g.attributes(id).erase("pads");
    g.attributes(id).erase("value");
    g.set_input(id, 1, g.add_constant("", Tensor::ints(pads)));
    if (value == 0) return;
    const ValueId x = g.input(id, 0);
    const DType dtype = x == ValueId::none ? DType::undefined : g.value(x).type.dtype;
    g.set_input(id, 2, g.add_constant("", Tensor::scalar(is_float(dtype) ? dtype : DType::f32, value)));
}

const RegisteredOp pad{{.name = "Pad",
                        .versions = {{1}, {2, rename_paddings}, {11, attributes_to_inputs}, {13}, {18}, {19}, {21}, {23}, {24}, {25}},
                        .inputs = {2, 4}, .attributes = {{"mode", AttributeKind::text}}, .infer = infer, .reference = reference}};

}  // namespace
}  // namespace tercet
