// SPDX-License-Identifier: Apache-2.0
// All rewrites; see the head of each file for what it does, and pipeline.cpp for their order.
#pragma once

#include "passes/pass.h"

namespace tercet {

int constant_shapes(Graph&, int limit = no_limit);
int expand_qlinear(Graph&, int limit = no_limit);
int flatten_weights(Graph&, int limit = no_limit);
int fold_affine(Graph&, int limit = no_limit);
int fold_batch_norm(Graph&, int limit = no_limit);
int fold_constants(Graph&, int limit = no_limit);
int fold_input_affine(Graph&, int limit = no_limit);
int fold_selects(Graph&, int limit = no_limit);
int fuse_pointwise(Graph&, int limit = no_limit);
int fuse_tails(Graph&, int limit = no_limit);
int fuse_quantized(Graph&, int limit = no_limit);
int hoist_quantization(Graph&, int limit = no_limit);
int merge_duplicates(Graph&, int limit = no_limit);
int merge_projections(Graph&, int limit = no_limit);
int merge_views(Graph&, int limit = no_limit);
int normalize_gemm(Graph&, int limit = no_limit);
int recognize_attention(Graph&, int limit = no_limit);
int recognize_gelu(Graph&, int limit = no_limit);
int recognize_global_pool(Graph&, int limit = no_limit);
int recognize_normalization(Graph&, int limit = no_limit);
int remove_dead(Graph&, int limit = no_limit);
int remove_identities(Graph&, int limit = no_limit);
int select_before_transposes(Graph&, int limit = no_limit);
int simplify_transposes(Graph&, int limit = no_limit);
int sink_transposes(Graph&, int limit = no_limit);
int straighten_transposes(Graph&, int limit = no_limit);
int to_channels_last(Graph&, int limit = no_limit);
int to_pointwise(Graph&, int limit = no_limit);
int transposes_to_views(Graph&, int limit = no_limit);
int widen_halves(Graph&, int limit = no_limit);

}  // namespace tercet
