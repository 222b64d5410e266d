// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tercet/compare.h"

#include <vector>

namespace tercet {

/// An engine to be measured, and where to put what is found.
struct ToMeasure {
    std::filesystem::path file;
    ComparedEngine* result = nullptr;
};

/// Measures engines in turns, round by round, forwards and backwards, so that what else the machine does falls on all of them. Speedups
/// are over the engine `reference`. One that cannot be measured is "failed".
void measure_speeds(const std::vector<ToMeasure>& engines, std::size_t reference, const CompareSettings& settings);

}  // namespace tercet
