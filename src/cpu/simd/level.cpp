// SPDX-License-Identifier: Apache-2.0
#include "cpu/simd/parts.h"

namespace tercet::simd::TERCET_LEVEL {

// Behind a function, since constants of other files may not be filled yet when a registration runs.
const Level& level() noexcept {
    static const Level all{lanes, tiles, tile_count, maps, map_count, max_pool_row, sum_pool_row, depthwise_row, reductions};
    return all;
}

}  // namespace tercet::simd::TERCET_LEVEL
