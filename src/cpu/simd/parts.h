// SPDX-License-Identifier: Apache-2.0
// What this folder's files give each other, per level.
#pragma once

#include "cpu/simd/vector.h"

namespace tercet::simd::TERCET_LEVEL {

extern const TileShape* const tiles;
extern const int tile_count;
extern const MapEntry* const maps;
extern const int map_count;
extern const PoolRow max_pool_row, sum_pool_row;
extern const DepthwiseRow depthwise_row;
extern const Reductions reductions;
extern const ColumnReductions column_reductions;
extern const ArgReductions arg_reductions;
extern const SoftmaxRows softmax_rows;
extern const SoftmaxColumns softmax_columns;
extern const ScaledSoftmax scaled_softmax;
extern const Normalizations normalizations;
extern const Transpose transpose_words;
extern const Blends blends;
extern const Winograd* const winograd;

}  // namespace tercet::simd::TERCET_LEVEL
