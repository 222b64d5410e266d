// SPDX-License-Identifier: Apache-2.0
// The loops of an element-wise step. Inputs are broadcast; neighbouring dimensions along which all of them lie densely, or
// not at all, are joined, so that most cases become one long row.
#pragma once

#include "target/tactic.h"

#include <vector>

namespace tercet {

struct BroadcastLoops {
    Dims shape{};               // outer dimensions, then the row; at least one
    std::vector<Dims> strides;  // of each input, in elements; along the row 1, or 0 where one element serves all of it

    /// Inputs that are left out have strides of 0.
    static BroadcastLoops of(const Step& step);

    /// Where input i's elements for the `index`th combination of the first `dims` dimensions start.
    std::int64_t offset(std::size_t i, std::int64_t index, int dims) const noexcept {
        std::int64_t o = 0;
        for (int d = dims - 1; d >= 0; --d) {
            o += index % shape[d] * strides[i][d];
            index /= shape[d];
        }
        return o;
    }
};

}  // namespace tercet
