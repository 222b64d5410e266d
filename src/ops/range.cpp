// SPDX-License-Identifier: Apache-2.0
// y[i] = start + i*delta, for i from 0 up to ceil((limit - start) / delta). Computed in double (integers: exactly) and rounded
// once, which is at least as precise as any `stash_type` asks for. Where the bounds are computed, so is their number.
#include "ops/extents.h"

#include <fmt/format.h>

#include <cmath>

namespace tercet {
namespace {

[[noreturn]] void no_progress() { throw Error({.what = "delta is 0", .fix = "it must be positive or negative"}); }

Dim count_of_integers(const Dim& start, const Dim& limit, const Dim& delta) {
    const auto step = delta.constant();
    if (!step) throw Error({.what = fmt::format("unsupported: delta is {}", delta.text()), .fix = "make it a constant in the export"});
    if (*step == 0) no_progress();
    const Dim way = *step > 0 ? limit - start : start - limit;
    const Dim by = *step > 0 ? delta : Dim(0) - delta;
    if (const auto n = way.constant()) return *n <= 0 ? 0 : (*n - 1) / *by.constant() + 1;
    return greater(ceil_div(way, by), Dim(0));
}

double single_real(const Inference& c, std::size_t i) {
    const Tensor& t = *c.in[i].constant;
    if (t.count() == 1) return t.get(0);
    throw Error({.what = fmt::format("the bounds (input {}) have {} elements, should have one", i, t.count()), .fix = "check the model with onnx.checker"});
}

Dim count_of_reals(double start, double limit, double delta) {
    if (delta == 0) no_progress();
    const double n = std::ceil((limit - start) / delta);
    if (!(n < 0x1p62))
        throw Error({.what = fmt::format("{} elements from {} to {}", n, start, limit),
                     .fix = "check start, limit and delta"});
    return static_cast<std::int64_t>(std::max(n, 0.0));
}

void infer(Inference& c) {
    const DType t = c.dtype(0);
    if (c.dtype(1) != t || c.dtype(2) != t || !computes(t) || t == DType::boolean)
        throw Error({.what = fmt::format("start, limit and delta are of types {}, {} and {}", name_of(t), name_of(c.dtype(1)), name_of(c.dtype(2))),
                     .fix = "they must be of one type of numbers"});
    if (is_float(t)) {
        if (c.in[0].constant && c.in[1].constant && c.in[2].constant) return give(c, 0, t, {count_of_reals(single_real(c, 0), single_real(c, 1), single_real(c, 2))});
        const auto start = c.uniform(0), limit = c.uniform(1), delta = c.uniform(2);  // sizes that were cast
        return give(c, 0, t, {start && limit && delta && delta->is_constant() ? count_of_integers(*start, *limit, *delta) : c.unknown("count")});
    }
    if (!c.content(0) || !c.content(1) || !c.content(2)) return give(c, 0, t, {c.unknown("count")});
    const Dim start = single(c, 0, "the start"), limit = single(c, 1, "the limit"), delta = single(c, 2, "the delta");
    if (is_open(delta)) return give(c, 0, t, {c.unknown("count")});
    const Dim count = count_of_integers(start, limit, delta);
    if (is_open(count)) return give(c, 0, t, {c.unknown("count")});
    give(c, 0, t, {count});
    const auto n = count.constant();
    if (!n || *n > 64) return;
    std::vector<Dim> elements;
    for (std::int64_t i = 0; i < *n; ++i) elements.push_back(start + Dim(i) * delta);
    note_content(c, 0, std::move(elements));
}

void reference(const Call& call) {
    const View& y = call.out[0];
    const std::int64_t n = y.count();
    if (is_float(y.dtype)) {
        const double start = call.in[0].get_at(0), delta = call.in[2].get_at(0);
        for (std::int64_t i = 0; i < n; ++i) y.set_at(i, start + static_cast<double>(i) * delta);
    } else {
        auto v = static_cast<std::uint64_t>(call.in[0].get_int_at(0));
        const auto delta = static_cast<std::uint64_t>(call.in[2].get_int_at(0));
        for (std::int64_t i = 0; i < n; ++i, v += delta) y.set_int_at(i, static_cast<std::int64_t>(v));
    }
}

const RegisteredOp range{{.name = "Range", .versions = {{11}, {27}}, .inputs = {3, 3}, .attributes = {{"stash_type", AttributeKind::integer}},
                          .infer = infer, .reference = reference}};

}  // namespace
}  // namespace tercet
