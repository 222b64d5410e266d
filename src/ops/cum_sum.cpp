// SPDX-License-Identifier: Apache-2.0
// y[.., i, ..] = sum (CumSum) or product (CumProd) of x[.., k, ..] over k <= i along `axis`; over k < i if exclusive; over
// k >= i (k > i) if reverse. Integers wrap.
#include "ops/extents.h"

#include <fmt/format.h>

namespace tercet {
namespace {

void infer(Inference& c) {
    if (!computes(c.dtype(0)) || c.dtype(0) == DType::boolean)
        throw Error({.what = fmt::format("unsupported: {} of elements of type {}", c.node.op, name_of(c.dtype(0))),
                     .fix = "cast them before"});
    const Dim axis = single(c, 1, "the axis");
    if (const auto known = axis.constant()) checked_axis(*known, c.rank(0));
    give(c, 0, c.dtype(0), c.shape(0));
}

void infer_sum(Inference& c) {
    infer(c);
    const auto content = small_content(c, 0);
    if (!content || c.rank(0) != 1 || c.attributes().integer("exclusive", 0) != 0 || c.attributes().integer("reverse", 0) != 0) return;
    std::vector<Dim> sums;
    for (const Dim& d : *content) sums.push_back(sums.empty() ? d : sums.back() + d);
    note_content(c, 0, std::move(sums));
}

template <bool product>
void reference(const Call& call) {
    const View &x = call.in[0], &y = call.out[0];
    if (y.count() == 0) return;
    const int axis = checked_axis(call.in[1].get_int_at(0), x.rank());
    const bool exclusive = call.attributes().integer("exclusive", 0) != 0, reverse = call.attributes().integer("reverse", 0) != 0;
    const std::int64_t n = x.shape[axis], step = x.strides[axis];
    Dims lines = x.shape;
    lines[axis] = 1;
    for (const Dims& line : indices(lines)) {
        const std::int64_t first = x.offset(line) + (reverse ? (n - 1) * step : 0);
        double real = product ? 1 : 0;
        std::uint64_t whole = product ? 1 : 0;
        for (std::int64_t i = 0; i < n; ++i) {
            const std::int64_t at = first + (reverse ? -i : i) * step;
            const double before = real;
            const std::uint64_t whole_before = whole;
            if (is_float(x.dtype)) {
                const double v = x.get_at(at);
                real = product ? real * v : real + v;
                y.set_at(at, exclusive ? before : real);
            } else {
                const auto v = static_cast<std::uint64_t>(x.get_int_at(at));
                whole = product ? whole * v : whole + v;
                y.set_int_at(at, static_cast<std::int64_t>(exclusive ? whole_before : whole));
            }
        }
    }
}

const RegisteredOp cum_sum{{.name = "CumSum", .versions = {{11}, {14}}, .inputs = {2, 2},
                            .attributes = {{"exclusive", AttributeKind::integer}, {"reverse", AttributeKind::integer}}, .infer = infer_sum, .reference = reference<false>}};
const RegisteredOp cum_prod{{.name = "CumProd", .versions = {{26}}, .inputs = {2, 2},
                             .attributes = {{"exclusive", AttributeKind::integer}, {"reverse", AttributeKind::integer}}, .infer = infer, .reference = reference<true>}};

}  // namespace
}  // namespace tercet
