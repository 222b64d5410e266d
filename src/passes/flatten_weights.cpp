// SPDX-License-Identifier: Apache-2.0
// The classifier behind a convolutional net flattens [N, C, spatial...]. Where the data lies channels last, the rows of its
// weights are put in another order instead of the data:
//     Gemm(Flatten(Transpose<NHWC to NCHW>(x)), w [C*S, n])  =>  Gemm(Flatten(x), w [S*C, n], rows in another order)
#include "passes/passes.h"
#include "passes/rewrite.h"

#include <algorithm>

namespace tercet {
namespace {

// Whether all that reads `v` multiplies it from the left with constant weights.
bool only_multiplied(const Graph& g, ValueId v) {
    return !g.is_output(v) && std::ranges::all_of(g.value(v).users, [&](NodeId user) {
        const bool product = (g.is(user, "Gemm") && g.node(user).attributes.integer("transA", 0) == 0) || g.is(user, "MatMul");
        const Tensor* w = product && g.input(user, 0) == v ? g.constant(user, 1) : nullptr;
        return w && w->shape().size() == 2 && computes(w->dtype()) && std::ranges::count(g.node(user).inputs, v) == 1;
    });
}

// Rows (columns, if `by_column`) that were counted along [C, spatial...] are counted along [spatial..., C].
Tensor reordered(const Tensor& w, const Dims& first, bool by_column) {
    Dims shape, order;
    if (by_column) shape.push_back(w.shape()[0]), order.push_back(0);
    const int at = shape.size();
    for (std::int64_t d : first) shape.push_back(d);
    for (int i = 1; i < first.size(); ++i) order.push_back(at + i);
    order.push_back(at);
    if (!by_column) order.push_back(shape.size()), shape.push_back(w.shape()[1]);
    return transposed(w.reshaped(shape), order).reshaped(w.shape());
}

bool rewrite(Graph& g, NodeId view) {
    if (!g.is(view, "Flatten") && !g.is(view, "Reshape")) return false;
    const NodeId transpose = g.producer(g.input(view, 0));
    if (!g.is(transpose, "Transpose")) return false;
    const ValueId x = g.input(transpose, 0), y = g.output(view);
    const Type from = g.value(g.input(view, 0)).type, to = g.value(y).type;
    const auto rank = static_cast<int>(from.shape.size());
    if (rank < 3 || transpose_order(g, transpose) != to_channels_first_order(rank)) return false;
    const auto elements = constant_shape(Shape(from.shape.begin() + 1, from.shape.end()));
    if (!elements || to.shape != Shape{from.shape[0], Dim(count_of(*elements))} || !only_multiplied(g, y)) return false;

    Node node = g.node(view);
    node.layers = g.layers(view);
    node.inputs[0] = x;
    const NodeId by = emit_like(g, view, std::move(node), "");
    if (g.value(g.output(by)).type != to) {
        g.remove(by);
        return false;
    }
    for (NodeId user : std::vector(g.value(y).users)) {
        const bool by_column = g.is(user, "Gemm") && g.node(user).attributes.integer("transB", 0) != 0;
        g.set_input(user, 1, g.add_constant(g.value(g.input(user, 1)).name, reordered(*g.constant(user, 1), *elements, by_column)));
    }
    supersede(g, y, g.output(by));
    return true;
}

}  // namespace

int flatten_weights(Graph& g, int limit) { return rewrite_each(g, limit, rewrite); }

}  // namespace tercet
