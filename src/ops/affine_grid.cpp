// SPDX-License-Identifier: Apache-2.0
// y[n, i.., :] = theta[n] * (x, y, .., 1), where x stands for the last spatial axis and so on: positions that GridSample reads
// theta [N, r, r + 1] for r = 2 or 3 axes, size = [N, C, spatial...], y [N, spatial..., r]
// Element i of n stands at (2*i + 1)/n - 1; with align_corners at 2*i/(n - 1) - 1, a single one at 0.
#include "ops/extents.h"
#include "ops/require.h"

#include <fmt/format.h>

namespace tercet {
namespace {

void infer(Inference& c) {
    require_float(c, 0);
    require_rank(c, 0, 3, 3);
    const std::vector<Dim> size = sizes(c, 1, "the size");
    const Shape& theta = c.shape(0);
    const auto axes = static_cast<std::int64_t>(size.size()) - 2;
    if (axes < 2 || axes > 3)
        throw Error({.what = fmt::format("a size of {} extents", size.size()), .fix = "it must be [N, C, H, W] or [N, C, D, H, W]"});
    if (!may_equal(theta[0], size[0]) || !may_equal(theta[1], Dim(axes)) || !may_equal(theta[2], Dim(axes + 1)))
        throw Error({.what = fmt::format("theta of shape [{}] for a size of [{}]", text_of(theta), text_of(size)),
                     .fix = fmt::format("it must be [N, {}, {}]", axes, axes + 1)});
    Shape y{theta[0].is_constant() ? theta[0] : size[0]};
    y.insert(y.end(), size.begin() + 2, size.end());
    y.emplace_back(axes);
    give(c, 0, c.dtype(0), std::move(y));
}

void reference(const Call& call) {
    const View &theta = call.in[0], &y = call.out[0];
    const int axes = y.rank() - 2;
    require_at_run(theta.shape == Dims{y.shape[0], axes, axes + 1}, "theta does not fit the size");
    const bool align = call.attributes().integer("align_corners", 0) != 0;
    const auto position = [&](std::int64_t i, std::int64_t n) {
        if (align) return n == 1 ? 0.0 : 2 * static_cast<double>(i) / static_cast<double>(n - 1) - 1;
        return static_cast<double>(2 * i + 1) / static_cast<double>(n) - 1;
    };
    for (const Dims& o : indices(y.shape)) {  // [n, spatial..., row of theta]
        const std::int64_t row = o[axes + 1];
        double sum = theta.get({o[0], row, axes});
        for (int k = 0; k < axes; ++k) sum += theta.get({o[0], row, k}) * position(o[axes - k], y.shape[axes - k]);
        y.set(o, sum);
    }
}

const RegisteredOp affine_grid{{.name = "AffineGrid", .versions = {{20}}, .inputs = {2, 2}, .attributes = {{"align_corners", AttributeKind::integer}},
                                .infer = infer, .reference = reference}};

}  // namespace
}  // namespace tercet
