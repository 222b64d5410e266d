// SPDX-License-Identifier: Apache-2.0
// y[b, t] = x[b, len[b] - 1 - t] for t < len[b], else x[b, t], where b and t stand at batch_axis and time_axis, 0 and 1 or 1 and 0.
#include "ops/extents.h"
#include "ops/require.h"

#include <fmt/format.h>

#include <algorithm>

namespace tercet {
namespace {

void infer(Inference& c) {
    const std::int64_t batch = c.attributes().integer("batch_axis", 1), time = c.attributes().integer("time_axis", 0);
    if (c.rank(0) < 2 || batch < 0 || batch > 1 || time != 1 - batch)
        throw Error({.what = fmt::format("batch_axis {} and time_axis {} of a value of rank {}", batch, time, c.rank(0)),
                     .fix = "they must be 0 and 1, or 1 and 0"});
    if (!is_integer(c.dtype(1)) || c.rank(1) != 1)
        throw Error({.what = fmt::format("the lengths are {}, should be i64 of rank 1", text_of(c.in[1].type)),
                     .fix = "check the model with onnx.checker"});
    Dim size = c.shape(0)[static_cast<std::size_t>(batch)];
    unify(size, c.shape(1)[0], "sequences and lengths differ in number");
    give(c, 0, c.dtype(0), c.shape(0));
}

void reference(const Call& call) {
    const View &x = call.in[0], &lengths = call.in[1], &y = call.out[0];
    if (y.count() == 0) return;
    const int batch = static_cast<int>(call.attributes().integer("batch_axis", 1)), time = 1 - batch;
    const std::int64_t block = count_of(x.shape.part(2));
    const auto bytes = static_cast<std::size_t>(block) * x.element_bytes();
    require_at_run(lengths.count() == x.shape[batch], "sequences and lengths differ in number");
    for (std::int64_t b = 0; b < x.shape[batch]; ++b) {
        const std::int64_t length = std::clamp<std::int64_t>(lengths.get_int_at(b), 0, x.shape[time]);
        for (std::int64_t t = 0; t < x.shape[time]; ++t) {
            const std::int64_t from = t < length ? length - 1 - t : t;
            std::memcpy(y.address(b * y.strides[batch] + t * y.strides[time]), x.address(b * x.strides[batch] + from * x.strides[time]), bytes);
        }
    }
}

const RegisteredOp reverse_sequence{{.name = "ReverseSequence", .versions = {{10}, {28}}, .inputs = {2, 2},
                                     .attributes = {{"batch_axis", AttributeKind::integer}, {"time_axis", AttributeKind::integer}},
                                     .infer = infer, .reference = reference}};

}  // namespace
}  // namespace tercet
