// SPDX-License-Identifier: Apache-2.0
// y = (x - mean) / sqrt(variance + epsilon) * scale + bias, mean and variance over the axes from `axis` on.
// Outputs 1 and 2 are the mean and 1/sqrt(variance + epsilon), those axes kept with extent 1, in the type `stash_type`.
// ONNX has it from operator set 17 on; onnxruntime writes the same into models of older ones.
#include "ops/op.h"
#include "ops/require.h"

#include <fmt/format.h>

#include <cmath>

namespace tercet {
namespace {

void infer(Inference& c) {
    require_float(c, 0);
    const Shape& x = c.shape(0);
    const int axis = checked_axis(c.attributes().integer("axis", -1), c.rank(0));
    for (std::size_t i : {1, 2}) {
        require_same_type(c, i);
        if (!c.has(i)) continue;
        bool fits = c.rank(i) <= c.rank(0);
        for (std::size_t k = 0; fits && k < c.shape(i).size(); ++k) {
            const Dim& d = c.shape(i)[k];
            fits = d == Dim(1) || may_equal(d, x[x.size() - c.shape(i).size() + k]);
        }
        if (!fits)
            throw Error({.what = fmt::format("{} of shape [{}] does not broadcast to the input's shape [{}]", i == 1 ? "scale" : "bias",
                                             text_of(c.shape(i)), text_of(x)),
                         .fix = "compare 'axis' with the shapes"});
    }
    const std::int64_t stash = c.attributes().integer("stash_type", 1);
    if (stash != 1 && stash != 16) throw Error({.what = fmt::format("unsupported: stash_type = {}", stash), .fix = "it is 1 (f32) or 16 (bf16)"});
    Shape kept = x;
    for (std::size_t i = static_cast<std::size_t>(axis); i < kept.size(); ++i) kept[i] = 1;
    c.set(0, c.dtype(0), x);
    c.set(1, static_cast<DType>(stash), kept);
    c.set(2, static_cast<DType>(stash), kept);
}

void reference(const Call& call) {
    const View &x = call.in[0], &y = call.out[0];
    const double epsilon = call.attributes().real("epsilon", 1e-5f);
    const int axis = checked_axis(call.attributes().integer("axis", -1), x.rank());
    const View scale = checked_broadcast(call.in[1], x.shape, "scale does not broadcast to the input's shape");
    const View bias = call.has(2) ? checked_broadcast(call.in[2], x.shape, "bias does not broadcast to the input's shape") : View();
    const Dims inner = x.shape.part(axis);
    const auto count = static_cast<double>(count_of(inner));
    for (const Dims& outer : indices(x.shape.part(0, axis))) {
        Dims at = x.shape, kept = Dims::filled(x.rank(), 0);
        for (int i = 0; i < axis; ++i) at[i] = kept[i] = outer[i];
        const auto for_inner = [&](auto&& f) {
            for (const Dims& i : indices(inner)) {
                for (int k = 0; k < i.size(); ++k) at[axis + k] = i[k];
                f();
            }
        };
        double sum = 0, squares = 0;
        for_inner([&] { sum += x.get(at); });
        const double mean = sum / count;
        for_inner([&] { squares += (x.get(at) - mean) * (x.get(at) - mean); });
        const double inverse = 1 / std::sqrt(squares / count + epsilon);
        if (call.wants(0)) for_inner([&] { y.set(at, (x.get(at) - mean) * inverse * scale.get(at) + (bias ? bias.get(at) : 0)); });
        if (call.wants(1)) call.out[1].set(kept, mean);
        if (call.wants(2)) call.out[2].set(kept, inverse);
    }
}

const RegisteredOp layer_normalization{{.name = "LayerNormalization", .versions = {{1}, {17}}, .inputs = {2, 3}, .outputs = {1, 3},
                                        .attributes = {{"axis", AttributeKind::integer}, {"epsilon", AttributeKind::real},
                                                       {"stash_type", AttributeKind::integer}},
                                        .infer = infer, .reference = reference}};

}  // namespace
}  // namespace tercet
