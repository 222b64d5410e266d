// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensor/tensor.h"

#include <optional>

namespace tercet {

/// w = scale * q: symmetric, |q| <= 127, zero point 0.
struct QuantizedWeights {
    Tensor values;  // i8, of the weights' shape
    Tensor scales;  // f32 [channels], or [] for all of them
};

/// scale = greatest |w| of the channel / 127, q = w / scale rounded half to even. A channel of zeros has scale 1. `channels` is
/// the axis that has a scale per index; without one there is one scale. Error if the weights hold NaN or infinity.
QuantizedWeights quantize_weights(const Tensor& weights, std::optional<int> channels);

}  // namespace tercet
