// SPDX-License-Identifier: Apache-2.0
// LpNormalization            y = x / norm, norm = sum of |x| (p = 1) or the root of the sum of x^2 (p = 2) along `axis`; 0 where that is 0
// MeanVarianceNormalization  y = (x - mean) / (sqrt(variance) + 1e-9), both over `axes`
#include "ops/elementwise.h"
#include "ops/reduce.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace tercet {
namespace {

AxisSet one_axis(const Attributes& a, int rank) {
    AxisSet set;
    set.set(static_cast<std::size_t>(checked_axis(a.integer("axis", -1), rank)));
    return set;
}

AxisSet axes_of(const Attributes& a, int rank) {
    constexpr std::array<std::int64_t, 3> missing{0, 2, 3};
    AxisSet set;
    for (std::int64_t axis : a.has("axes") ? a.integers("axes") : missing) set.set(static_cast<std::size_t>(checked_axis(axis, rank)));
    return set;
}

void infer_lp(Inference& c) {
    check_dtype(c, 0, is_float);
    one_axis(c.attributes(), c.rank(0));
    if (const std::int64_t p = c.attributes().integer("p", 2); p != 1 && p != 2)
        throw Error({.what = fmt::format("p is {}", p), .fix = "it must be 1 or 2"});
    c.set(0, c.dtype(0), c.shape(0));
}

void infer_mean_variance(Inference& c) {
    check_dtype(c, 0, is_float);
    axes_of(c.attributes(), c.rank(0));
    c.set(0, c.dtype(0), c.shape(0));
}

// Calls f(start) for the offset of every group of elements that are normalized together. y has x's strides.
template <class F>
void for_each_group(const SplitView& x, F&& f) {
    for (const Dims& index : indices(x.kept.shape)) f(x.kept.offset(index));
}

void lp(const Call& c) {
    const SplitView x(c.in[0], one_axis(c.attributes(), c.in[0].rank()));
    const bool squared = c.attributes().integer("p", 2) == 2;
    for_each_group(x, [&](std::int64_t start) {
        double sum = 0;
        for (const Dims& i : indices(x.reduced.shape)) {
            const double v = x.kept.get_at(start + x.reduced.offset(i));
            sum += squared ? v * v : std::fabs(v);
        }
        const double norm = squared ? std::sqrt(sum) : sum;
        for (const Dims& i : indices(x.reduced.shape)) {
            const std::int64_t at = start + x.reduced.offset(i);
            c.out[0].set_at(at, norm == 0 ? 0 : x.kept.get_at(at) / norm);
        }
    });
}

void mean_variance(const Call& c) {
    const SplitView x(c.in[0], axes_of(c.attributes(), c.in[0].rank()));
    const auto count = static_cast<double>(x.reduced.count());
    for_each_group(x, [&](std::int64_t start) {
        double sum = 0, squares = 0;
        for (const Dims& i : indices(x.reduced.shape)) sum += x.kept.get_at(start + x.reduced.offset(i));
        const double mean = sum / count;
        for (const Dims& i : indices(x.reduced.shape)) {
            const double d = x.kept.get_at(start + x.reduced.offset(i)) - mean;
            squares += d * d;
        }
        const double deviation = std::sqrt(squares / count) + 1e-9;
        for (const Dims& i : indices(x.reduced.shape)) {
            const std::int64_t at = start + x.reduced.offset(i);
            c.out[0].set_at(at, (x.kept.get_at(at) - mean) / deviation);
        }
    });
}

const RegisteredOp lp_normalization{{.name = "LpNormalization", .versions = {{1}, {22}}, .attributes = {{"axis", AttributeKind::integer}, {"p", AttributeKind::integer}},
                                     .infer = infer_lp, .reference = lp}};
const RegisteredOp mean_variance_normalization{{.name = "MeanVarianceNormalization", .versions = {{9}, {13}}, .attributes = {{"axes", AttributeKind::integers}},
                                                .infer = infer_mean_variance, .reference = mean_variance}};

}  // namespace
}  // namespace tercet
