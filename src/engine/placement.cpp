// SPDX-License-Identifier: Apache-2.0
// Offsets by first fit in order of size: the largest value is placed first, each at the lowest offset where nothing that
// lives at the same time lies (the greedy-by-size rule of Pisarchyk and Lee, "Efficient Memory Management for Deep Neural
// Net Inference", 2020).
#include "engine/placement.h"

#include <algorithm>
#include <fmt/format.h>
#include <numeric>

namespace tercet {
namespace {

struct Life {
    std::int64_t first = -1, last = -1;  // steps; outputs live to the end
    std::int64_t bytes = 0;
};

std::int64_t largest_bytes(const Type& type, const SymbolRanges& ranges) {
    std::int64_t count = 1;
    for (const Dim& d : type.shape) {
        const std::int64_t extent = std::max<std::int64_t>(0, d.bounds(ranges).max);
        if (__builtin_mul_overflow(count, extent, &count) || count > (std::int64_t{1} << 48))
            throw Error({.what = fmt::format("a value of shape [{}] is too large at the profile's maximum", text_of(type.shape)), .fix = "give smaller --max-shapes"});
    }
    return (static_cast<std::int64_t>(bytes_of(type.dtype, count)) + 63) / 64 * 64;
}

}  // namespace

Placement place_values(const Program& p, const SymbolRanges& ranges, StepRange steps) {
    std::vector<Life> lives(p.values.size());
    const auto source = [&](ValueId v) { return static_cast<std::size_t>(p.source(v)); };
    for (std::size_t s = 0; s < p.steps.size(); ++s) {
        const auto now = static_cast<std::int64_t>(s);
        for (ValueId v : p.steps[s].node.outputs)
            if (v != ValueId::none && s >= steps.first && s < steps.last) lives[static_cast<std::size_t>(v)] = {now, now, largest_bytes(p.value(v).type, ranges)};
        for (ValueId v : p.steps[s].node.inputs)
            if (v != ValueId::none) lives[source(v)].last = now;
    }
    for (const GraphOutput& o : p.outputs) lives[source(o.value)].last = static_cast<std::int64_t>(p.steps.size());

    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < p.values.size(); ++i)
        if (lives[i].first >= 0) order.push_back(i);
    std::ranges::stable_sort(order, std::greater(), [&](std::size_t i) { return lives[i].bytes; });
    std::vector<std::size_t> placed;  // by offset
    Placement placement{std::vector<std::int64_t>(p.values.size(), -1), 0};
    auto& offsets = placement.offsets;
    for (std::size_t i : order) {
        std::int64_t offset = 0;
        for (std::size_t other : placed) {
            if (lives[other].first > lives[i].last || lives[other].last < lives[i].first) continue;
            if (offsets[other] >= offset + lives[i].bytes) break;
            offset = std::max(offset, offsets[other] + lives[other].bytes);
        }
        offsets[i] = offset;
        placed.insert(std::ranges::upper_bound(placed, offset, {}, [&](std::size_t k) { return offsets[k]; }), i);
        placement.bytes = std::max(placement.bytes, offset + lives[i].bytes);
    }
    return placement;
}

}  // namespace tercet
