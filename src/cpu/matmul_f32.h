// SPDX-License-Identifier: Apache-2.0
// What the tactics for products with a constant right side share, f32: Gemm (A not transposed) and MatMul with a 2-D weight.
//   y[row][n] = bias[n] + sum over k of a[row][k] * w[k][n]
#pragma once

#include "cpu/panel_product.h"

namespace tercet {

Refusal refuse_matmul(const Step& step, const Isa& isa, bool reads_half = false);
PanelShape matmul_shape(const Step& step);
const Tensor* matmul_bias(const Step& step);  // null: none
Tensor pack_matmul(const Step& step, const Variant& variant);
std::int64_t packed_matmul_count(const Step& step, const Variant& variant);
Numerics matmul_numerics(const Step& step);

}  // namespace tercet
