// SPDX-License-Identifier: Apache-2.0
// Queries, keys and values of one attention that are products of one value with constant weights become one product, which
// reads that value once and is large enough to be fast:
//     Attention(MatMul(x, wq) + bq, MatMul(x, wk), MatMul(x, wv) + bv)  =>  q, k, v = Split(MatMul(x, [wq wk wv]) + [bq 0 bv])
#include "passes/passes.h"
#include "passes/rewrite.h"

#include "ops/moves.h"

#include <algorithm>
#include <array>

namespace tercet {
namespace {

// x*w + b that nobody reads but one node.
struct Projection {
    NodeId product = NodeId::none, sum = NodeId::none;  // none: no bias
    const Tensor *weights = nullptr, *bias = nullptr;
};

std::optional<Projection> projection(const Graph& g, ValueId v, NodeId attention) {
    Projection p{.product = g.producer(v)};
    if (g.only_user(v) != attention) return std::nullopt;
    if (g.is(p.product, "Add") && !g.node(p.product).attributes.has("tail")) {
        p.sum = p.product;
        const std::size_t constant = g.constant(p.sum, 0) ? 0 : 1;
        p.bias = g.constant(p.sum, constant);
        p.product = g.producer(g.input(p.sum, 1 - constant));
        if (!p.bias || g.only_user(g.input(p.sum, 1 - constant)) != p.sum) return std::nullopt;
    }
    if (!g.is(p.product, "MatMul") || g.node(p.product).attributes.has("tail")) return std::nullopt;
    p.weights = g.constant(p.product, 1);
    if (!p.weights || p.weights->shape().size() != 2) return std::nullopt;
    if (p.bias && (p.bias->shape().size() != 1 || p.bias->count() != p.weights->shape()[1])) return std::nullopt;
    return p;
}

bool rewrite(Graph& g, NodeId id) {
    if (!g.is(id, "Attention") || g.value(g.output(id)).type.shape.size() != 3) return false;
    std::array<Projection, 3> parts;
    for (std::size_t i = 0; i < 3; ++i) {
        const auto p = projection(g, g.input(id, i), id);
        if (!p || g.input(p->product, 0) != g.input(i == 0 ? p->product : parts[0].product, 0)) return false;
        parts[i] = *p;
        if (p->weights->dtype() != parts[0].weights->dtype() || p->weights->shape()[0] != parts[0].weights->shape()[0]) return false;
    }
    const ValueId x = g.input(parts[0].product, 0);
    const std::string name = g.value(g.input(id, 0)).name + "_qkv";
    const DType dtype = parts[0].weights->dtype();
    const std::int64_t rows = parts[0].weights->shape()[0];
    std::vector<std::int64_t> widths;
    std::int64_t columns = 0;
    for (const Projection& p : parts) widths.push_back(p.weights->shape()[1]), columns += widths.back();
    Tensor weights = Tensor::zeros(dtype, {rows, columns}), bias = Tensor::zeros(dtype, {columns});
    std::int64_t first = 0;
    for (std::size_t i = 0; i < 3; ++i) {
        const auto part = [&](Tensor& t, const Dims& shape, std::int64_t at) {
            View to = t.writable();
            to.data = to.address(at);
            to.shape = shape;
            return to;
        };
        copy_view(parts[i].weights->view(), part(weights, {rows, widths[i]}, first));
        if (parts[i].bias) copy_view(parts[i].bias->view(), part(bias, {widths[i]}, first));
        first += widths[i];
    }
    // Before the first of the three: other inputs of theirs are constants.
    const auto& order = g.order();
    const NodeId before = *std::ranges::find_if(order, [&](NodeId n) { return std::ranges::any_of(parts, [&](const Projection& p) { return p.product == n; }); });
    const auto layers = layers_of(g, {parts[0].product, parts[1].product, parts[2].product});
    ValueId all = emit(g, {.op = "MatMul", .inputs = {x, g.add_constant(name + "_weights", std::move(weights))}, .outputs = {}, .layers = layers}, name + "_product", before);
    if (std::ranges::any_of(parts, [](const Projection& p) { return p.bias != nullptr; }))
        all = emit(g, {.op = "Add", .inputs = {all, g.add_constant(name + "_bias", std::move(bias))}, .outputs = {}, .layers = layers}, name, before);
    const ValueId q = emit(g, {.op = "Split", .inputs = {all, add_ints(g, name + "_widths", widths)}, .outputs = {}, .attributes = {{"axis", std::int64_t{-1}}}, .layers = layers},
                           name + "_part", before, 3);
    const std::vector<ValueId> by = g.node(g.producer(q)).outputs;
    for (std::size_t i = 0; i < 3; ++i)
        if (g.value(by[i]).type != g.value(g.input(id, i)).type) return false;
    for (std::size_t i = 0; i < 3; ++i) supersede(g, g.input(id, i), by[i]);
    return true;
}

}  // namespace

int merge_projections(Graph& g, int limit) { return rewrite_each(g, limit, rewrite); }

}  // namespace tercet
