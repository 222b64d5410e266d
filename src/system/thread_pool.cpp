// SPDX-License-Identifier: Apache-2.0
#include "system/thread_pool.h"

#include "tercet/error.h"

#include <sched.h>

#include <algorithm>
#include <exception>
#include <system_error>

namespace tercet {
namespace {

// The gate's fields. A round's number comes again after 2^18 rounds; a worker that slept through exactly so many is left out
// of one more.
constexpr std::uint32_t inside = (1u << 13) - 1, open = 1u << 13, one_round = 1u << 14;
constexpr std::uint32_t round_of(std::uint32_t gate) { return gate / one_round; }

}  // namespace

int usable_processors() {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
    return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

ThreadPool::ThreadPool(int threads) {
    try {
        for (int i = 1; i < std::min<int>(threads, inside); ++i) workers_.emplace_back([this, i] { work(i); });
    } catch (const std::system_error& e) {
        stop();
        throw Error({.what = std::string("cannot start a thread: ") + e.what(), .fix = "use fewer threads"});
    }
}

ThreadPool::~ThreadPool() { stop(); }

void ThreadPool::stop() {
    stop_ = true;
    gate_.value.fetch_add(one_round | open);
    gate_.wake();
    for (std::thread& t : workers_) t.join();
}

void ThreadPool::run(const std::function<void(int)>& job) {
    if (workers_.empty()) return job(0);
    job_ = &job;
    gate_.value.fetch_add(one_round | open);  // it was closed and empty
    gate_.wake();
    job(0);
    if ((gate_.value.fetch_and(~open) & inside) > 0) gate_.wait([](std::uint32_t g) { return (g & inside) == 0; });
}

void ThreadPool::work(int worker) {
    for (std::uint32_t seen = 0;;) {
        std::uint32_t gate = gate_.wait([&](std::uint32_t g) { return (g & open) && round_of(g) != seen; });
        if (stop_) return;
        if (!gate_.value.compare_exchange_strong(gate, gate + 1, std::memory_order_acq_rel)) continue;
        seen = round_of(gate);
        (*job_)(worker);
        if ((gate_.value.fetch_sub(1) & (inside | open)) == 1) gate_.wake();  // the last one, and the caller may be waiting
    }
}

void ThreadPool::barrier() {
    if (workers_.empty()) return;
    const std::uint32_t opened = opened_.value.load(std::memory_order_acquire);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == static_cast<std::uint32_t>(threads())) {
        arrived_.store(0, std::memory_order_relaxed);
        opened_.value.fetch_add(1);
        opened_.wake();
    } else {
        opened_.wait([&](std::uint32_t v) { return v != opened; });
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

}  // namespace tercet
