// SPDX-License-Identifier: Apache-2.0
// What rewrites share: putting a new value in an old one's place, and questions about nodes that several passes ask.
#pragma once

#include "ops/op.h"

#include <initializer_list>
#include <optional>
#include <vector>

namespace tercet {

/// A pass that looks at each node once: rewrite(g, id) says whether it changed something, at most `limit` times in all.
template <class Rewrite>
int rewrite_each(Graph& g, int limit, Rewrite rewrite) {
    int made = 0;
    for (NodeId id : std::vector(g.order())) {
        if (made == limit) break;
        made += rewrite(g, id);
    }
    return made;
}

/// Every reader of `old` reads `by` instead, a value made for this purpose, which takes over the name, too. The producer of
/// `old` goes if nothing else of it is read. The types are equal.
void supersede(Graph& g, ValueId old, ValueId by);

/// Adds `node` before node `like`, with a fresh output for every output of `like` (none where that has none), named after it
/// with `suffix`; types follow.
NodeId emit_like(Graph& g, NodeId like, Node node, std::string_view suffix);

/// The labels of all layers that these nodes compute.
std::vector<std::string> layers_of(const Graph& g, std::initializer_list<NodeId> nodes);

/// A constant i64 list.
ValueId add_ints(Graph& g, std::string_view name, std::span<const std::int64_t> values);

/// The elements of a constant integer input.
std::optional<std::vector<std::int64_t>> constant_ints(const Graph& g, NodeId id, std::size_t input);

/// Reshape's target that makes `to` of `from`: integers, 0 for a symbolic extent that stays in its place, -1 for one other.
/// Empty if it takes more than that.
std::optional<std::vector<std::int64_t>> reshape_target(const Shape& from, const Shape& to);

/// Whether the product of the extents is 1, whatever the symbols are.
bool is_single(const Type& t);

/// Whether all of the node's inputs and outputs that are there are f32.
bool is_f32(const Graph& g, NodeId id);

/// Axis k of a Transpose's output is axis transpose_order(...)[k] of its input.
Dims transpose_order(const Graph& g, NodeId transpose);
Dims inverse(const Dims& order);
/// Whether axes of extent 1 are all that such a Transpose moves, so that the elements stay in their order.
bool moves_only_ones(const Shape& x, const Dims& order);
Tensor transposed(const Tensor& t, const Dims& order);

/// The node Transpose(x) with that order, at work for `layers`.
Node transpose_node(ValueId x, const Dims& order, std::vector<std::string> layers);

/// The orders that move the channels: [N, spatial..., C] -> [N, C, spatial...], and back.
Dims to_channels_first_order(int rank);
Dims to_channels_last_order(int rank);

}  // namespace tercet
