// SPDX-License-Identifier: Apache-2.0
// y has x's bits, read as elements of the type `to`, which has as many. A byte that becomes a bool is true unless it is 0: no
// other value of a bool may exist.
#include "ops/extents.h"
#include "ops/moves.h"

#include <fmt/format.h>

namespace tercet {
namespace {

void infer(Inference& c) {
    const std::int64_t to = c.attributes().integer("to", 0);
    if (!is_dtype(to) || bits_of(static_cast<DType>(to)) != bits_of(c.dtype(0)))
        throw Error({.what = fmt::format("elements of type {} cannot be read as {}", name_of(c.dtype(0)), is_dtype(to) ? name_of(static_cast<DType>(to)) : "no known type"),
                     .fix = "the types must have the same number of bits"});
    give(c, 0, static_cast<DType>(to), c.shape(0));
}

void reference(const Call& call) {
    copy_view(call.in[0], call.out[0]);
    const View& y = call.out[0];
    if (y.dtype != DType::boolean) return;
    for (std::int64_t i = 0; i < y.count(); ++i) y.set_int_at(i, load<std::uint8_t>(y.address(i)));
}

const RegisteredOp bit_cast{{.name = "BitCast", .versions = {{26}}, .attributes = {{"to", AttributeKind::integer, true}}, .infer = infer, .reference = reference}};

}  // namespace
}  // namespace tercet
