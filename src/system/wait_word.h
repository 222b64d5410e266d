// SPDX-License-Identifier: Apache-2.0
// WaitWord: an atomic word that threads wait on. Waiting spins for a short while (a step may last a few microseconds), then
// sleeps, so that a waiting thread does not take the processor from the one it waits for when cores are shared. Waking costs
// a system call only if somebody sleeps.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace tercet {

inline void spin_pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

template <class T>
class WaitWord {
public:
    /// Who changes it to something that others wait for does so with memory_order_seq_cst, then calls wake().
    std::atomic<T> value{0};

    /// Returns the value for which ready(value) holds; spins for `patience`.
    template <class Ready>
    T wait(Ready&& ready, std::chrono::microseconds patience = std::chrono::microseconds(200)) {
        using clock = std::chrono::steady_clock;
        const auto start = clock::now();
        do {
            for (int i = 0; i < 64; ++i) {
                if (const T v = value.load(std::memory_order_acquire); ready(v)) return v;
                spin_pause();
            }
        } while (clock::now() - start < patience);
        sleepers_.fetch_add(1, std::memory_order_seq_cst);
        T v;
        while (!ready(v = value.load(std::memory_order_seq_cst))) value.wait(v, std::memory_order_seq_cst);
        sleepers_.fetch_sub(1, std::memory_order_relaxed);
        return v;
    }

    // Either the sleeper sees the new value or the waker sees the sleeper: both do their two accesses in one order for all.
    void wake() {
        if (sleepers_.load(std::memory_order_seq_cst) > 0) value.notify_all();
    }

private:
    std::atomic<std::uint32_t> sleepers_{0};
};

}  // namespace tercet
