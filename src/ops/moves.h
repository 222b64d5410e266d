// SPDX-License-Identifier: Apache-2.0
// Moving elements of any type, unchanged.
#pragma once

#include "ops/op.h"

namespace tercet {

/// out[i] = in[i] over all indices of `out`; the shapes are equal, the strides need not be. Types of equal size.
void copy_view(const View& in, const View& out);

/// Reference of operators that only give a value another shape: output 0 gets input 0's elements in their order.
void copy_elements(const Call& call);

}  // namespace tercet
