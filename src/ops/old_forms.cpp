// SPDX-License-Identifier: Apache-2.0
#include "ops/old_forms.h"

#include "ops/require.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace tercet {

std::optional<std::int64_t> take_integer(Graph& g, NodeId id, std::string_view attribute) {
    const Attribute* given = g.node(id).attributes.find(attribute);
    if (!given) return std::nullopt;
    const auto* value = std::get_if<std::int64_t>(given);
    if (!value)
        throw Error({.what = fmt::format("attribute '{}' is of the wrong kind", attribute), .fix = "check the model with onnx.checker"});
    const std::int64_t taken = *value;
    g.attributes(id).erase(attribute);
    return taken;
}

void drop_consumed_inputs(Graph& g, NodeId id) { g.attributes(id).erase("consumed_inputs"); }

void whole_power(Graph& g, NodeId id) {
    const Attribute* given = g.node(id).attributes.find("p");
    const float* p = given ? std::get_if<float>(given) : nullptr;
    if (!p) return;
    if (!(*p >= 1 && *p <= 1024) || *p != std::floor(*p))
        throw Error({.what = fmt::format("unsupported: the p-norm of p = {}", *p), .fix = "p must be a whole number from 1 on"});
    g.attributes(id).set("p", static_cast<std::int64_t>(*p));
}

void append_axes(Graph& g, NodeId id, std::size_t i, int count) {
    if (count <= 0) return;
    const ValueId v = g.input(id, i);
    const Shape& shape = g.value(v).type.shape;
    const auto rank = static_cast<int>(shape.size());
    if (rank + count > max_rank)
        throw Error({.what = fmt::format("unsupported: input {} would have rank {}", i, rank + count), .fix = "reshape it in the export"});
    if (const Tensor* t = g.constant(v)) {
        Dims longer = t->shape();
        for (int k = 0; k < count; ++k) longer.push_back(1);
        return g.set_input(id, i, g.add_constant(g.value(v).name, t->reshaped(longer)));
    }
    std::vector<std::int64_t> axes;
    for (int k = 0; k < count; ++k) axes.push_back(rank + k);
    const ValueId added = g.add_constant(fmt::format("{}_axes", g.label(id)), Tensor::ints(axes));
    g.set_input(id, i, emit(g, {.op = "Unsqueeze", .inputs = {v, added}, .layers = g.layers(id)}, g.value(v).name, id));
}

void align_second_input(Graph& g, NodeId id) {
    const bool broadcasts = take_integer(g, id, "broadcast").value_or(0) != 0;
    const auto axis = take_integer(g, id, "axis");
    if (g.input(id, 1) == ValueId::none) return;  // the schema's check says so
    const Shape &a = g.value(g.input(id, 0)).type.shape, &b = g.value(g.input(id, 1)).type.shape;
    const auto misfit = [&](std::string_view fix) {
        return Error({.what = fmt::format("inputs of the shapes [{}] and [{}]", text_of(a), text_of(b)), .fix = std::string(fix)});
    };
    if (!broadcasts) {
        if (!std::ranges::equal(a, b, may_equal)) throw misfit("before operator set 7 they must be equal unless broadcast = 1");
        return;
    }
    const auto a_rank = static_cast<std::int64_t>(a.size()), b_rank = static_cast<std::int64_t>(b.size());
    if (b_rank > a_rank) throw misfit("before operator set 7 only the second one is broadcast");
    if (!axis || std::ranges::all_of(b, [](const Dim& d) { return d == Dim(1); })) return;
    const std::int64_t first = *axis < 0 && *axis >= -a_rank ? *axis + a_rank : *axis;
    if (first < 0 || first > a_rank - b_rank) throw misfit(fmt::format("the second does not fit the first from axis {} on", *axis));
    append_axes(g, id, 1, static_cast<int>(a_rank - b_rank - first));
}

}  // namespace tercet
