// SPDX-License-Identifier: Apache-2.0
// Scaled dot-product attention, f32, a block of query rows at a time: their scores against all keys stay in the cache, the whole
// score matrix is never there (as Rabe and Staats, "Self-attention Does Not Need O(n^2) Memory", 2021; with whole rows, no running maximum is needed).
//
//   y[i] = sum over j of softmax over j (scale * q[i].k[j] + mask[i, j]) * v[j]        per batch and head
//
// Keys (transposed) and values are first packed into panels of `cols` columns, in the workspace; then units of query rows run.
#pragma once

#include "target/tactic.h"

namespace tercet {

struct AttentionShape {
    struct Operand {  // [batch, head, row, column] somewhere in memory, columns side by side; distances in floats
        std::int64_t batch = 0, head = 0, row = 0;
    };
    std::int64_t batches = 0, heads = 0, kv_heads = 0;
    std::int64_t queries = 0, keys = 0;        // rows
    std::int64_t depth = 0, columns = 0;       // of a query and key; of a value
    Operand q, k, v, y;
    float scale = 1;
    bool causal = false;                       // query i sees keys 0 to i
    enum class Mask { none, real, boolean } mask = Mask::none;
    Operand mask_at;                           // 0 where broadcast
};

/// Why the step is no attention that these tactics run; empty if it is.
Refusal refuse_attention(const Step& step);
AttentionShape attention_shape(const Step& step);

/// What a level brings: products of up to `rows` rows with one panel.
struct AttentionProducts {
    std::int64_t rows = 0, cols = 0;  // of the register tile
    /// out[r][0..cols) = q[r] . panel; rows of q at a distance of AttentionShape::q.row, of out at `keys` rounded up to whole panels.
    std::function<void(const float* q, std::int64_t rows, const float* panel, float* out)> scores;
    /// y[r][0..columns) = sum over j in [0, keys) of p[r][j] * panel[j], keys being a whole number of panels or all; rows of y at a distance of AttentionShape::y.row.
    std::function<void(const float* p, std::int64_t rows, std::int64_t keys, const float* panel, std::int64_t columns, float* y)> values;
};

/// Rows of scores with their stride, as `scores` writes and `values` reads them.
std::int64_t score_stride(const AttentionShape& shape, std::int64_t cols);

Kernel attention_kernel(const AttentionShape& shape, std::int64_t tiles_per_unit, AttentionProducts products, const Isa& isa);

}  // namespace tercet
