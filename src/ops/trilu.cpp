// SPDX-License-Identifier: Apache-2.0
// Trilu: y[.., i, j] = x[.., i, j] where j - i >= k (upper) or j - i <= k (lower), else 0.
// EyeLike: y[i, j] = 1 where j - i = k, else 0, in x's shape.
#include "ops/extents.h"

#include <fmt/format.h>

namespace tercet {
namespace {

void infer_trilu(Inference& c) {
    if (c.rank(0) < 2)
        throw Error({.what = fmt::format("a value of rank {} has no triangle", c.rank(0)),
                     .fix = "the input needs rank 2 or more"});
    if (c.has(1) && (c.dtype(1) != DType::i64 || !(product(c.shape(1)) == Dim(1))))
        throw Error({.what = fmt::format("k (input 1) is {}, should be one i64", text_of(c.in[1].type)),
                     .fix = "check the model with onnx.checker"});
    give(c, 0, c.dtype(0), c.shape(0));
}

void trilu(const Call& call) {
    const View &x = call.in[0], &y = call.out[0];
    const bool upper = call.attributes().integer("upper", 1) != 0;
    const std::int64_t k = call.has(1) ? call.in[1].get_int_at(0) : 0;
    const int row = y.rank() - 2, column = y.rank() - 1;
    const std::size_t bytes = y.element_bytes();
    for (const Dims& i : indices(y.shape)) {
        const std::int64_t diagonal = i[column] - i[row];
        if (upper ? diagonal >= k : diagonal <= k) std::memcpy(y.address(i), x.address(i), bytes);
        else std::memset(y.address(i), 0, bytes);
    }
}

void infer_eye_like(Inference& c) {
    if (c.rank(0) != 2) throw Error({.what = fmt::format("the input has rank {}", c.rank(0)), .fix = "it must be a matrix"});
    const std::int64_t type = c.attributes().integer("dtype", static_cast<std::int64_t>(c.dtype(0)));
    if (!is_dtype(type) || !computes(static_cast<DType>(type)))
        throw Error({.what = is_dtype(type) ? fmt::format("unsupported: dtype {}", name_of(static_cast<DType>(type))) : fmt::format("unknown dtype {}", type),
                     .fix = "choose a type of numbers"});
    give(c, 0, static_cast<DType>(type), c.shape(0));
}

void eye_like(const Call& call) {
    const View& y = call.out[0];
    const std::int64_t k = call.attributes().integer("k", 0);
    for (const Dims& i : indices(y.shape)) y.set_int(i, i[1] - i[0] == k);
}

const RegisteredOp trilu_op{{.name = "Trilu", .versions = {{14}}, .inputs = {1, 2}, .attributes = {{"upper", AttributeKind::integer}},
                             .infer = infer_trilu, .reference = trilu}};
const RegisteredOp eye_like_op{{.name = "EyeLike", .versions = {{9}, {22}}, .attributes = {{"dtype", AttributeKind::integer}, {"k", AttributeKind::integer}},
                                .infer = infer_eye_like, .reference = eye_like}};

}  // namespace
}  // namespace tercet
