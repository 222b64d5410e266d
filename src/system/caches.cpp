// SPDX-License-Identifier: Apache-2.0
#include "system/caches.h"

#include <cstdint>
#include <fstream>
#include <string>

namespace tercet {

std::size_t cache_bytes(int level) {
    for (int index = 0; index < 8; ++index) {
        const std::string folder = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) + "/";
        int l = 0;
        std::string type, size;
        if (!(std::ifstream(folder + "level") >> l)) break;
        std::ifstream(folder + "type") >> type;
        std::ifstream(folder + "size") >> size;  // "2048K"
        if (l != level || type == "Instruction" || size.size() < 2 || size.size() > 9 || size.find_first_not_of("0123456789") != size.size() - 1) continue;
        return std::stoull(size) << (size.back() == 'M' ? 20 : 10);
    }
    return level == 1 ? std::size_t{32} << 10 : level == 2 ? std::size_t{1} << 20 : std::size_t{32} << 20;
}

void flush_from_caches(const void* data, std::size_t bytes) {
    const auto first = reinterpret_cast<std::uintptr_t>(data) & ~std::uintptr_t{63}, end = reinterpret_cast<std::uintptr_t>(data) + bytes;
#if defined(__x86_64__)
    for (auto p = first; p < end; p += 64) __builtin_ia32_clflush(reinterpret_cast<const void*>(p));
    __builtin_ia32_mfence();
#elif defined(__aarch64__)
    for (auto p = first; p < end; p += 64) __asm__ volatile("dc civac, %0" ::"r"(p) : "memory");
    __asm__ volatile("dsb sy" ::: "memory");
#else
    static_cast<void>(first), static_cast<void>(end);
#endif
}

}  // namespace tercet
