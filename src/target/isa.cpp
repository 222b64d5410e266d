// SPDX-License-Identifier: Apache-2.0
#include "target/isa.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <string>

namespace tercet {
namespace {

constexpr std::array<std::string_view, 8> names{"reference", "baseline", "avx2", "avx512", "avx512vnni", "avx512bf16", "avx512fp16", "amx"};

std::string read_processor_name() {
    std::ifstream cpuinfo("/proc/cpuinfo");
    for (std::string line; std::getline(cpuinfo, line);)
        if (line.starts_with("model name"))
            if (const auto colon = line.find(':'); colon != std::string::npos) return line.substr(std::min(colon + 2, line.size()));
    return "unknown processor";
}

}  // namespace

std::string_view Isa::name() const { return names[static_cast<std::size_t>(level)]; }

Isa host_isa() {
#if defined(__x86_64__)
    using enum Isa::Level;
    // GCC's detection includes what the operating system saves (XGETBV).
    if (!(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))) return {baseline};
    if (!(__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")))
        return {avx2};
    if (!__builtin_cpu_supports("avx512vnni")) return {avx512};
    if (!__builtin_cpu_supports("avx512bf16")) return {avx512_vnni};
    unsigned a = 7, b = 0, c = 0, d = 0;  // leaf 7: AVX512-FP16 is EDX bit 23, AMX-BF16, -TILE, -INT8 are bits 22, 24, 25
    __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    if (!(d & 1u << 23)) return {avx512_bf16};
    constexpr unsigned tiles = 1u << 22 | 1u << 24 | 1u << 25;
    return {(d & tiles) == tiles ? amx : avx512_fp16};
#else
    return {Isa::Level::baseline};
#endif
}

std::optional<Isa> isa_named(std::string_view name) {
    const auto it = std::ranges::find(names, name);
    if (it == names.end()) return std::nullopt;
    return Isa{static_cast<Isa::Level>(it - names.begin())};
}

std::span<const std::string_view> isa_names() { return names; }

std::string_view processor_name() {
    static const std::string name = read_processor_name();
    return name;
}

}  // namespace tercet
