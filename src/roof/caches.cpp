// SPDX-License-Identifier: Apache-2.0
#include "roof/caches.h"

#include <fmt/format.h>

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

namespace tercet {
namespace {

std::string line_of(const std::filesystem::path& file) {
    std::string line;
    std::ifstream in(file);
    std::getline(in, line);
    return line;
}

// "48K", "2M", "123"; 0 if it is none of these.
std::int64_t size_of(const std::string& text) {
    std::istringstream in(text);
    std::int64_t n = 0;
    char unit = ' ';
    if (!(in >> n) || n < 0 || n > std::int64_t{1} << 32) return 0;
    in >> unit;
    return unit == 'K' ? n << 10 : unit == 'M' ? n << 20 : n;
}

// How many processors "0-3,8" names; 1 if it names none.
int processors_in(const std::string& list) {
    std::istringstream ranges(list);
    int n = 0;
    for (std::string range; std::getline(ranges, range, ',');) {
        std::istringstream in(range);
        int first = 0, last = 0;
        if (!(in >> first)) continue;
        last = in.get() == '-' && in >> last ? last : first;
        n += std::max(0, last - first) + 1;
    }
    return std::max(1, n);
}

std::vector<Cache> sysconf_caches() {
    std::vector<Cache> all;
#if defined(_SC_LEVEL1_DCACHE_SIZE)
    constexpr int names[] = {_SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE};
    for (int i = 0; i < 3; ++i)
        if (const long bytes = sysconf(names[i]); bytes > 0) all.push_back({i + 1, bytes, i < 2 ? 1 : static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN))});
#endif
    return all;
}

}  // namespace

std::vector<Cache> caches_in(const std::filesystem::path& folder) {
    std::vector<Cache> all;
    for (int i = 0; std::filesystem::exists(folder / fmt::format("index{}", i)); ++i) {
        const auto index = folder / fmt::format("index{}", i);
        const Cache c{static_cast<int>(size_of(line_of(index / "level"))), size_of(line_of(index / "size")), processors_in(line_of(index / "shared_cpu_list"))};
        if (line_of(index / "type") != "Instruction" && c.level > 0 && c.bytes > 0) all.push_back(c);
    }
    std::ranges::stable_sort(all, {}, &Cache::level);
    const auto repeated = std::ranges::unique(all, {}, &Cache::level);
    all.erase(repeated.begin(), repeated.end());
    return all;
}

std::vector<Cache> caches_of_this_processor() {
    std::vector<Cache> all = caches_in(fmt::format("/sys/devices/system/cpu/cpu{}/cache", std::max(0, sched_getcpu())));
    if (all.empty()) all = sysconf_caches();
    if (all.empty()) all = {{1, 32 << 10, 1}, {2, 512 << 10, 1}};
    return all;
}

}  // namespace tercet
