// SPDX-License-Identifier: Apache-2.0
// The functions that processors have no instruction for, as one sequence of float operations each, every one of them rounded as
// IEEE 754 says: additions, multiplications, divisions and fused multiply-adds. Whoever computes them so gets these very bits,
// whatever the processor and the width of its vectors; the x86-64 code of src/cpu/x64/math_code.cpp does. They stay within 4 ulp of
// the true value (gelu within 1e-16 where that is more). What INT8 engines compute in f32 is defined by them.
#pragma once

namespace tercet::canonical {

float exp(float v, float greatest = 89.0f);    // e^min(v, greatest)
float expm1(float v, float greatest = 89.0f);
float sigmoid(float v);
float tanh(float v);
float erf(float v);
float gelu(float v);
float log(float v);
float mish(float v);
float softplus(float v);
float hard_sigmoid(float v, float slope, float offset);
float hard_swish(float v);
float softsign(float v);
float elu(float v, float slope);
float selu(float v, float slope, float factor);
float celu(float v, float slope);

}  // namespace tercet::canonical
