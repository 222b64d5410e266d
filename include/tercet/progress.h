// SPDX-License-Identifier: Apache-2.0
/// @file
/// How far a long call has come.
#pragma once

#include <cstdint>
#include <string>

namespace [[gnu::visibility("default")]] tercet {

/// How far something that takes long has come.
struct Progress {
    std::string what;  ///< "tuning"
    std::int64_t done = 0, total = 0;
};

}  // namespace tercet
