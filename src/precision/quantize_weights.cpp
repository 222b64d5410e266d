// SPDX-License-Identifier: Apache-2.0
#include "precision/quantize_weights.h"

#include "tercet/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cfloat>
#include <cmath>

namespace tercet {

QuantizedWeights quantize_weights(const Tensor& w, std::optional<int> channels) {
    const Dims& shape = w.shape();
    const std::int64_t count = channels ? shape[*channels] : 1, inner = channels ? count_of(shape.part(*channels + 1)) : std::max<std::int64_t>(w.count(), 1);
    const auto channel = [&](std::int64_t i) { return i / inner % std::max<std::int64_t>(count, 1); };
    std::vector<double> most(static_cast<std::size_t>(count));
    const View x = w.view();
    for (std::int64_t i = 0; i < w.count(); ++i) {
        const double v = x.get_at(i);
        if (!std::isfinite(v))
            throw Error({.what = fmt::format("element {} of the weights is {}", i, v), .fix = "train or export the model again; INT8 needs finite weights"});
        double& m = most[static_cast<std::size_t>(channel(i))];
        m = std::max(m, std::fabs(v));
    }
    std::vector<float> scales;
    for (double m : most) scales.push_back(m == 0 ? 1.0f : std::max(static_cast<float>(m / 127), FLT_MIN));
    std::vector<std::int8_t> q(static_cast<std::size_t>(w.count()));
    for (std::int64_t i = 0; i < w.count(); ++i) {
        const float steps = static_cast<float>(x.get_at(i)) / scales[static_cast<std::size_t>(channel(i))];
        q[static_cast<std::size_t>(i)] = static_cast<std::int8_t>(std::clamp(std::nearbyint(steps), -127.0f, 127.0f));
    }
    return {Tensor::of<std::int8_t>(DType::i8, shape, q), Tensor::of<float>(DType::f32, channels ? Dims{count} : Dims{}, scales)};
}

}  // namespace tercet
