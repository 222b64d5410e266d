// SPDX-License-Identifier: Apache-2.0
// ThreadPool: the workers of one context. They run one function together, meet at barriers inside it, and sleep between.
// Waiting spins for a short while (a step may last a few microseconds), then sleeps, so that a waiting worker does not
// take the processor from the one it waits for when cores are shared.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace tercet {

class ThreadPool {
public:
    explicit ThreadPool(int threads);  // the caller of run is one of them; Error if the system gives no thread
    ~ThreadPool();
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    int threads() const { return static_cast<int>(workers_.size()) + 1; }

    /// Calls job(worker) for worker 0 .. threads()-1 at the same time and returns when all have. The job must not throw.
    /// Allocates nothing. One call at a time.
    void run(const std::function<void(int worker)>& job);

    /// Inside a job: returns when all workers have called it; what was written before is seen after.
    void barrier();

    /// Calls task(i) once for every i below `count`, in that order, each on whichever worker is free, and returns when all are
    /// done. If tasks throw, the exception of the first of them is thrown on.
    void share(std::size_t count, const std::function<void(std::size_t i)>& task);

private:
    void work(int worker);

    std::vector<std::thread> workers_;
    const std::function<void(int)>* job_ = nullptr;
    alignas(64) std::atomic<std::uint32_t> round_{0};    // counts runs; workers sleep on it
    alignas(64) std::atomic<std::uint32_t> arrived_{0};  // at the present barrier
    alignas(64) std::atomic<std::uint32_t> opened_{0};   // counts barriers passed
    std::atomic<bool> stop_{false};
};

/// Processors that this process may use.
int usable_processors();

}  // namespace tercet
