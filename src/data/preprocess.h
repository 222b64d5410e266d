// SPDX-License-Identifier: Apache-2.0
// A picture becomes a model's input.
#pragma once

#include "tensor/tensor.h"
#include "tercet/data.h"

namespace tercet {

/// Error if the settings contradict each other or are out of range, whatever the picture.
void check(const Preprocess& p);

/// Shape of the result for a picture [H, W, C] with C of 1 or 3. Error if `p` does not fit the picture.
Dims preprocessed_shape(const Preprocess& p, const Dims& picture);

/// Writes the result for a picture (u8 or f32, dense [H, W, C]) to `out`, which holds preprocessed_shape in p.dtype.
/// Gray is 0.299 R + 0.587 G + 0.114 B. Everything is computed in float; u8 results are rounded, half to even, and clamped.
void preprocess(const Preprocess& p, const Tensor& picture, std::byte* out);

/// y = (x*scale - mean) / deviation for `count` floats that are no picture. Error if mean or deviation are per channel.
void preprocess_vector(const Preprocess& p, const float* x, std::int64_t count, float* y);

}  // namespace tercet
