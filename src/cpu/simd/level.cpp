// SPDX-License-Identifier: Apache-2.0
#include "cpu/simd/parts.h"

namespace tercet::simd::TERCET_LEVEL {

// Behind a function, since constants of other files may not be filled yet when a registration runs. It is asked for the
// level's tiles by processors that lack the level, too: when an engine for another one is built, or opened and refused.
#if defined(__x86_64__)
[[gnu::target("no-sse3")]]
#endif
const Level& level() noexcept {
    static const Level all{lanes,          tiles,        tile_count,      maps,           map_count,      max_pool_row,    sum_pool_row, depthwise_row, reductions,
                           column_reductions, arg_reductions, softmax_rows, softmax_columns, scaled_softmax, normalizations, transpose_words, blends, winograd};
    return all;
}

}  // namespace tercet::simd::TERCET_LEVEL
