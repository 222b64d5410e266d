// SPDX-License-Identifier: Apache-2.0
// The processor's floating-point mode while an engine runs: round half to even, subnormals kept, no traps, whatever the
// caller has set. Results are promised under it.
#pragma once

#include <cstdint>

namespace tercet {

class FloatMode {
public:
#if defined(__x86_64__)
    FloatMode() : saved_(__builtin_ia32_stmxcsr()) { __builtin_ia32_ldmxcsr(0x1f80); }
    ~FloatMode() { __builtin_ia32_ldmxcsr(saved_); }
#elif defined(__aarch64__)
    FloatMode() {
        __asm__ volatile("mrs %0, fpcr" : "=r"(saved_));
        __asm__ volatile("msr fpcr, %0" ::"r"(std::uint64_t{0}));
    }
    ~FloatMode() { __asm__ volatile("msr fpcr, %0" ::"r"(saved_)); }
#else
    FloatMode() = default;
#endif
    FloatMode(const FloatMode&) = delete;
    FloatMode& operator=(const FloatMode&) = delete;

private:
#if defined(__aarch64__)
    std::uint64_t saved_ = 0;
#else
    unsigned saved_ = 0;
#endif
};

}  // namespace tercet
