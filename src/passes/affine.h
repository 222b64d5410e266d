// SPDX-License-Identifier: Apache-2.0
// y = scale[c]*x + shift[c], c the index along one axis: what a normalization, or arithmetic with constants, does to a value;
// and how it disappears in the weights and bias of the convolution or matrix product before it.
#pragma once

#include "graph/graph.h"

#include <optional>
#include <vector>

namespace tercet {

struct ChannelAffine {
    std::vector<double> scale, shift;  // one each per channel

    static ChannelAffine identity(std::int64_t channels);
    bool scales() const;  // a scale is not 1
    bool shifts() const;  // a shift is not 0
    /// This, then `next`.
    ChannelAffine then(const ChannelAffine& next) const;
};

/// The elements of a constant along `axis` of a value of that rank with `channels` there, to which it is broadcast; empty if
/// it varies along another axis.
std::optional<std::vector<double>> per_channel(const Tensor& t, int rank, int axis, std::int64_t channels);

/// What node `id` does to its input `x` along `axis`, where that is known: Mul, Div, Add, Sub, Neg, BatchNormalization.
std::optional<ChannelAffine> affine_of(const Graph& g, NodeId id, ValueId x, int axis);

/// The axis of the output of a Conv, Gemm or MatMul that is that of its weights' columns.
int column_axis(const Graph& g, NodeId product);

/// Makes a Conv, Gemm or MatMul with constant weights compute what comes out of `affine` behind it; the types stay. A MatMul
/// of two matrices becomes a Gemm where it needs a bias. False, and nothing is changed, if it cannot be done.
bool fold_into_product(Graph& g, NodeId product, const ChannelAffine& affine);

/// The elements times scale[index along `axis`], computed in double, each rounded once. Empty if one overflows.
std::optional<Tensor> scaled(const Tensor& t, int axis, const std::vector<double>& scale);

/// A constant of the values rounded to `dtype`. Empty if one overflows.
std::optional<Tensor> vector_of(DType dtype, const std::vector<double>& values);

}  // namespace tercet
