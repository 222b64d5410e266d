// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace tercet {

/// How far something that takes long has come.
struct Progress {
    std::string what;  // "tuning"
    std::int64_t done = 0, total = 0;
};

}  // namespace tercet
