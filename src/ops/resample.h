// SPDX-License-Identifier: Apache-2.0
// Where an element of a resized axis comes from: the sampling positions and their weights that operator Resize defines.
#pragma once

#include "graph/attributes.h"
#include "tensor/dims.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tercet {

struct Call;

enum class Interpolation { nearest, linear, cubic };
enum class Coordinates { half_pixel, half_pixel_symmetric, pytorch_half_pixel, align_corners, asymmetric, tf_crop_and_resize, tf_half_pixel_for_nn };
enum class Nearest { round_prefer_floor, round_prefer_ceil, floor, ceil };

struct ResampleSettings {
    Interpolation mode = Interpolation::nearest;
    Coordinates coordinates = Coordinates::half_pixel;
    Nearest nearest = Nearest::round_prefer_floor;
    double cubic_a = -0.75;
    bool exclude_outside = false, antialias = false;

    /// From a Resize node; Error on a word it does not know. Never allocates otherwise.
    static ResampleSettings of(const Attributes&);
};

struct ResampleAxis {
    std::int64_t in = 1, out = 1;
    double scale = 1;            // out/in, or as the model gives it
    double exact_out = 1;        // in*scale before it is rounded to `out`
    double roi_begin = 0, roi_end = 1;

    /// The axis stays as it is: every element is taken over.
    bool is_identity(Coordinates) const;
    /// Position in the input of an element of the output.
    double origin(const ResampleSettings&, std::int64_t i) const;
};

/// What is known of every axis of x once a Resize node runs (resize.cpp): from the shapes, and the elements of the inputs
/// behind x.
std::array<ResampleAxis, max_rank> resample_axes(const Call&);

/// The weighted elements of one axis behind one output element: element(k) and weight(k) for k in [0, count).
class Samples {
public:
    Samples() = default;
    Samples(const ResampleSettings&, const ResampleAxis&, std::int64_t i);

    bool outside() const { return outside_; }  // tf_crop_and_resize: the extrapolation value stands here
    std::int64_t count() const { return count_; }
    std::int64_t element(std::int64_t k) const;
    double weight(std::int64_t k) const { return count_ == 1 ? 1 : raw_weight(k) / norm_; }

private:
    double raw_weight(std::int64_t k) const;

    Interpolation mode_ = Interpolation::nearest;
    double cubic_a_ = 0, stretch_ = 1, ratio_ = 0, norm_ = 1;
    bool exclude_outside_ = false, outside_ = false;
    std::int64_t base_ = 0, first_ = 0, count_ = 1, in_ = 1;
};

}  // namespace tercet
