// SPDX-License-Identifier: Apache-2.0
// What matrix products share, whatever they are computed in.
#pragma once

#include "ops/op.h"

namespace tercet {

/// The shape of the product of two inputs, as numpy's matmul. Error if they do not fit.
Shape matmul_shape(const Inference& c, std::size_t left, std::size_t right);

/// Operands and product as stacks of matrices of equal leading axes: a [..., M, K], b [..., K, N], y [..., M, N]; a vector is
/// one row or one column. Error if extents that were symbols do not fit.
struct Matrices {
    Matrices(const View& left, const View& right, const View& out);
    View a, b, y;
};

}  // namespace tercet
