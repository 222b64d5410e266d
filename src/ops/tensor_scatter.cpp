// SPDX-License-Identifier: Apache-2.0
// y = past, but y[b, .., start[b] + i, ..] = update[b, .., i, ..] along `axis`, a cache that is written on; start = 0 if not given. The
// place is taken modulo the cache's extent by mode `circular`; by `linear` all must fit.
#include "ops/extents.h"
#include "ops/moves.h"
#include "ops/require.h"

#include <fmt/format.h>

namespace tercet {
namespace {

int sequence_axis(const Attributes& a, int rank) {
    const int axis = checked_axis(a.integer("axis", -2), rank);
    if (axis == 0) throw Error({.what = "'axis' names the batch", .fix = "it must be another axis"});
    return axis;
}

void infer(Inference& c) {
    require_same_type(c, 1);
    const int axis = sequence_axis(c.attributes(), c.rank(0));
    const Shape &past = c.shape(0), &update = c.shape(1);
    bool fits = past.size() == update.size();
    for (std::size_t i = 0; fits && i < past.size(); ++i) {
        const Dim left = past[i] - update[i];
        fits = static_cast<int>(i) == axis ? !left.is_constant() || *left.constant() >= 0 : may_equal(past[i], update[i]);
    }
    if (!fits)
        throw Error({.what = fmt::format("an update of shape [{}] into a cache of shape [{}]", text_of(update), text_of(past)),
                     .fix = "they may differ in 'axis' only, where the cache is the longer"});
    if (c.has(2) && c.dtype(2) != DType::i64)
        throw Error({.what = fmt::format("write_indices (input 2) is of type {}", name_of(c.dtype(2))), .fix = "it must be i64"});
    require_shape(c, 2, {past[0]}, "write_indices");
    if (const auto mode = c.attributes().text("mode", "linear"); mode != "linear" && mode != "circular")
        throw Error({.what = fmt::format("unknown mode '{}'", mode), .fix = "linear and circular exist"});
    give(c, 0, c.dtype(0), past);
}

void reference(const Call& call) {
    const View &update = call.in[1], &y = call.out[0];
    copy_view(call.in[0], y);
    const int axis = sequence_axis(call.attributes(), y.rank());
    const bool circular = call.attributes().text("mode", "linear") == "circular";
    for (int i = 0; i < y.rank(); ++i) require_at_run(i == axis ? update.shape[i] <= y.shape[i] : update.shape[i] == y.shape[i], "the update does not fit the cache");
    require_at_run(!call.has(2) || call.in[2].shape == Dims{y.shape[0]}, "write_indices does not fit the batch");
    const std::int64_t n = y.shape[axis], count = update.shape[axis];
    for (std::int64_t b = 0; b < y.shape[0] && call.has(2) && !circular; ++b)
        if (const std::int64_t start = call.in[2].get_int({b}); start < 0 || start > n - count)
            throw Error({.what = fmt::format("{} elements from {} on in a cache of {}", count, start, n), .fix = "use mode 'circular', or a longer cache"});
    if (update.count() == 0) return;
    for (const Dims& i : indices(update.shape)) {
        Dims to = i;
        const std::int64_t start = call.has(2) ? call.in[2].get_int({i[0]}) % n : 0;  // linear: within [0, n) but for count = 0
        to[axis] = ((start < 0 ? start + n : start) + i[axis]) % n;
        std::memcpy(y.address(to), update.address(i), y.element_bytes());
    }
}

const RegisteredOp tensor_scatter{{.name = "TensorScatter", .versions = {{24}}, .inputs = {2, 3}, .attributes = {{"axis", AttributeKind::integer}, {"mode", AttributeKind::text}},
                                   .infer = infer, .reference = reference}};

}  // namespace
}  // namespace tercet
