// SPDX-License-Identifier: Apache-2.0
// y[i of axis perm[0], i of axis perm[1], ...] = x[i]: axis k of y is axis perm[k] of x; all reversed without `perm`.
#include "ops/extents.h"
#include "ops/moves.h"

#include <fmt/format.h>

#include <algorithm>

namespace tercet {
namespace {

Dims order_of(const Attributes& a, int rank) {
    if (const auto perm = a.integers("perm"); !perm.empty()) return Dims(perm);
    Dims reversed;
    for (int i = rank - 1; i >= 0; --i) reversed.push_back(i);
    return reversed;
}

void infer(Inference& c) {
    const auto perm = c.attributes().integers("perm");
    bool valid = perm.empty() || perm.size() == c.shape(0).size();
    for (std::int64_t i = 0; valid && i < static_cast<std::int64_t>(perm.size()); ++i) valid = std::ranges::count(perm, i) == 1;
    if (!valid)
        throw Error({.what = fmt::format("perm [{}] does not order the axes of [{}]", fmt::join(perm, ","), text_of(c.shape(0))),
                     .fix = "it must name each axis once"});
    Shape y;
    for (std::int64_t i : order_of(c.attributes(), c.rank(0))) y.push_back(c.shape(0)[static_cast<std::size_t>(i)]);
    give(c, 0, c.dtype(0), y);
    pass_content(c);
}

void reference(const Call& call) { copy_view(call.in[0].permuted(order_of(call.attributes(), call.in[0].rank())), call.out[0]); }

const RegisteredOp transpose{{.name = "Transpose", .versions = {{1}, {13}, {21}, {23}, {24}, {25}}, .attributes = {{"perm", AttributeKind::integers}},
                              .infer = infer, .reference = reference}};

}  // namespace
}  // namespace tercet
