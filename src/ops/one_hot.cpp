// SPDX-License-Identifier: Apache-2.0
// y[a.., d, b..] = on where d = index[a.., b..] (from the end if negative), else off; d runs over an axis of `depth` that is
// put in at `axis`. values = [off, on]. An index outside [-depth, depth-1] gives off everywhere.
#include "ops/extents.h"

#include <fmt/format.h>

namespace tercet {
namespace {

Dim depth_of(Inference& c) {
    if (!is_float(c.dtype(1))) return single(c, 1, "the depth");
    if (const auto count = product(c.shape(1)).constant(); c.rank(1) > 1 || (count && *count != 1))
        throw Error({.what = fmt::format("the depth (input 1) is {}", text_of(c.in[1].type)), .fix = "it must have one element"});
    if (c.in[1].constant) return to_element<std::int64_t>(c.in[1].constant->get(0));
    const auto size = c.uniform(1);
    return size ? *size : c.unknown("depth");
}

void infer(Inference& c) {
    if (!is_float(c.dtype(0)) && !is_integer(c.dtype(0)))
        throw Error({.what = fmt::format("the indices are of type {}", name_of(c.dtype(0))), .fix = "they must be numbers"});
    if (c.rank(2) != 1 || (c.shape(2)[0].is_constant() && c.shape(2)[0] != Dim(2)))
        throw Error({.what = fmt::format("the values (input 2) have the shape [{}]", text_of(c.shape(2))),
                     .fix = "they must be [off, on]"});
    const Dim depth = depth_of(c);
    if (const auto d = depth.constant(); d && *d < 0)
        throw Error({.what = fmt::format("the depth is {}", *d),
                     .fix = "it must not be negative"});
    Shape y = c.shape(0);
    y.insert(y.begin() + checked_axis(c.attributes().integer("axis", -1), c.rank(0) + 1), depth);
    give(c, 0, c.dtype(2), y);
}

void reference(const Call& call) {
    const View &index = call.in[0], &values = call.in[2], &y = call.out[0];
    const int axis = checked_axis(call.attributes().integer("axis", -1), y.rank());
    const std::int64_t before = count_of(y.shape.part(0, axis)), depth = y.shape[axis], behind = count_of(y.shape.part(axis + 1));
    const std::size_t bytes = y.element_bytes();
    for (std::int64_t i = 0; i < y.count(); ++i) std::memcpy(y.address(i), values.data, bytes);
    for (std::int64_t a = 0; a < before; ++a)
        for (std::int64_t b = 0; b < behind; ++b) {
            std::int64_t d = index.get_int_at(a * behind + b);
            if (d < 0 && !is_unsigned(index.dtype)) d += depth;
            if (d >= 0 && d < depth) std::memcpy(y.address((a * depth + d) * behind + b), values.address(1), bytes);
        }
}

const RegisteredOp one_hot{{.name = "OneHot", .versions = {{9}, {11}, {28}}, .inputs = {3, 3}, .attributes = {{"axis", AttributeKind::integer}},
                            .infer = infer, .reference = reference}};

}  // namespace
}  // namespace tercet
