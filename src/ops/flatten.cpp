// SPDX-License-Identifier: Apache-2.0
// y[a, b] = x's elements in their order; a: product of the extents before `axis`, b: of those from it on.
#include "ops/op.h"
#include "ops/moves.h"

namespace tercet {
namespace {

void infer(Inference& c) {
    const std::int64_t axis = c.attributes().integer("axis", 1);
    const int at = axis == c.rank(0) ? c.rank(0) : checked_axis(axis, c.rank(0));
    Dim before = 1, after = 1;
    for (int i = 0; i < c.rank(0); ++i) (i < at ? before : after) = (i < at ? before : after) * c.shape(0)[static_cast<std::size_t>(i)];
    c.set(0, c.dtype(0), {before, after});
}

const RegisteredOp flatten{{.name = "Flatten", .versions = {{1}, {9}, {11}, {13}, {21}, {23}, {24}, {25}},
                            .attributes = {{"axis", AttributeKind::integer}}, .infer = infer, .reference = copy_elements,
                            .pure_view = true}};

}  // namespace
}  // namespace tercet
