// SPDX-License-Identifier: Apache-2.0
// The data caches of one processor, as the system describes them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace tercet {

struct Cache {
    int level = 0;
    std::int64_t bytes = 0;
    int sharers = 1;  // processors that have it in common
    friend bool operator==(const Cache&, const Cache&) = default;
};

/// One per level, nearest first. `folder` is Linux's /sys/devices/system/cpu/cpu0/cache; empty if nothing is described there.
std::vector<Cache> caches_in(const std::filesystem::path& folder);

/// Those of the processor that the caller runs on; where the system does not tell, as sysconf knows them, else common sizes.
std::vector<Cache> caches_of_this_processor();

}  // namespace tercet
