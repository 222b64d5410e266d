// SPDX-License-Identifier: Apache-2.0
#include "ops/resample.h"

#include "tercet/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace tercet {
namespace {

constexpr std::array<std::string_view, 3> modes{"nearest", "linear", "cubic"};
constexpr std::array<std::string_view, 7> coordinates_modes{"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners",
                                                            "asymmetric", "tf_crop_and_resize", "tf_half_pixel_for_nn"};
constexpr std::array<std::string_view, 4> nearest_modes{"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};

template <class Enum>
Enum word(const Attributes& a, std::string_view name, Enum missing, std::span<const std::string_view> words) {
    const std::string_view given = a.text(name, words[static_cast<std::size_t>(missing)]);
    const auto at = std::ranges::find(words, given);
    if (at == words.end())
        throw Error({.what = fmt::format("unsupported: {} = '{}'", name, given), .fix = fmt::format("it is one of {}", fmt::join(words, ", "))});
    return static_cast<Enum>(at - words.begin());
}

}  // namespace

ResampleSettings ResampleSettings::of(const Attributes& a) {
    return {.mode = word(a, "mode", Interpolation::nearest, modes),
            .coordinates = word(a, "coordinate_transformation_mode", Coordinates::half_pixel, coordinates_modes),
            .nearest = word(a, "nearest_mode", Nearest::round_prefer_floor, nearest_modes),
            .cubic_a = a.real("cubic_coeff_a", -0.75f),
            .exclude_outside = a.integer("exclude_outside", 0) != 0,
            .antialias = a.integer("antialias", 0) != 0};
}

bool ResampleAxis::is_identity(Coordinates c) const {
    return in == out && scale == 1 && (c != Coordinates::tf_crop_and_resize || (roi_begin == 0 && roi_end == 1));
}

double ResampleAxis::origin(const ResampleSettings& s, std::int64_t i) const {
    const double x = static_cast<double>(i), last = static_cast<double>(in - 1);
    // With a scale that follows from sizes, x/scale is x*in/out: an exact integer where it should be one.
    const bool whole = exact_out == static_cast<double>(out);
    const auto unscaled = [&](double v) { return whole ? v * static_cast<double>(in) / exact_out : v / scale; };
    switch (s.coordinates) {
        case Coordinates::half_pixel: return unscaled(x + 0.5) - 0.5;
        case Coordinates::half_pixel_symmetric:
            return static_cast<double>(in) / 2 * (1 - static_cast<double>(out) / exact_out) + unscaled(x + 0.5) - 0.5;
        case Coordinates::pytorch_half_pixel: return out > 1 ? unscaled(x + 0.5) - 0.5 : 0;
        case Coordinates::align_corners: return exact_out == 1 ? 0 : x * last / (exact_out - 1);
        case Coordinates::asymmetric: return unscaled(x);
        case Coordinates::tf_half_pixel_for_nn: return unscaled(x + 0.5);
        case Coordinates::tf_crop_and_resize:
            return exact_out == 1 ? (roi_begin + roi_end) / 2 * last : roi_begin * last + x * (roi_end - roi_begin) * last / (exact_out - 1);
    }
    return x;
}

Samples::Samples(const ResampleSettings& s, const ResampleAxis& axis, std::int64_t i)
    : mode_(s.mode), cubic_a_(s.cubic_a), exclude_outside_(s.exclude_outside), in_(axis.in) {
    if (axis.is_identity(s.coordinates)) {
        mode_ = Interpolation::nearest;
        base_ = i;
        return;
    }
    // Rois, scales and tiny extents can ask for any position. Far outside, all of them read the edge.
    const double x = axis.origin(s, i), limit = 4 * static_cast<double>(axis.in) + 16;
    const double at = std::isnan(x) ? 0 : std::clamp(x, -limit, limit);
    outside_ = s.coordinates == Coordinates::tf_crop_and_resize && !(x >= 0 && x <= static_cast<double>(axis.in - 1));
    if (s.mode == Interpolation::nearest) {
        // Rounded to float first: a scale of 0.6f means 3/0.6 = 5, not 4.9999998.
        const double near = static_cast<float>(at);
        switch (s.nearest) {
            case Nearest::round_prefer_floor: base_ = static_cast<std::int64_t>(std::ceil(near - 0.5)); break;
            case Nearest::round_prefer_ceil: base_ = static_cast<std::int64_t>(std::floor(near + 0.5)); break;
            case Nearest::floor: base_ = static_cast<std::int64_t>(std::floor(near)); break;
            case Nearest::ceil: base_ = static_cast<std::int64_t>(std::ceil(near)); break;
        }
        return;
    }
    // The window lies around (base, base + 1]; an antialiasing filter is as much wider as the output is smaller.
    const double radius = s.mode == Interpolation::linear ? 1 : 2;
    stretch_ = s.antialias ? std::clamp(axis.scale, 0.5 / static_cast<double>(std::max<std::int64_t>(axis.in, 1)), 1.0) : 1;
    base_ = static_cast<std::int64_t>(std::ceil(at)) - 1;
    ratio_ = at - static_cast<double>(base_);
    first_ = static_cast<std::int64_t>(std::floor(-radius / stretch_)) + 1;
    count_ = 2 - 2 * first_;
    if (!s.antialias && !s.exclude_outside) return;
    double sum = 0;
    for (std::int64_t k = 0; k < count_; ++k) sum += raw_weight(k);
    norm_ = sum != 0 ? sum : 1;
}

std::int64_t Samples::element(std::int64_t k) const { return std::clamp<std::int64_t>(base_ + first_ + k, 0, in_ - 1); }

double Samples::raw_weight(std::int64_t k) const {
    const std::int64_t at = base_ + first_ + k;
    if (exclude_outside_ && (at < 0 || at >= in_)) return 0;
    const double d = std::fabs((static_cast<double>(first_ + k) - ratio_) * stretch_), a = cubic_a_;
    if (mode_ == Interpolation::linear) return std::max(1 - d, 0.0);
    if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
    return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

}  // namespace tercet
