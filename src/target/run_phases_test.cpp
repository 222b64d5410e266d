// SPDX-License-Identifier: Apache-2.0
#include "target/run_phases.h"

#include "system/thread_pool.h"

#include <gtest/gtest.h>

#include <thread>

namespace tercet {
namespace {

// Runs phases of these numbers of units; every unit must run once, and see all units of the phases before it done.
void expect_all_run_in_order(ThreadPool& pool, const std::vector<std::int64_t>& units, int repeats) {
    PhaseList list;
    for (std::int64_t n : units) list.add(n);
    EXPECT_EQ(list.size(), units.size());
    std::vector<std::vector<int>> done;  // plain memory: the phases alone order the accesses
    for (std::int64_t n : units) done.emplace_back(static_cast<std::size_t>(n));
    PhaseRun phases;
    std::atomic<int> wrong = 0;
    for (int repeat = 1; repeat <= repeats; ++repeat) {
        phases.start(list, pool.threads());
        pool.run([&](int worker) {
            phases.work(worker, [&](std::size_t phase, std::int64_t first, std::int64_t last) {
                if (first >= last || last > units[phase]) ++wrong;
                for (std::size_t before = phase; before-- > 0;) {
                    for (int d : done[before]) wrong += d != repeat;
                    if (units[before] > 1) break;  // which has looked further back
                }
                for (std::int64_t u = first; u < last; ++u) ++done[phase][static_cast<std::size_t>(u)];
            });
        });
        for (const auto& phase : done)
            for (int d : phase) ASSERT_EQ(d, repeat);
    }
    EXPECT_EQ(wrong, 0);
}

TEST(RunPhases, EveryUnitRunsOnceAfterThePhasesBeforeIt) {
    for (int threads : {1, 2, 3, 5}) {
        ThreadPool pool(threads);
        expect_all_run_in_order(pool, {}, 3);
        expect_all_run_in_order(pool, {0, 0}, 3);
        expect_all_run_in_order(pool, {1}, 50);
        expect_all_run_in_order(pool, {5, 0, 1, 1, 0, 1, 7, 2, 1, 33, 127, 1, 1, 8}, 100);
        expect_all_run_in_order(pool, {100'003, 1, 40'000}, 2);  // more units than are handed out singly
    }
}

TEST(RunPhases, SinglesInARowRunOnOneWorker) {
    ThreadPool pool(3);
    PhaseList list;
    for (int i = 0; i < 6; ++i) list.add(1);
    PhaseRun phases;
    for (int repeat = 0; repeat < 50; ++repeat) {
        std::vector<std::thread::id> ran(6);
        phases.start(list, pool.threads());
        pool.run([&](int worker) { phases.work(worker, [&](std::size_t phase, std::int64_t, std::int64_t) { ran[phase] = std::this_thread::get_id(); }); });
        for (const auto& id : ran) EXPECT_EQ(id, ran[0]);
    }
}

// A worker that does not come, or comes late, is not missed.
TEST(RunPhases, OneWorkerIsEnough) {
    PhaseList list;
    for (std::int64_t n : {9, 1, 20}) list.add(n);
    PhaseRun phases;
    phases.start(list, 4);
    for (int worker : {3, 0, 2}) {
        std::vector<std::int64_t> units(3);
        phases.work(worker, [&](std::size_t phase, std::int64_t first, std::int64_t last) { units[phase] += last - first; });
        EXPECT_EQ(units, worker == 3 ? (std::vector<std::int64_t>{9, 1, 20}) : std::vector<std::int64_t>(3));
    }
}

TEST(RunPhases, SharesShrinkToOneUnit) {
    PhaseList list;
    list.add(64);
    PhaseRun phases;
    phases.start(list, 2);
    std::vector<std::int64_t> shares;
    phases.work(0, [&](std::size_t, std::int64_t first, std::int64_t last) { shares.push_back(last - first); });
    EXPECT_EQ(shares.front(), 16);
    EXPECT_TRUE(std::ranges::is_sorted(shares, std::greater()));
    EXPECT_EQ(shares.back(), 1);
}

}  // namespace
}  // namespace tercet
