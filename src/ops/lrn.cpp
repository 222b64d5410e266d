// SPDX-License-Identifier: Apache-2.0
// y[n,c,...] = x[n,c,...] / (bias + alpha/size * sum over k of x[n,k,...]^2)^beta
// k runs over `size` channels around c, floor((size-1)/2) before it and ceil((size-1)/2) behind, as far as there are any.
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
    if (const auto size = c.attributes().integer("size", 1); size < 1)
        throw Error({.what = fmt::format("attribute 'size' is {}", size), .fix = "it must be at least 1"});
    c.set(0, c.dtype(0), c.shape(0));
}

void reference(const Call& call) {
    const View &x = call.in[0], &y = call.out[0];
    const Attributes& a = call.attributes();
    const std::int64_t size = a.integer("size", 1), channels = x.shape[1];
    const double alpha = a.real("alpha", 1e-4f), beta = a.real("beta", 0.75f), bias = a.real("bias", 1);
    for (const Dims& i : indices(y.shape)) {
        Dims at = i;
        const std::int64_t first = std::max<std::int64_t>(i[1] - (size - 1) / 2, 0);
        const std::int64_t last = size / 2 < channels - i[1] ? i[1] + size / 2 : channels - 1;
        double sum = 0;
        for (at[1] = first; at[1] <= last; ++at[1]) sum += x.get(at) * x.get(at);
        y.set(i, x.get(i) / std::pow(bias + alpha / static_cast<double>(size) * sum, beta));
    }
}

const RegisteredOp lrn{{.name = "LRN", .versions = {{1}, {13}},
                        .attributes = {{"alpha", AttributeKind::real}, {"beta", AttributeKind::real}, {"bias", AttributeKind::real},
                                       {"size", AttributeKind::integer, true}},
                        .infer = infer, .reference = reference, .channels = true}};

}  // namespace
}  // namespace tercet
