// SPDX-License-Identifier: Apache-2.0
// The TensorRT families that engines are built for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tercet {

struct TensorRtTarget {
    std::string_view name;                  // "trt8x"
    std::string_view title;                 // "TensorRT 8.x"
    std::vector<std::string_view> modules;  // of Python; the first that is there and fits counts
    int first_major = 0, end_major = 0;     // versions [first, end)
    bool strongly_typed = false;            // takes precisions from the model alone, and no calibration cache
    bool needs_gpu = true;                  // to build
    std::string_view cache_format{};        // as calibration_cache_header reads it
    std::string_view how_to_get;            // what to type
    std::string_view tool = "trtexec";      // TensorRT's own program that builds
    std::string_view container{};           // an image that has it; empty: none is known
};

const std::vector<TensorRtTarget>& tensorrt_targets();

/// Error that lists the names if there is none.
const TensorRtTarget& tensorrt_target(std::string_view name);

/// Whether a Python module of a version ("10.13.0.35") is what the target needs.
bool is_of(const TensorRtTarget& target, std::string_view module, std::string_view version);

}  // namespace tercet
