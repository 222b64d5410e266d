// SPDX-License-Identifier: Apache-2.0
// Quantized values: q stands for (q - zero_point) * scale. What the operators on them share.
#pragma once

#include "ops/op.h"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace tercet {

/// The element type is i8 or u8.
void require_bytes(const Inference& c, std::size_t i);
/// Input i is one number: of shape [] or [1].
void require_single(const Inference& c, std::size_t i, std::string_view what);
/// Input i is one number, or as many as `count`.
void require_single_or(const Inference& c, std::size_t i, const Dim& count, std::string_view what);

/// How many products of a byte and a signed one may be added: half of what 32 bits hold is left to the bias.
inline constexpr std::int64_t longest_sum_of_bytes = (std::int64_t{1} << 30) / (255 * 128);

/// The view, checked to have one element while the model runs.
const View& only_element(const View&);

/// Elements of a vector, or the only one for every index.
struct Spread {
    explicit Spread(const View& v) : view(v), step(v.count() == 1 ? 0 : v.strides[0]) {}
    double real(std::int64_t i) const { return view.get_at(i * step); }
    std::int64_t integer(std::int64_t i) const { return view.get_int_at(i * step); }

    View view;
    std::int64_t step;
};

/// Rounded half to even, moved by the zero point, saturated to `as`, an integer type of up to 16 bits. NaN becomes the zero point.
inline std::int64_t quantized(double x, std::int64_t zero_point, DType as) {
    const auto [low, high] = with_type(as, []<class T>(TypeTag<T>) {
        return std::pair(static_cast<double>(std::numeric_limits<T>::min()), static_cast<double>(std::numeric_limits<T>::max()));
    });
    const double rounded = x == x ? std::nearbyint(x) : 0;
    return static_cast<std::int64_t>(std::clamp(rounded + static_cast<double>(zero_point), low, high));
}

/// A sum of products of quantized values a and b as one of y: one multiplication in float, by a factor rounded once.
inline std::int64_t requantized(std::int64_t sum, double scale_a, double scale_b, double scale_y, std::int64_t zero_point, DType as) {
    const auto factor = static_cast<float>(scale_a * scale_b / scale_y);
    return quantized(static_cast<float>(sum) * factor, zero_point, as);
}

}  // namespace tercet
