// SPDX-License-Identifier: Apache-2.0
// Shape: y = x's extents from axis `start` up to `end`, both clamped to x's rank. Size: y = x's number of elements.
#include "ops/extents.h"

#include <algorithm>

namespace tercet {
namespace {

struct Axes {
    int first, last;
};

Axes axes_of(const Attributes& a, int rank) {
    const auto clamped = [&](std::int64_t i) { return static_cast<int>(std::clamp<std::int64_t>(i < 0 ? i + rank : i, 0, rank)); };
    const int first = clamped(a.integer("start", 0));
    return {first, std::max(first, clamped(a.integer("end", rank)))};
}

void infer_shape(Inference& c) {
    const auto [first, last] = axes_of(c.attributes(), c.rank(0));
    give(c, 0, DType::i64, {Dim(last - first)});
    note_content(c, 0, Shape(c.shape(0).begin() + first, c.shape(0).begin() + last));
}

void shape(const Call& call) {
    const int first = axes_of(call.attributes(), call.in[0].rank()).first;
    for (std::int64_t i = 0; i < call.out[0].count(); ++i) call.out[0].set_int_at(i, call.in[0].shape[first + static_cast<int>(i)]);
}

void infer_size(Inference& c) {
    give(c, 0, DType::i64, {});
    note_content(c, 0, std::vector{product(c.shape(0))});
}

void size(const Call& call) { call.out[0].set_int_at(0, call.in[0].count()); }

const RegisteredOp shape_op{{.name = "Shape", .versions = {{1}, {13}, {15}, {19}, {21}, {23}, {24}, {25}},
                             .attributes = {{"start", AttributeKind::integer}, {"end", AttributeKind::integer}}, .infer = infer_shape, .reference = shape}};
const RegisteredOp size_op{{.name = "Size", .versions = {{1}, {13}, {19}, {21}, {23}, {24}, {25}}, .infer = infer_size, .reference = size}};

}  // namespace
}  // namespace tercet
