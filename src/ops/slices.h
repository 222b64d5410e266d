// SPDX-License-Identifier: Apache-2.0
// A value seen as slices along an operator's `axis`, or, without that attribute, as one line of elements (Compress, Unique).
#pragma once

#include "ops/op.h"

namespace tercet {

/// x as [before, n, block]: slice i is x[:, i, :].
struct Slices {
    std::int64_t before = 1, n = 0, block = 1;
    Slices(const Attributes& a, const Dims& x) {
        if (!a.has("axis")) {
            n = count_of(x);
            return;
        }
        const int axis = checked_axis(a.integer("axis", 0), x.size());
        before = count_of(x.part(0, axis));
        n = x[axis];
        block = count_of(x.part(axis + 1));
    }
};

}  // namespace tercet
