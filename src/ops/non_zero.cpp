// SPDX-License-Identifier: Apache-2.0
// y[axis, i] = the place along `axis` of x's i-th element that is not zero, in row-major order; NaN is not zero. Only the data tell
// how many there are, unless all elements are known to be the same: exporters write a range as NonZero(ConstantOfShape(n)).
#include "ops/elementwise.h"
#include "ops/extents.h"

namespace tercet {
namespace {

bool is_zero(const View& x, const Dims& index) { return is_float(x.dtype) ? x.get(index) == 0 : x.get_int(index) == 0; }

std::int64_t count(const View& x) {
    std::int64_t n = 0;
    for (const Dims& index : indices(x.shape)) n += !is_zero(x, index);
    return n;
}

void infer(Inference& c) {
    check_dtype(c, 0, computes);
    const Dim rank(static_cast<std::int64_t>(c.rank(0)));
    if (const Tensor* x = c.in[0].constant) {
        const std::int64_t n = count(x->view());
        return give(c, 0, DType::i64, {rank, n});
    }
    const auto all = c.uniform(0);
    if (all && (all->is_constant() || at_least(*all, 1))) return give(c, 0, DType::i64, {rank, *all == Dim(0) ? Dim(0) : product(c.shape(0))});
    give(c, 0, DType::i64, {rank, c.unknown("nonzero", product(c.shape(0)))});
}

void measure(const Call& call, std::span<std::int64_t> extents) {
    if (!extents.empty()) extents[0] = count(call.in[0]);
}

void reference(const Call& call) {
    const View &x = call.in[0], &y = call.out[0];
    std::int64_t i = 0;
    for (const Dims& index : indices(x.shape)) {
        if (is_zero(x, index) || i == y.shape[1]) continue;
        for (int axis = 0; axis < x.rank(); ++axis) y.set_int_at(axis * y.strides[0] + i * y.strides[1], index[axis]);
        ++i;
    }
}

const RegisteredOp non_zero{{.name = "NonZero", .versions = {{9}, {13}}, .infer = infer, .reference = reference, .measure = measure}};

}  // namespace
}  // namespace tercet
