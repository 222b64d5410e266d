// SPDX-License-Identifier: Apache-2.0
#include "cpu/block_copy.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace tercet {
namespace {

constexpr std::int64_t unit_bytes = 32 << 10;

// A copy as units: pieces of a block if blocks are large, runs of blocks otherwise.
struct Units {
    BlockCopy copy;
    std::int64_t pieces, blocks_per_unit, first;  // first: how many units the copies before it have

    Units(const BlockCopy& c, std::int64_t before)
        : copy(c), pieces(std::max<std::int64_t>(1, c.bytes / unit_bytes)), blocks_per_unit(std::max<std::int64_t>(1, unit_bytes / c.bytes)), first(before) {}
    std::int64_t count() const { return pieces > 1 ? copy.blocks() * pieces : (copy.blocks() + blocks_per_unit - 1) / blocks_per_unit; }

    void run(const Buffers& b, std::int64_t unit) const noexcept {
        const std::byte* from = static_cast<const std::byte*>(b.inputs[copy.input]) + copy.from;
        std::byte* to = static_cast<std::byte*>(b.outputs[copy.output]) + copy.to;
        const std::int64_t begin = pieces > 1 ? unit / pieces : unit * blocks_per_unit, end = pieces > 1 ? begin + 1 : std::min(begin + blocks_per_unit, copy.blocks());
        const std::int64_t piece = unit % pieces, skipped = piece * copy.bytes / pieces, bytes = (piece + 1) * copy.bytes / pieces - skipped;
        const int last = copy.shape.size() - 1;
        for (std::int64_t i = begin; i < end;) {
            const std::int64_t at = i % copy.shape[last], n = std::min(copy.shape[last] - at, end - i);
            std::int64_t from_at = at * copy.from_steps[last] + skipped, to_at = at * copy.to_steps[last] + skipped, outer = i / copy.shape[last];
            for (int d = last - 1; d >= 0; --d) {
                from_at += outer % copy.shape[d] * copy.from_steps[d];
                to_at += outer % copy.shape[d] * copy.to_steps[d];
                outer /= copy.shape[d];
            }
            copy_blocks(to + to_at, copy.to_steps[last], from + from_at, copy.from_steps[last], bytes, n);
            i += n;
        }
    }
};

// Calls f(size) with `bytes`, as a constant for sizes that are moved by few instructions.
template <class F>
void with_size(std::int64_t bytes, F f) noexcept {
    switch (bytes) {
        case 1: return f(std::integral_constant<std::size_t, 1>());
        case 2: return f(std::integral_constant<std::size_t, 2>());
        case 4: return f(std::integral_constant<std::size_t, 4>());
        case 8: return f(std::integral_constant<std::size_t, 8>());
        case 16: return f(std::integral_constant<std::size_t, 16>());
        case 32: return f(std::integral_constant<std::size_t, 32>());
        case 64: return f(std::integral_constant<std::size_t, 64>());
        default: return f(static_cast<std::size_t>(bytes));
    }
}

}  // namespace

BlockCopy BlockCopy::of(std::int64_t element_bytes, const Dims& shape, const Dims& from_steps, const Dims& to_steps) {
    BlockCopy c{.bytes = element_bytes};
    for (int d = shape.size() - 1; d >= 0; --d) {  // c's dimensions: innermost first
        if (shape[d] == 1) continue;
        const int last = c.shape.size() - 1;
        if (c.shape.empty() && from_steps[d] == c.bytes && to_steps[d] == c.bytes) {
            c.bytes *= shape[d];
        } else if (!c.shape.empty() && from_steps[d] == c.shape[last] * c.from_steps[last] && to_steps[d] == c.shape[last] * c.to_steps[last]) {
            c.shape[last] *= shape[d];
        } else {
            c.shape.push_back(shape[d]);
            c.from_steps.push_back(from_steps[d]);
            c.to_steps.push_back(to_steps[d]);
        }
    }
    if (c.shape.empty()) c.shape = {1}, c.from_steps = {0}, c.to_steps = {0};
    for (Dims* d : {&c.shape, &c.from_steps, &c.to_steps}) std::ranges::reverse(*d);
    return c;
}

Dims byte_steps(const Step::Operand& value) {
    Dims s = dense_strides(value.shape);
    for (std::int64_t& d : s) d *= bits_of(value.dtype) / 8;
    return s;
}

Refusal refuse_moves(const Step& step, const Isa& isa) {
    if (isa.level == Isa::Level::reference) return "is more than a reference";
    if (step.attributes().has("tail")) return "has a tail";
    if (bits_of(step.inputs[0].dtype) < 8) return "its elements have no whole bytes";
    for (const auto& out : step.outputs)
        if (!out) return "an output is left out";
    return {};
}

Tactic move_tactic(std::string_view name, Refusal (*refuse)(const Step&, const Isa&), Kernel (*compile)(const Step&, const Variant&, const Isa&)) {
    return {.name = name,
            .most = Isa::Level::baseline,
            .numerics = [](const Step&) { return Numerics::exact; },
            .refuse = refuse,
            .variants = [](const Step&, const Isa&) { return std::vector{Variant{}}; },
            .compile = compile,
            .cost = [](const Step& step, const Variant&, const Isa&) {
                double elements = 0;
                for (const auto& out : step.outputs) elements += static_cast<double>(count_of(out.shape));
                return elements;
            }};
}

Phase copy_phase(std::vector<BlockCopy> copies) {
    std::vector<Units> all;
    std::int64_t units = 0;
    for (const BlockCopy& c : copies) {
        if (c.blocks() == 0 || c.bytes == 0) continue;
        all.emplace_back(c, units);
        units += all.back().count();
    }
    return {.units = units, .run = [all = std::move(all)](const Buffers& b, std::int64_t first, std::int64_t last) {
        if (first == last) return;
        auto c = std::ranges::upper_bound(all, first, {}, &Units::first) - 1;
        for (std::int64_t u = first; u < last; ++u) {
            while (u >= c->first + c->count()) ++c;
            c->run(b, u - c->first);
        }
    }};
}

void copy_blocks(std::byte* to, std::int64_t to_step, const std::byte* from, std::int64_t from_step, std::int64_t bytes, std::int64_t n) noexcept {
    with_size(bytes, [&](auto size) {
        for (std::int64_t i = 0; i < n; ++i) std::memcpy(to + i * to_step, from + i * from_step, size);
    });
}

void copy_listed(std::byte* to, const std::byte* from, const std::int64_t* places, std::int64_t bytes, std::int64_t n) noexcept {
    with_size(bytes, [&](auto size) {
        for (std::int64_t i = 0; i < n; ++i) std::memcpy(to + i * bytes, from + places[i], size);
    });
}

}  // namespace tercet
