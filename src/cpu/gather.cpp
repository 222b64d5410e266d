// SPDX-License-Identifier: Apache-2.0
// Gather by blocks: what x has behind the axis, for each index and each place before the axis. Units are pieces of a block if
// blocks are large, runs of blocks otherwise. The indices are read at every run; one that lies outside reads the nearest
// element that exists, as in the reference.
#include "cpu/block_copy.h"
#include "ops/extents.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace tercet {
namespace {

Refusal refuse(const Step& s, const Isa& isa) {
    if (!s.is("Gather")) return "no gathering";
    if (count_of(s.inputs[0].shape) == 0) return "its data is empty";
    return refuse_moves(s, isa);
}

template <class Index>
Phase gather_phase(const Step& s) {
    const Dims& x = s.inputs[0].shape;
    const int axis = checked_axis(s.attributes().integer("axis", 0), x.size());
    const std::int64_t n = x[axis], many = count_of(s.inputs[1].shape), bytes = count_of(x.part(axis + 1)) * (bits_of(s.inputs[0].dtype) / 8);
    constexpr std::int64_t unit_bytes = 32 << 10;
    const std::int64_t blocks = count_of(x.part(0, axis)) * many, pieces = std::max<std::int64_t>(1, bytes / unit_bytes), per_unit = std::max<std::int64_t>(1, unit_bytes / bytes);
    const auto from = [=](const Buffers& b, std::int64_t block) {
        return (block / many * n + position(static_cast<const Index*>(b.inputs[1])[block % many], n)) * bytes;
    };
    if (pieces > 1)
        return {.units = blocks * pieces, .run = [=](const Buffers& b, std::int64_t first, std::int64_t last) {
            for (std::int64_t u = first; u < last; ++u) {
                const std::int64_t block = u / pieces, begin = u % pieces * bytes / pieces, end = (u % pieces + 1) * bytes / pieces;
                std::memcpy(static_cast<std::byte*>(b.outputs[0]) + block * bytes + begin, static_cast<const std::byte*>(b.inputs[0]) + from(b, block) + begin,
                            static_cast<std::size_t>(end - begin));
            }
        }};
    return {.units = (blocks + per_unit - 1) / per_unit, .run = [=](const Buffers& b, std::int64_t first, std::int64_t last) {
        std::array<std::int64_t, 256> places;
        const std::int64_t end = std::min(blocks, last * per_unit);
        for (std::int64_t block = first * per_unit; block < end;) {
            const std::int64_t count = std::min<std::int64_t>(places.size(), end - block);
            for (std::int64_t i = 0; i < count; ++i) places[static_cast<std::size_t>(i)] = from(b, block + i);
            copy_listed(static_cast<std::byte*>(b.outputs[0]) + block * bytes, static_cast<const std::byte*>(b.inputs[0]), places.data(), bytes, count);
            block += count;
        }
    }};
}

Kernel compile(const Step& s, const Variant&, const Isa&) {
    Kernel k;
    k.phases.push_back(s.inputs[1].dtype == DType::i32 ? gather_phase<std::int32_t>(s) : gather_phase<std::int64_t>(s));
    return k;
}

const RegisteredTactic gather(move_tactic("cpu/gather", refuse, compile));

}  // namespace
}  // namespace tercet
