// SPDX-License-Identifier: Apache-2.0
// TensorRT's calibration cache, a text file; docs/calibration-cache.md describes it.
#pragma once

#include "tercet/calibrate.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tercet {

/// Whether the text begins as a cache does: "TRT-" and a number.
bool is_calibration_cache(std::string_view text) noexcept;

/// Error that names the line if it is no cache. Names may hold ": ".
Calibration parse_calibration_cache(std::string_view text);

/// Error if a name holds a line break.
std::string print_calibration_cache(const Calibration& calibration);

/// How a cache and a model's tensors fit together.
struct CacheOverlap {
    int matched = 0;                     // of the model's tensors
    std::vector<std::string> missing{};  // tensors without a scale, in the model's order
    std::vector<std::string> unknown{};  // names that the model does not have, without those that TensorRT made up
    bool of_another_model = false;       // neither most of the model's tensors nor most of the cache's names match
};
CacheOverlap overlap_of(const Scales& cache, std::span<const std::string> tensors);

/// Error "another model's cache" that says how little matches.
void require_overlap(const CacheOverlap& overlap);

}  // namespace tercet
