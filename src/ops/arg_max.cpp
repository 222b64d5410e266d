// SPDX-License-Identifier: Apache-2.0
// y[i] = the k for which x[i, k] is greatest (ArgMax) or least (ArgMin), i64; the first such k, or the last with
// select_last_index. A NaN wins over all numbers, as in numpy.
#include "ops/elementwise.h"
#include "ops/reduce.h"

#include <fmt/format.h>

namespace tercet {
namespace {

AxisSet axes_of(const Attributes& a, int rank) {
    AxisSet set;
    set.set(static_cast<std::size_t>(checked_axis(a.integer("axis", 0), rank)));
    return set;
}

void infer(Inference& c) {
    check_dtype(c, 0, is_number);
    const AxisSet axes = axes_of(c.attributes(), c.rank(0));
    for (int i = 0; i < c.rank(0); ++i)
        if (axes[static_cast<std::size_t>(i)] && c.shape(0)[static_cast<std::size_t>(i)] == Dim(0))
            throw Error({.what = fmt::format("{} over axis {}, which is empty", c.node.op, i), .fix = "give it at least one element"});
    c.set(0, DType::i64, reduced_shape(c.shape(0), axes, c.attributes().integer("keepdims", 1) != 0));
}

template <bool greatest>
void reference(const Call& c) {
    const bool last = c.attributes().integer("select_last_index", 0) != 0;
    const AxisSet axes = axes_of(c.attributes(), c.in[0].rank());
    const SplitView x(c.in[0], axes);
    const View y = kept_output(c.out[0], axes, c.attributes().integer("keepdims", 1) != 0);
    const std::int64_t n = x.reduced.shape[0], step = x.reduced.strides[0];
    with_type(x.kept.dtype, [&]<class T>(TypeTag<T>) {
        const auto better = [](Wide<T> a, Wide<T> b) { return a != a ? b == b : b == b && (greatest ? a > b : a < b); };
        for (const Dims& index : indices(x.kept.shape)) {
            const std::int64_t start = x.kept.offset(index);
            std::int64_t best = 0;
            for (std::int64_t k = 1; k < n; ++k) {
                const auto a = load_at<T>(x.kept, start + k * step), b = load_at<T>(x.kept, start + best * step);
                if (better(a, b) || (last && !better(b, a))) best = k;
            }
            y.set_int(index, best);
        }
    });
}

template <bool greatest>
OpDef def(std::string_view name) {
    return {.name = name, .versions = {{1}, {11}, {12}, {13}},
            .attributes = {{"axis", AttributeKind::integer}, {"keepdims", AttributeKind::integer},
                           {"select_last_index", AttributeKind::integer}},
            .infer = infer, .reference = reference<greatest>};
}

const RegisteredOp arg_max{def<true>("ArgMax")};
const RegisteredOp arg_min{def<false>("ArgMin")};

}  // namespace
}  // namespace tercet
