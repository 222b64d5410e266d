// SPDX-License-Identifier: Apache-2.0
// Pad with a constant, row by row: a row runs from the last padded axis on, and lies in the input or is all padding.
#include "cpu/block_copy.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace tercet {
namespace {

// A scalar counts as one of one element.
Dims at_least_one(const Dims& shape) { return shape.empty() ? Dims{1} : shape; }

struct Pads {
    Dims begin, end;
};

Pads pads_of(const Step& s) {
    const int rank = s.inputs[0].shape.size();
    Pads p{Dims::filled(std::max(1, rank), 0), Dims::filled(std::max(1, rank), 0)};
    const std::int64_t axes = s.has(3) ? s.inputs[3].constant->count() : rank;
    for (std::int64_t i = 0; i < axes; ++i) {
        const int axis = checked_axis(s.has(3) ? s.inputs[3].constant->get_int(i) : i, rank);
        p.begin[axis] = s.inputs[1].constant->get_int(i);
        p.end[axis] = s.inputs[1].constant->get_int(axes + i);
    }
    return p;
}

Refusal refuse(const Step& s, const Isa& isa) {
    if (!s.is("Pad")) return "no padding";
    if (s.attributes().text("mode", "constant") != "constant") return "does not pad with a constant";
    if (!s.inputs[1].constant || (s.has(3) && !s.inputs[3].constant)) return "its pads are computed";
    const Pads p = pads_of(s);
    for (const Dims& pads : {p.begin, p.end})
        if (std::ranges::any_of(pads, [](std::int64_t n) { return n < 0; })) return "a pad is negative";
    return refuse_moves(s, isa);
}

template <class T>
void fill_with(std::byte* to, const std::byte* value, std::int64_t n) noexcept {
    T v;
    std::memcpy(&v, value, sizeof v);
    for (std::int64_t i = 0; i < n; ++i) std::memcpy(to + i * static_cast<std::int64_t>(sizeof v), &v, sizeof v);
}

void fill(std::byte* to, const std::byte* value, std::int64_t element_bytes, std::int64_t bytes) noexcept {
    switch (element_bytes) {
        case 1: return fill_with<std::uint8_t>(to, value, bytes);
        case 2: return fill_with<std::uint16_t>(to, value, bytes / 2);
        case 4: return fill_with<std::uint32_t>(to, value, bytes / 4);
        case 8: return fill_with<std::uint64_t>(to, value, bytes / 8);
        default:
            for (std::int64_t i = 0; i < bytes; i += element_bytes) std::memcpy(to + i, value, static_cast<std::size_t>(element_bytes));
    }
}

Kernel compile(const Step& s, const Variant&, const Isa&) {
    const Dims x = at_least_one(s.inputs[0].shape), y = at_least_one(s.outputs[0].shape);
    const Pads pads = pads_of(s);
    int last_padded = x.size() - 1;
    while (last_padded > 0 && pads.begin[last_padded] == 0 && pads.end[last_padded] == 0) --last_padded;
    const std::int64_t element_bytes = bits_of(s.inputs[0].dtype) / 8, step = element_bytes * count_of(x.part(last_padded + 1));
    const std::int64_t left = pads.begin[last_padded] * step, middle = x[last_padded] * step, row = y[last_padded] * step;
    const Dims in_rows = x.part(0, last_padded), out_rows = y.part(0, last_padded);
    const std::int64_t rows = row == 0 ? 0 : count_of(out_rows), block = std::max<std::int64_t>(1, (32 << 10) / std::max<std::int64_t>(1, row));
    const bool has_value = s.has(2) && count_of(s.inputs[2].shape) == 1;
    Kernel k;
    k.phases.push_back({.units = (rows + block - 1) / block, .run = [=](const Buffers& b, std::int64_t first, std::int64_t last) {
        constexpr std::array<std::byte, 16> zero{};
        const std::byte* value = has_value ? static_cast<const std::byte*>(b.inputs[2]) : zero.data();
        for (std::int64_t r = first * block; r < std::min(last * block, rows); ++r) {
            std::byte* to = static_cast<std::byte*>(b.outputs[0]) + r * row;
            std::int64_t rest = r, in_row = 0, in_step = 1;
            bool inside = middle > 0;
            for (int d = out_rows.size() - 1; d >= 0; --d) {
                const std::int64_t at = rest % out_rows[d] - pads.begin[d];
                rest /= out_rows[d];
                inside = inside && at >= 0 && at < in_rows[d];
                in_row += at * in_step;
                in_step *= in_rows[d];
            }
            if (!inside) {
                fill(to, value, element_bytes, row);
                continue;
            }
            fill(to, value, element_bytes, left);
            std::memcpy(to + left, static_cast<const std::byte*>(b.inputs[0]) + in_row * middle, static_cast<std::size_t>(middle));
            fill(to + left + middle, value, element_bytes, row - left - middle);
        }
    }});
    return k;
}

const RegisteredTactic pad(move_tactic("cpu/pad", refuse, compile));

}  // namespace
}  // namespace tercet
