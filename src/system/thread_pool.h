// SPDX-License-Identifier: Apache-2.0
// ThreadPool: the workers of one context. They run one function together and sleep between.
//
// Work is shared by whoever comes: a worker that is late (asleep, or kept from the processor by others) is not waited for
// unless the function asks for it by a barrier.
#pragma once

#include "system/wait_word.h"

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

    /// Calls job(0) here, and job(worker) for worker 1 .. threads()-1 at the same time; returns when all calls that have
    /// begun are over. A worker that comes when job(0) has returned is left out: by then, nothing may be left for it to do.
    /// The job must not throw. Allocates nothing. One call at a time.
    void run(const std::function<void(int worker)>& job);

    /// Inside a job: returns when all workers have called it; what was written before is seen after.
    void barrier();

    /// Calls task(i) once for every i below `count`, in that order, each on whichever worker is free, and returns when all are
    /// done. If tasks throw, the exception of the first of them is thrown on.
    void share(std::size_t count, const std::function<void(std::size_t i)>& task);

private:
    void work(int worker);
    void stop();

    std::vector<std::thread> workers_;
    const std::function<void(int)>* job_ = nullptr;
    alignas(64) WaitWord<std::uint32_t> gate_;  // the round's number, whether workers may enter it, and how many are inside
    alignas(64) std::atomic<std::uint32_t> arrived_{0};  // at the present barrier
    alignas(64) WaitWord<std::uint32_t> opened_;         // counts barriers passed
    std::atomic<bool> stop_{false};
};

/// Processors that this process may use.
int usable_processors();

}  // namespace tercet
