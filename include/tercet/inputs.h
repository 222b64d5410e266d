// SPDX-License-Identifier: Apache-2.0
/// @file
/// Inputs for an engine, from files or made up, and figures of what comes out.
#pragma once

#include "tercet/data.h"
#include "tercet/engine.h"

#include <cstdint>
#include <filesystem>
#include <span>

namespace [[gnu::visibility("default")]] tercet {

/// How pictures become this input: its size, layout and channels, as far as its shape tells them; pixels from 0 to 1. What
/// a shape cannot tell (mean, deviation, BGR) is left as it is in a Preprocess.
Preprocess preprocess_for(const TensorInfo& input);

/// The same where `asked` leaves it open: what `asked` says about layout, size and color is kept.
Preprocess preprocess_for(const TensorInfo& input, const Preprocess& asked);

/// Reads one input from a file: NPY, a TensorProto (.pb), or whatever load_samples reads. An array of the input's own type is
/// taken as it is; pictures are preprocessed. A batch axis of 1 is added or dropped where the input's rank asks for it. Error
/// if the file cannot be read; whether its shape fits is for Context::run to say.
Array load_input(const std::filesystem::path& file, const TensorInfo& input, const Preprocess& preprocess);

/// Random elements, the same for the same arguments: floats from 0 to 1, integers and booleans 0 or 1 (so that they are
/// valid as indices, too). Error if the shape is too large.
Array random_array(DType dtype, std::span<const std::int64_t> shape, std::uint64_t seed);

/// Of all elements that are numbers (infinities count as such).
struct Statistics {
    std::int64_t count = 0, nans = 0;
    double min = 0, max = 0, mean = 0;  ///< NaN if there are none
};

/// Figures of a dense tensor's elements.
Statistics statistics_of(DType dtype, std::span<const std::int64_t> shape, const void* data);

}  // namespace tercet
