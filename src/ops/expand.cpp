// SPDX-License-Identifier: Apache-2.0
// Expand: y = x broadcast to `shape` (both ways: an extent of 1 there keeps x's). Tile: y[i] = x[i mod x's extents].
#include "ops/extents.h"
#include "ops/moves.h"
#include "ops/require.h"

#include <fmt/format.h>

#include <algorithm>

namespace tercet {
namespace {

void check_sizes(const std::vector<Dim>& dims, std::string_view what) {
    for (const Dim& d : dims)
        if (const auto n = d.constant(); n && *n < 0)
            throw Error({.what = fmt::format("{} in {} [{}]", *n, what, text_of(dims)), .fix = "none may be negative"});
    if (dims.size() > static_cast<std::size_t>(max_rank))
        throw Error({.what = fmt::format("unsupported: {} has {} elements, a rank of at most {} is supported", what, dims.size(), max_rank),
                     .fix = "reshape it in the export"});
}

void infer_expand(Inference& c) {
    const std::vector<Dim> target = sizes(c, 1, "the target shape");
    check_sizes(target, "the target shape");
    give(c, 0, c.dtype(0), broadcast(c.shape(0), target));
    if (c.unknowns.empty() && std::ranges::any_of(target, is_open)) c.examine_when_run();  // 5 expanded to ? is 5, or an error
    const auto content = small_content(c, 0);
    if (const auto same = c.uniform(0)) c.set_content(0, {*same});
    else if (content && content->size() == 1) c.set_content(0, *content);
    else note_content(c, 0, content);
}

void expand(const Call& call) {
    copy_view(checked_broadcast(call.in[0], call.out[0].shape, "the input"), call.out[0]);
}

void infer_tile(Inference& c) {
    const std::vector<Dim> repeats = sizes(c, 1, "the repeats", c.shape(0).size());
    check_sizes(repeats, "the repeats");
    if (repeats.size() != c.shape(0).size())
        throw Error({.what = fmt::format("{} repeats for [{}]", repeats.size(), text_of(c.shape(0))),
                     .fix = "there must be one per axis"});
    Shape y = c.shape(0);
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = y[i] * repeats[i];
    give(c, 0, c.dtype(0), y);

    const auto content = small_content(c, 0);
    const auto n = product(y).constant();
    if (!content || content->empty() || !n || *n > 64) return;
    std::vector<Dim> all;
    while (static_cast<std::int64_t>(all.size()) < *n) all.insert(all.end(), content->begin(), content->end());
    note_content(c, 0, std::move(all));
}

void tile(const Call& call) {
    const View &x = call.in[0], &y = call.out[0];
    if (x.count() == 0) return;
    Dims times = y.shape;
    for (int i = 0; i < times.size(); ++i) times[i] /= x.shape[i];
    for (const Dims& t : indices(times)) {
        View part = y;
        part.shape = x.shape;
        for (int i = 0; i < t.size(); ++i) part.data += t[i] * x.shape[i] * y.strides[i] * static_cast<std::int64_t>(y.element_bytes());
        copy_view(x, part);
    }
}

// Input 1 was the number of copies along one axis, input 2 that axis, both of the data's type.
void repeats_of_all_axes(Graph& g, NodeId id) {
    const auto element = [&](std::size_t i) {
        const Tensor* t = g.constant(id, i);
        if (!t || t->count() != 1)
            throw Error({.what = fmt::format("unsupported: {} (input {}) is no constant number", i == 1 ? "the number of tiles" : "the axis", i),
                         .fix = "export the model with operator set 6 or newer"});
        return t->get_int(0);
    };
    const auto rank = static_cast<int>(g.value(g.input(id, 0)).type.shape.size());
    const std::int64_t tiles = element(1);
    std::vector<std::int64_t> repeats(static_cast<std::size_t>(rank), 1);
    repeats[static_cast<std::size_t>(checked_axis(element(2), rank))] = tiles;
    g.set_input(id, 1, g.add_constant(fmt::format("{}_repeats", g.label(id)), Tensor::ints(repeats)));
    g.set_input(id, 2, ValueId::none);
}

const RegisteredOp expand_op{{.name = "Expand", .versions = {{8}, {13}}, .inputs = {2, 2}, .infer = infer_expand, .reference = expand}};
const RegisteredOp tile_op{{.name = "Tile", .versions = {{1}, {6, repeats_of_all_axes}, {13}}, .inputs = {2, 2},
                            .infer = infer_tile, .reference = tile}};

}  // namespace
}  // namespace tercet
