// SPDX-License-Identifier: Apache-2.0
// Resize by the nearest element: a list of positions per axis says where an output's elements come from. Axes that stay as
// they are lie together as blocks, if they are the innermost ones.
#include "cpu/block_copy.h"
#include "cpu/resize_axes.h"

#include <algorithm>
#include <cstring>

namespace tercet {
namespace {

Refusal refuse(const Step& s, const Isa& isa) {
    if (Refusal r = refuse_resize(s, isa)) return r;
    if (s.attributes().text("mode", "nearest") != "nearest") return "interpolates";
    return refuse_moves(s, isa);
}

Kernel compile(const Step& s, const Variant&, const Isa&) {
    const Dims x_steps = byte_steps(s.inputs[0]);
    const Dims& y = s.outputs[0].shape;
    const auto samples = resize_samples(s);
    std::int64_t block = bits_of(s.outputs[0].dtype) / 8;
    int rank = y.size();
    while (rank > 1 && stays(samples[static_cast<std::size_t>(rank - 1)], s.inputs[0].shape[rank - 1])) block *= y[--rank];
    std::vector<std::vector<std::int64_t>> positions(static_cast<std::size_t>(rank));  // in bytes
    for (int a = 0; a < rank; ++a)
        for (const Samples& e : samples[static_cast<std::size_t>(a)]) positions[static_cast<std::size_t>(a)].push_back(e.element(0) * x_steps[a]);
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

const RegisteredTactic resize_nearest(move_tactic("cpu/resize_nearest", refuse, compile));

}  // namespace
}  // namespace tercet
