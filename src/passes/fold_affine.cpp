// SPDX-License-Identifier: Apache-2.0
// Conv, Gemm or MatMul -> Mul, Div, Add, Sub, Neg with constants, one per output channel or one for all  =>  the product alone
//     w'[m] = w[m]*s[m],   b'[m] = b[m]*s[m] + t[m]
// A MatMul of two matrices becomes a Gemm where it needs a bias; one of more axes only takes the scale.
#include "passes/affine.h"
#include "passes/passes.h"
#include "passes/rewrite.h"

namespace tercet {
namespace {

bool fold_next(Graph& g, NodeId product) {
    const ValueId sums = g.output(product);
    const NodeId user = g.only_user(sums);
    if (user == NodeId::none || g.is(user, "BatchNormalization")) return false;
    const auto affine = affine_of(g, user, sums, column_axis(g, product));
    if (!affine || !fold_into_product(g, product, *affine)) return false;
    g.add_layers(product, g.layers(user));
    g.replace(g.output(user), sums);
    g.remove(user);
    return true;
}

}  // namespace

int fold_affine(Graph& g, int limit) {
    int folded = 0;
    for (NodeId id : std::vector(g.order())) {
        if (!g.is_alive(id) || (!g.is(id, "Conv") && !g.is(id, "Gemm") && !g.is(id, "MatMul"))) continue;
        while (folded < limit && fold_next(g, id)) ++folded;
    }
    return folded;
}

}  // namespace tercet
