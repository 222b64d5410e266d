// SPDX-License-Identifier: Apache-2.0
// ReduceMean, ReduceMax over all spatial axes of an image => GlobalAveragePool, GlobalMaxPool, which the pools' kernels take;
// without `keepdims` a Flatten follows. An image is what comes from a convolution or another operator on images, since a
// mean over the last axes of anything else has no kernel to go to.
#include "passes/passes.h"
#include "passes/rewrite.h"

#include <algorithm>

namespace tercet {
namespace {

enum class Layout { none, channels_first, channels_last };

// How the channels lie, told from the operator on images that the value comes from.
Layout layout_of(const Graph& g, ValueId v) {
    const std::size_t rank = g.value(v).type.shape.size();
    bool last = false;
    for (int steps = 0; steps < 16; ++steps) {
        const NodeId p = g.producer(v);
        if (p == NodeId::none) return Layout::none;
        const OpDef* def = find_op(g.node(p).op, g.node(p).domain);
        const ValueId from = g.input(p, 0);
        if (def && def->channels) {
            if (g.node(p).attributes.text("layout", "NCHW") == "NHWC") return last ? Layout::none : Layout::channels_last;
            return last ? Layout::channels_last : Layout::channels_first;
        }
        if (from == ValueId::none || g.value(from).type.shape.size() != rank) return Layout::none;
        if (g.is(p, "Transpose")) {
            if (last || transpose_order(g, p) != to_channels_last_order(static_cast<int>(rank))) return Layout::none;
            last = true;
        } else if (!g.is(p, "Concat") && g.value(from).type != g.value(v).type) {
            return Layout::none;
        }
        v = from;
    }
    return Layout::none;
}

bool rewrite(Graph& g, NodeId id) {
    const bool mean = g.is(id, "ReduceMean");
    if ((!mean && !g.is(id, "ReduceMax")) || g.node(id).attributes.has("tail")) return false;
    const ValueId x = g.input(id, 0), y = g.output(id);
    const auto rank = static_cast<int>(g.value(x).type.shape.size());
    const auto axes = constant_ints(g, id, 1);
    if (rank < 3 || !is_float(g.value(x).type.dtype) || !axes || static_cast<int>(axes->size()) != rank - 2) return false;
    std::vector<int> sorted;
    for (std::int64_t a : *axes) sorted.push_back(checked_axis(a, rank));
    std::ranges::sort(sorted);
    const Layout layout = layout_of(g, x);
    if (layout == Layout::none) return false;
    for (int i = 0; i < rank - 2; ++i)
        if (sorted[static_cast<std::size_t>(i)] != i + (layout == Layout::channels_first ? 2 : 1)) return false;
    const bool keep = g.node(id).attributes.integer("keepdims", 1) != 0;
    Node pool{.op = mean ? "GlobalAveragePool" : "GlobalMaxPool", .inputs = {x}, .outputs = {}, .name = g.node(id).name,
              .layers = g.layers(id)};
    if (layout == Layout::channels_last) pool.attributes.set("layout", std::string("NHWC"));
    const std::string name = g.value(y).name;
    ValueId by = emit(g, std::move(pool), keep ? name : name + "_pooled", id);
    if (!keep) by = emit(g, {.op = "Flatten", .inputs = {by}, .outputs = {}, .layers = g.layers(id)}, name, id);
    if (g.value(by).type != g.value(y).type) return false;  // two extents of the product are symbols: what was added is dead
    supersede(g, y, by);
    return true;
}

}  // namespace

int recognize_global_pool(Graph& g, int limit) { return rewrite_each(g, limit, rewrite); }

}  // namespace tercet
