// SPDX-License-Identifier: Apache-2.0
// y[b..] = determinant of x[b.., :, :], by Gaussian elimination with row exchanges, in double. Of a 0 x 0 matrix it is 1.
#include "ops/op.h"
#include "ops/require.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace tercet {
namespace {

void infer(Inference& c) {
    require_float(c, 0);
    require_rank(c, 0, 2);
    const Shape& x = c.shape(0);
    if (!may_equal(x.back(), x[x.size() - 2]))
        throw Error({.what = fmt::format("determinant of matrices in the shape [{}]", text_of(x)), .fix = "the last two extents must be equal"});
    c.set(0, c.dtype(0), Shape(x.begin(), x.end() - 2));
}

std::size_t scratch_bytes(const Call& call) {  // one matrix
    const auto n = static_cast<std::size_t>(call.in[0].shape.back());
    return n * n * sizeof(double);
}

double determinant(double* m, std::int64_t n) {  // [n, n], destroyed
    double det = 1;
    for (std::int64_t k = 0; k < n; ++k) {
        std::int64_t pivot = k;
        for (std::int64_t i = k + 1; i < n; ++i)
            if (std::fabs(m[i * n + k]) > std::fabs(m[pivot * n + k])) pivot = i;
        if (pivot != k) {
            std::swap_ranges(m + k * n, m + (k + 1) * n, m + pivot * n);
            det = -det;
        }
        const double p = m[k * n + k];
        det *= p;
        if (p == 0) return det;
        for (std::int64_t i = k + 1; i < n; ++i) {
            const double factor = m[i * n + k] / p;
            for (std::int64_t j = k + 1; j < n; ++j) m[i * n + j] -= factor * m[k * n + j];
        }
    }
    return det;
}

void reference(const Call& call) {
    const View &x = call.in[0], &y = call.out[0];
    const std::int64_t n = x.shape.back();
    require_at_run(x.shape[x.rank() - 2] == n, "the matrices are not square");
    auto* const m = reinterpret_cast<double*>(call.scratch.data());
    for (std::int64_t b = 0; b < y.count(); ++b) {
        for (std::int64_t i = 0; i < n * n; ++i) m[i] = x.get_at(b * n * n + i);
        y.set_at(b, determinant(m, n));
    }
}

const RegisteredOp det{{.name = "Det", .versions = {{11}, {22}}, .infer = infer, .reference = reference, .scratch_bytes = scratch_bytes}};

}  // namespace
}  // namespace tercet
