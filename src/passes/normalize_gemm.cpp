// SPDX-License-Identifier: Apache-2.0
// Gemm in the form that kernels take: a not transposed, alpha = beta = 1, c a constant row or absent.
//     alpha goes into a constant b;  beta into a constant c;  a transposed a becomes a Transpose;
//     a single number c becomes a row;  any other c is added behind, where it can become the product's tail
#include "passes/affine.h"
#include "passes/passes.h"
#include "passes/rewrite.h"

namespace tercet {
namespace {

bool fold_alpha(Graph& g, NodeId id) {
    const double alpha = g.node(id).attributes.real("alpha", 1);
    const Tensor* b = g.constant(id, 1);
    if (alpha == 1 || !b || !is_float(b->dtype())) return false;
    const auto by = scaled(*b, 0, std::vector<double>(static_cast<std::size_t>(b->shape()[0]), alpha));
    if (!by) return false;
    g.set_input(id, 1, g.add_constant(g.value(g.input(id, 1)).name, *by));
    g.attributes(id).erase("alpha");
    return true;
}

bool fold_beta(Graph& g, NodeId id) {
    const double beta = g.node(id).attributes.real("beta", 1);
    const Tensor* c = g.constant(id, 2);
    if (beta == 1) return false;
    if (g.input(id, 2) != ValueId::none) {
        if (!c || !is_float(c->dtype())) return false;
        const Tensor flat = c->reshaped({1, c->count()});
        const auto by = scaled(flat, 0, {beta});
        if (!by) return false;
        g.set_input(id, 2, g.add_constant(g.value(g.input(id, 2)).name, by->reshaped(c->shape())));
    }
    g.attributes(id).erase("beta");
    return true;
}

bool transpose_a(Graph& g, NodeId id) {
    if (g.node(id).attributes.integer("transA", 0) == 0) return false;
    const ValueId a = g.input(id, 0);
    g.set_input(id, 0, emit(g, transpose_node(a, {1, 0}, g.layers(id)), g.value(a).name + "_transposed", id));
    g.attributes(id).erase("transA");
    return true;
}

// A row is the shape [n] or [1,n]; a single number is one where n is 1.
bool split_c(Graph& g, NodeId id) {
    const ValueId c = g.input(id, 2), y = g.output(id);
    if (c == ValueId::none || g.node(id).attributes.real("beta", 1) != 1 || g.node(id).attributes.has("tail")) return false;
    const Type type = g.value(y).type, c_type = g.value(c).type;
    if (!is_float(type.dtype)) return false;
    const auto n = type.shape[1].constant();
    if (const Tensor* t = g.constant(c); t && n) {
        if (!t->shape().empty() && t->shape().back() == *n && t->count() == *n) return false;
        if (t->count() == 1 && *n <= 1 << 20) {
            const auto row = vector_of(t->dtype(), std::vector<double>(static_cast<std::size_t>(*n), t->get(0)));
            if (row) g.set_input(id, 2, g.add_constant(g.value(c).name, *row));
            return row.has_value();
        }
    }
    if (broadcast(type.shape, c_type.shape) != type.shape) return false;
    Node product = g.node(id);
    product.inputs.resize(2);
    product.layers = g.layers(id);
    const std::string name = g.value(y).name;
    const NodeId by = emit_like(g, id, std::move(product), "_product");
    const ValueId sum = emit(g, {.op = "Add", .inputs = {g.output(by), c}, .outputs = {}, .layers = g.layers(id)}, name, id);
    supersede(g, y, sum);
    return true;
}

}  // namespace

int normalize_gemm(Graph& g, int limit) {
    int changed = 0;
    for (NodeId id : g.nodes("Gemm"))
        for (const auto step : {fold_alpha, fold_beta, transpose_a, split_c}) {
            if (changed == limit) return changed;
            if (g.is_alive(id)) changed += step(g, id);
        }
    return changed;
}

}  // namespace tercet
