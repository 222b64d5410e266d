// SPDX-License-Identifier: Apache-2.0
#include "system/thread_pool.h"

#include <gtest/gtest.h>

#include <sys/resource.h>

#include <chrono>
#include <stdexcept>

namespace tercet {
namespace {

TEST(ThreadPool, RunsTheJobOnEveryWorkerOnceIfTheyMeet) {
    for (int threads : {1, 2, 3, 7}) {
        ThreadPool pool(threads);
        std::vector<std::atomic<int>> calls(static_cast<std::size_t>(threads));
        const std::function<void(int)> job = [&](int worker) {
            ++calls[static_cast<std::size_t>(worker)];
            pool.barrier();
        };
        for (int run = 1; run <= 50; ++run) {
            pool.run(job);
            for (const auto& c : calls) ASSERT_EQ(c, run);
        }
    }
}

TEST(ThreadPool, WaitsForNoWorkerThatIsLateButForEachThatCame) {
    ThreadPool pool(4);
    std::array<std::atomic<int>, 4> calls{};
    std::atomic<int> working = 0;
    for (int run = 1; run <= 300; ++run) {
        pool.run([&](int worker) {
            ++working;
            ++calls[static_cast<std::size_t>(worker)];
            if (worker > 0 && run % 100 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
            --working;
        });
        ASSERT_EQ(working, 0);
        ASSERT_EQ(calls[0], run);
        for (const auto& c : calls) ASSERT_LE(c, run);
    }
}

TEST(ThreadPool, WakesWorkersThatSleep) {
    ThreadPool pool(3);
    for (int run = 0; run < 5; ++run) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));  // past their patience
        std::atomic<int> met = 0;
        pool.run([&](int) {
            ++met;
            pool.barrier();
        });
        EXPECT_EQ(met, 3);
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

TEST(ThreadPool, SharesEveryTaskOnce) {
    for (int threads : {1, 2, 5}) {
        ThreadPool pool(threads);
        for (std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{1000}}) {
            std::vector<std::atomic<int>> calls(count);
            pool.share(count, [&](std::size_t i) { ++calls[i]; });
            for (const auto& c : calls) EXPECT_EQ(c, 1);
        }
    }
}

TEST(ThreadPool, PassesTheFirstTasksExceptionOn) {
    ThreadPool pool(3);
    std::atomic<int> done = 0;
    const auto failing = [&](std::size_t i) {
        ++done;
        if (i == 7 || i == 30) throw std::runtime_error(std::to_string(i));
    };
    for (int repeat = 0; repeat < 20; ++repeat) {
        done = 0;
        try {
            pool.share(40, failing);
            ADD_FAILURE() << "nothing was thrown";
        } catch (const std::runtime_error& e) {
            EXPECT_STREQ(e.what(), "7");
        }
        EXPECT_EQ(done, 40);
    }
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
