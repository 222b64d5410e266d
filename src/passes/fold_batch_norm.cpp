// SPDX-License-Identifier: Apache-2.0
// Conv, Gemm or MatMul -> BatchNormalization  =>  the product alone
//     s = gamma / sqrt(var + eps),   w'[m] = w[m]*s[m],   b'[m] = (b[m] - mean[m])*s[m] + beta[m]
// Any other BatchNormalization of constants becomes Mul and Add per channel, which then fuse with their neighbours.
#include "passes/affine.h"
#include "passes/passes.h"
#include "passes/rewrite.h"

namespace tercet {
namespace {

bool fold(Graph& g, NodeId norm, const ChannelAffine& affine) {
    const ValueId sums = g.input(norm, 0);
    const NodeId product = g.producer(sums);
    if (product == NodeId::none || g.uses(sums) > 1 || g.output(product) != sums) return false;  // another reader wants the raw sums
    if (column_axis(g, product) != 1 && g.node(norm).attributes.text("layout", "NCHW") != "NHWC") return false;
    if (!fold_into_product(g, product, affine)) return false;
    g.add_layers(product, g.layers(norm));
    g.replace(g.output(norm), sums);
    g.remove(norm);
    return true;
}

bool to_arithmetic(Graph& g, NodeId norm, const ChannelAffine& affine, int axis) {
    const ValueId x = g.input(norm, 0), y = g.output(norm);
    const Type type = g.value(x).type;
    if (type.dtype != DType::f32 && type.dtype != DType::f64) return false;  // rounded between the two, f16 would lose digits
    Dims shape{static_cast<std::int64_t>(affine.scale.size())};
    for (std::size_t i = static_cast<std::size_t>(axis) + 1; i < type.shape.size(); ++i) shape.push_back(1);
    const auto scale = vector_of(type.dtype, affine.scale), shift = vector_of(type.dtype, affine.shift);
    if (!scale || !shift) return false;
    const std::string name = g.value(y).name;
    const ValueId s = g.add_constant(name + "_scale", scale->reshaped(shape));
    const ValueId t = g.add_constant(name + "_shift", shift->reshaped(shape));
    const ValueId product = emit(g, {.op = "Mul", .inputs = {x, s}, .outputs = {}, .layers = g.layers(norm)}, name + "_scaled", norm);
    const ValueId sum = emit(g, {.op = "Add", .inputs = {product, t}, .outputs = {}, .name = g.node(norm).name,
                                 .layers = g.layers(norm)}, name, norm);
    supersede(g, y, sum);
    return true;
}

}  // namespace

int fold_batch_norm(Graph& g, int limit) {
    int folded = 0;
    for (NodeId norm : g.nodes("BatchNormalization")) {
        if (folded == limit) break;
        const auto rank = static_cast<int>(g.value(g.input(norm, 0)).type.shape.size());
        const int axis = g.node(norm).attributes.text("layout", "NCHW") == "NHWC" ? rank - 1 : 1;
        if (rank < 2) continue;
        const auto affine = affine_of(g, norm, g.input(norm, 0), axis);
        if (affine) folded += fold(g, norm, *affine) || to_arithmetic(g, norm, *affine, axis);
    }
    return folded;
}

}  // namespace tercet
