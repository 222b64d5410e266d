// SPDX-License-Identifier: Apache-2.0
#include "system/thread_pool.h"

#include "tercet/error.h"

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <system_error>

namespace tercet {
namespace {

void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

// Until `value` is no longer `old`.
void wait_for_change(const std::atomic<std::uint32_t>& value, std::uint32_t old) {
    using clock = std::chrono::steady_clock;
    constexpr auto patience = std::chrono::microseconds(200);
    const auto start = clock::now();
    do {
        for (int i = 0; i < 64; ++i) {
            if (value.load(std::memory_order_acquire) != old) return;
            pause();
        }
    } while (clock::now() - start < patience);
    while (value.load(std::memory_order_acquire) == old) value.wait(old, std::memory_order_acquire);
}

}  // namespace

int usable_processors() {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
    return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

ThreadPool::ThreadPool(int threads) {
    try {
        for (int i = 1; i < threads; ++i) workers_.emplace_back([this, i] { work(i); });
    } catch (const std::system_error& e) {
        stop_ = true;
        round_.fetch_add(1, std::memory_order_release);
        round_.notify_all();
        for (std::thread& t : workers_) t.join();
        throw Error({.what = std::string("cannot start a thread: ") + e.what(), .fix = "use fewer threads"});
    }
}

ThreadPool::~ThreadPool() {
    stop_ = true;
    round_.fetch_add(1, std::memory_order_release);
    round_.notify_all();
    for (std::thread& t : workers_) t.join();
}

void ThreadPool::run(const std::function<void(int)>& job) {
    if (workers_.empty()) return job(0);
    job_ = &job;
    round_.fetch_add(1, std::memory_order_release);
    round_.notify_all();
    job(0);
    barrier();
}

void ThreadPool::barrier() {
    if (workers_.empty()) return;
    const std::uint32_t opened = opened_.load(std::memory_order_acquire);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == static_cast<std::uint32_t>(threads())) {
        arrived_.store(0, std::memory_order_relaxed);
        opened_.fetch_add(1, std::memory_order_release);
        opened_.notify_all();
    } else {
        wait_for_change(opened_, opened);
    }
}

void ThreadPool::share(std::size_t count, const std::function<void(std::size_t)>& task) {
    std::atomic<std::size_t> next = 0;
    std::vector<std::exception_ptr> failures(count);
    run([&](int) {
        for (std::size_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < count;) {
            try {
                task(i);
            } catch (...) {
                failures[i] = std::current_exception();
            }
        }
    });
    for (const std::exception_ptr& f : failures)
        if (f) std::rethrow_exception(f);
}

void ThreadPool::work(int worker) {
    for (std::uint32_t seen = 0;;) {
        wait_for_change(round_, seen);
        // Not the latest value: a round must not be missed, and there is none before this one's barrier has been passed.
        ++seen;
        if (stop_.load(std::memory_order_acquire)) return;
        (*job_)(worker);
        barrier();
    }
}

}  // namespace tercet
