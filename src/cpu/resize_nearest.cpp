// SPDX-License-Identifier: Apache-2.0
// Resize by the nearest element: a list of positions per axis says where an output's elements come from. Axes that stay as
// they are lie together as blocks, if they are the innermost ones.
#include "cpu/block_copy.h"
#include "ops/resample.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace tercet {
namespace {

bool channels_last(const Step& s) { return s.attributes().text("layout", "NCHW") == "NHWC" && s.inputs[0].shape.size() > 2; }

// Of each axis of [N, C, spatial...], where it lies in memory.
Dims places_of(const Step& s) {
    const int rank = s.inputs[0].shape.size();
    Dims places;
    for (int i = 0; i < rank; ++i) places.push_back(!channels_last(s) || i == 0 ? i : i == 1 ? rank - 1 : i - 1);
    return places;
}

// Per axis in memory: the element of the input for each of the output.
std::vector<std::vector<std::int64_t>> positions_of(const Step& s) {
    const Dims places = places_of(s);
    std::vector<View> in;
    for (const auto& x : s.inputs) in.push_back(!x ? View() : x.constant ? x.constant->view() : View(x.dtype, x.shape, nullptr));
    in[0] = in[0].permuted(places);
    const View out = View(s.outputs[0].dtype, s.outputs[0].shape, nullptr).permuted(places);
    const auto axes = resample_axes({*s.node, in, {&out, 1}});
    const auto settings = ResampleSettings::of(s.attributes());
    std::vector<std::vector<std::int64_t>> positions(static_cast<std::size_t>(places.size()));
    for (int a = 0; a < places.size(); ++a)
        for (std::int64_t i = 0; i < out.shape[a]; ++i)
            positions[static_cast<std::size_t>(places[a])].push_back(Samples(settings, axes[static_cast<std::size_t>(a)], i).element(0));
    return positions;
}

Refusal refuse(const Step& s, const Isa& isa) {
    if (!s.is("Resize")) return "no resizing";
    if (s.attributes().text("mode", "nearest") != "nearest") return "interpolates";
    if (s.attributes().text("coordinate_transformation_mode", "") == "tf_crop_and_resize") return "reads beside the input";
    for (std::size_t i = 2; i < s.inputs.size() && i < 4; ++i)
        if (s.has(i) && !s.inputs[i].constant) return "its sizes are computed";
    if (count_of(s.inputs[0].shape) == 0) return "its input is empty";
    return refuse_moves(s, isa);
}

Kernel compile(const Step& s, const Variant&, const Isa&) {
    const Dims x_steps = byte_steps(s.inputs[0]);
    const Dims& y = s.outputs[0].shape;
    auto positions = positions_of(s);
    std::int64_t block = bits_of(s.outputs[0].dtype) / 8;
    int rank = y.size();
    const auto stays = [&](int axis) {
        const auto& p = positions[static_cast<std::size_t>(axis)];
        for (std::size_t i = 0; i < p.size(); ++i)
            if (p[i] != static_cast<std::int64_t>(i)) return false;
        return std::cmp_equal(p.size(), s.inputs[0].shape[axis]);
    };
    while (rank > 1 && stays(rank - 1)) block *= y[--rank];
    for (int a = 0; a < rank; ++a)
        for (std::int64_t& p : positions[static_cast<std::size_t>(a)]) p *= x_steps[a];  // bytes from here on
    const std::vector<std::int64_t> row = rank == 0 ? std::vector<std::int64_t>{0} : positions[static_cast<std::size_t>(rank - 1)];
    const Dims outer = y.part(0, std::max(0, rank - 1));
    const auto row_blocks = static_cast<std::int64_t>(row.size()), row_bytes = row_blocks * block;
    const std::int64_t rows = row_bytes == 0 ? 0 : count_of(outer), rows_per_unit = std::max<std::int64_t>(1, (32 << 10) / std::max<std::int64_t>(1, row_bytes));
    Kernel k;
    k.phases.push_back({.units = (rows + rows_per_unit - 1) / rows_per_unit, .run = [=](const Buffers& b, std::int64_t first, std::int64_t last) {
        const std::byte* before = nullptr;  // what the row before this one was made of, if this call made it
        for (std::int64_t r = first * rows_per_unit; r < std::min(last * rows_per_unit, rows); ++r) {
            const std::byte* from = static_cast<const std::byte*>(b.inputs[0]);
            std::byte* to = static_cast<std::byte*>(b.outputs[0]) + r * row_bytes;
            std::int64_t rest = r;
            for (int d = outer.size() - 1; d >= 0; --d) {
                from += positions[static_cast<std::size_t>(d)][static_cast<std::size_t>(rest % outer[d])];
                rest /= outer[d];
            }
            if (from == before) std::memcpy(to, to - row_bytes, static_cast<std::size_t>(row_bytes));
            else copy_listed(to, from, row.data(), block, row_blocks);
            before = from;
        }
    }});
    return k;
}

const RegisteredTactic resize_nearest{{.name = "cpu/resize_nearest",
                                       .most = Isa::Level::baseline,
                                       .numerics = [](const Step&) { return Numerics::exact; },
                                       .refuse = refuse,
                                       .variants = [](const Step&, const Isa&) { return std::vector{Variant{}}; },
                                       .compile = compile,
                                       .cost = cost_of_moves}};

}  // namespace
}  // namespace tercet
