// SPDX-License-Identifier: Apache-2.0
// y = x / sqrt(mean of x^2 + epsilon) * scale, the mean over the axes from `axis` on. y has scale's type. Computed in double and
// rounded once, which is at least as precise as any `stash_type` asks for.
#include "ops/op.h"
#include "ops/require.h"

#include <fmt/format.h>

#include <cmath>

namespace tercet {
namespace {

void infer(Inference& c) {
    require_float(c, 0);
    require_float(c, 1);
    checked_axis(c.attributes().integer("axis", -1), c.rank(0));
    const Shape &x = c.shape(0), &scale = c.shape(1);
    bool fits = scale.size() <= x.size();
    for (std::size_t k = 0; fits && k < scale.size(); ++k) fits = scale[k] == Dim(1) || may_equal(scale[k], x[x.size() - scale.size() + k]);
    if (!fits)
        throw Error({.what = fmt::format("scale of shape [{}] does not broadcast to the input's shape [{}]", text_of(scale), text_of(x)),
                     .fix = "compare 'axis' with the shapes"});
    c.set(0, c.dtype(1), x);
}

void reference(const Call& call) {
    const View &x = call.in[0], &y = call.out[0];
    const double epsilon = call.attributes().real("epsilon", 1e-5f);
    const int axis = checked_axis(call.attributes().integer("axis", -1), x.rank());
    const View scale = checked_broadcast(call.in[1], x.shape, "scale does not broadcast to the input's shape");
    const Dims inner = x.shape.part(axis);
    for (const Dims& outer : indices(x.shape.part(0, axis))) {
        Dims at = x.shape;
        for (int i = 0; i < axis; ++i) at[i] = outer[i];
        const auto for_inner = [&](auto&& f) {
            for (const Dims& i : indices(inner)) {
                for (int k = 0; k < i.size(); ++k) at[axis + k] = i[k];
                f();
            }
        };
        double squares = 0;
        for_inner([&] { squares += x.get(at) * x.get(at); });
        const double inverse = 1 / std::sqrt(squares / static_cast<double>(count_of(inner)) + epsilon);
        for_inner([&] { y.set(at, x.get(at) * inverse * scale.get(at)); });
    }
}

const RegisteredOp rms_normalization{{.name = "RMSNormalization", .versions = {{23}}, .inputs = {2, 2},
                                      .attributes = {{"axis", AttributeKind::integer}, {"epsilon", AttributeKind::real}, {"stash_type", AttributeKind::integer}},
                                      .infer = infer, .reference = reference}};

}  // namespace
}  // namespace tercet
