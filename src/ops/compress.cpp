// SPDX-License-Identifier: Apache-2.0
// The slices of x along `axis` (elements of x in row-major order without it) whose place is true in `condition`, which may be
// shorter than x: what lies behind is left out.
#include "ops/extents.h"
#include "ops/slices.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace tercet {
namespace {

std::int64_t count(const View& condition, std::int64_t n) {
    std::int64_t taken = 0;
    for (std::int64_t i = 0; i < std::min(n, condition.count()); ++i) taken += condition.get_int_at(i) != 0;
    return taken;
}

// How many of n slices a known condition takes: min(max(n - i, 0), 1) for each place i that is true.
Dim taken_of(const Dim& n, const View& condition) {
    if (const auto fixed = n.constant()) return count(condition, *fixed);
    Dim taken = 0;
    for (std::int64_t i = 0; i < condition.count(); ++i)
        if (condition.get_int_at(i) != 0) taken = taken + lesser(greater(n - Dim(i), Dim(0)), Dim(1));
    return taken;
}

void infer(Inference& c) {
    if (!computes(c.dtype(0)) || c.dtype(1) != DType::boolean || c.rank(1) != 1)
        throw Error({.what = fmt::format("the condition (input 1) is {}", text_of(c.in[1].type)), .fix = "it must be bool[n]"});
    const bool flat = !c.attributes().has("axis");
    const auto axis = flat ? 0 : static_cast<std::size_t>(checked_axis(c.attributes().integer("axis", 0), c.rank(0)));
    Shape y = flat ? Shape{product(c.shape(0))} : c.shape(0);
    const Dim most = lesser(y[axis], c.shape(1)[0]);
    y[axis] = c.in[1].constant ? taken_of(y[axis], c.in[1].constant->view()) : c.unknown("taken", most);
    give(c, 0, c.dtype(0), y);
}

void measure(const Call& call, std::span<std::int64_t> extents) {
    if (!extents.empty()) extents[0] = count(call.in[1], Slices(call.attributes(), call.in[0].shape).n);
}

void reference(const Call& call) {
    const View &x = call.in[0], &condition = call.in[1];
    const Slices s(call.attributes(), x.shape);
    const std::int64_t bytes = s.block * static_cast<std::int64_t>(x.element_bytes());
    std::byte* to = call.out[0].data;
    if (bytes == 0) return;
    for (std::int64_t b = 0; b < s.before; ++b)
        for (std::int64_t i = 0; i < std::min(s.n, condition.count()); ++i) {
            if (condition.get_int_at(i) == 0) continue;
            std::memcpy(to, x.data + (b * s.n + i) * bytes, static_cast<std::size_t>(bytes));
            to += bytes;
        }
}

const RegisteredOp compress{{.name = "Compress", .versions = {{9}, {11}}, .inputs = {2, 2}, .attributes = {{"axis", AttributeKind::integer}},
                             .infer = infer, .reference = reference, .measure = measure}};

}  // namespace
}  // namespace tercet
