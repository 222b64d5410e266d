// SPDX-License-Identifier: Apache-2.0
// Axes that a reduction takes together, and what remains.
#pragma once

#include "ops/op.h"

#include <bitset>

namespace tercet {

using AxisSet = std::bitset<max_rank>;

/// The shape that remains: extents of 1 where reduced, or without these axes.
Shape reduced_shape(const Shape& shape, const AxisSet& axes, bool keep_dims);

/// A view split in two, one over the axes that stay and one over the reduced ones, both starting at the same element: the
/// element at (kept, reduced) stands at kept.offset(i) + reduced.offset(j).
struct SplitView {
    View kept, reduced;
    SplitView(const View& v, const AxisSet& axes);
};

/// The output of a reduction without its extents of 1, fit to be indexed by what stays.
View kept_output(const View& y, const AxisSet& axes, bool keep_dims);

}  // namespace tercet
