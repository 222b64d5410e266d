// SPDX-License-Identifier: Apache-2.0
#include "system/thread_pool.h"

#include <gtest/gtest.h>

#include <sys/resource.h>

#include <chrono>

namespace tercet {
namespace {

TEST(ThreadPool, RunsTheJobOnEveryWorkerOnce) {
    for (int threads : {1, 2, 3, 7}) {
        ThreadPool pool(threads);
        std::vector<std::atomic<int>> calls(static_cast<std::size_t>(threads));
        const std::function<void(int)> job = [&](int worker) { ++calls[static_cast<std::size_t>(worker)]; };
        for (int run = 1; run <= 50; ++run) {
            pool.run(job);
            for (const auto& c : calls) ASSERT_EQ(c, run);
        }
    }
}

TEST(ThreadPool, BarrierShowsWhatAllWroteBefore) {
    constexpr int threads = 4, rounds = 300;
    ThreadPool pool(threads);
    std::array<int, threads> written{};  // plain memory: the barrier alone orders the accesses
    std::atomic<int> wrong = 0;
    pool.run([&](int worker) {
        for (int round = 1; round <= rounds; ++round) {
            written[static_cast<std::size_t>(worker)] = round;
            pool.barrier();
            for (int w : written) wrong += w != round;
            pool.barrier();
        }
    });
    EXPECT_EQ(wrong, 0);
}

TEST(ThreadPool, SleepsBetweenRuns) {
    ThreadPool pool(4);
    pool.run([](int) {});
    const auto cpu_ms = [] {
        rusage u{};
        getrusage(RUSAGE_SELF, &u);
        return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
    };
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // past their patience
    const auto before = cpu_ms();
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    EXPECT_LT(cpu_ms() - before, 100);  // three spinning workers would take 300 and more
}

}  // namespace
}  // namespace tercet
