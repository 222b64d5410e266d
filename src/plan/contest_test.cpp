// SPDX-License-Identifier: Apache-2.0
// Contests among candidates whose times are made up: no clock runs here.
#include "plan/contest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>

namespace tercet {
namespace {

// A machine on which candidate c takes times[c] microseconds, and others run at times.
struct Machine {
    std::vector<double> times;
    double noise = 0;                            // up to this much is added to a run, as a part of it
    std::function<double(int run)> slower{};     // a disturbance: by what factor run number `run` takes longer
    bool tells = false;                          // whether the system tells of such

    std::mt19937 random{1};
    std::vector<int> runs{}, whole{};            // per candidate
    std::set<std::size_t> ready{}, dropped{};
    double spent_us = 0;
    int run_count = 0;

    std::vector<double> contest(Effort effort = {}) {
        runs.assign(times.size(), 0), whole.assign(times.size(), 0);
        return tercet::contest(times.size(), effort, {.prepare = [&](auto list) {
                                                          for (std::size_t c : list) EXPECT_TRUE(ready.insert(c).second) << "prepared twice";
                                                          return 0.0;
                                                      },
                                                      .run = [&](std::size_t c, double part) {
                                                          EXPECT_TRUE(ready.contains(c) && !dropped.contains(c));
                                                          ++runs[c];
                                                          whole[c] += part == 1;
                                                          const double factor = slower ? slower(run_count) : 1;
                                                          ++run_count;
                                                          const double us = times[c] * factor * (1 + noise * static_cast<double>(random() % 1000) / 1000);
                                                          spent_us += us * part;
                                                          return Sample{.us = us, .disturbed = tells && factor > 1, .spent_us = us * part};
                                                      },
                                                      .drop = [&](std::size_t c) { EXPECT_TRUE(dropped.insert(c).second) << "dropped twice"; }});
    }

    // How much slower than the best candidate the one is that won.
    double lost(const std::vector<double>& result) const {
        const auto winner = static_cast<std::size_t>(std::ranges::min_element(result) - result.begin());
        return times[winner] / std::ranges::min(times) - 1;
    }
};

// Many candidates, most of them slow, the best somewhere.
std::vector<double> spread(std::size_t count, double least, unsigned seed) {
    std::mt19937 random(seed);
    std::vector<double> times;
    for (std::size_t i = 0; i < count; ++i) times.push_back(least * (1 + 2.0 * static_cast<double>(random() % 10000) / 10000));
    return times;
}

TEST(Contest, OneCandidateIsNotRunAndNoneIsNoFault) {
    Machine m{.times = {5}};
    EXPECT_EQ(m.contest(), std::vector<double>{0});
    EXPECT_EQ(m.run_count, 0);
    EXPECT_TRUE(Machine{}.contest().empty());
}

TEST(Contest, OnACalmMachineTheBestWinsAndTimesAreTrue) {
    for (unsigned seed = 1; seed <= 20; ++seed) {
        Machine m{.times = spread(60, seed % 2 ? 30 : 9000, seed)};
        const auto result = m.contest({.budget_us = 1e9});
        EXPECT_EQ(m.lost(result), 0);
        for (std::size_t c = 0; c < result.size(); ++c) EXPECT_NEAR(result[c], m.times[c], 1e-6 * m.times[c]);
    }
}

TEST(Contest, DropsTheSlowOnesEarlyAndKeepsNearEqualsToTheEnd) {
    Machine m{.times = {100, 900, 101, 160, 125, 300, 102, 5000, 118, 99}};
    m.contest({.budget_us = 1e9});
    for (std::size_t slow : {1, 5, 7}) {
        EXPECT_EQ(m.runs[slow], 1) << slow;
        EXPECT_TRUE(m.dropped.contains(slow));
    }
    for (std::size_t near : {0, 2, 6, 9}) EXPECT_GT(m.whole[near], m.whole[4]) << near;
    EXPECT_FALSE(m.dropped.contains(9));
}

TEST(Contest, FindsANearBestDespiteNoiseAndDisturbances) {
    int bad = 0;
    for (unsigned seed = 1; seed <= 100; ++seed) {
        Machine m{.times = spread(60, seed % 2 ? 200 : 5000, seed), .noise = 0.05, .random = std::mt19937(seed)};
        m.tells = seed % 3 == 0;
        // Now and then the machine is two to four times slower, for a few runs or for many.
        m.slower = [&, until = 0, factor = 1.0](int run) mutable {
            if (run >= until && m.random() % 20 == 0) until = run + 1 + static_cast<int>(m.random() % (seed % 2 ? 4 : 15)), factor = 2 + static_cast<double>(m.random() % 3);
            return run < until ? factor : 1.0;
        };
        bad += m.lost(m.contest({.budget_us = 1e9})) > 0.03;
    }
    EXPECT_LE(bad, 10);
}

TEST(Contest, ADisturbedGroupOrRoundIsRepeated) {
    // The second group of candidates, with the best in it, runs while the machine is slow.
    Machine m{.times = std::vector<double>(24, 100)};
    m.times[12] = 80;
    m.slower = [](int run) { return run >= 10 && run < 19 ? 3.0 : 1.0; };
    const auto result = m.contest({.budget_us = 1e9});
    EXPECT_EQ(std::ranges::min_element(result) - result.begin(), 12);
    // A run that was interrupted is repeated at once.
    Machine interrupted{.times = {100, 80, 100}, .tells = true};
    interrupted.slower = [](int run) { return run == 2 ? 3.0 : 1.0; };
    const auto second = interrupted.contest({.budget_us = 1e9});
    EXPECT_EQ(std::ranges::min_element(second) - second.begin(), 1);
}

TEST(Contest, ABudgetBoundsTheTime) {
    for (double budget : {1e4, 1e5, 1e6}) {
        Machine m{.times = spread(200, 3000, 5)};
        const auto result = m.contest({.budget_us = budget});
        EXPECT_LT(m.spent_us, 2 * budget + 9 * 3 * 3000 + 8 * 3000);  // more only for the first group and three candidates' round
        EXPECT_TRUE(std::isfinite(std::ranges::min(result)));
        EXPECT_LT(m.lost(result), 1);
        // Those that there was no time for have no time, and none was prepared in vain.
        for (std::size_t c = 0; c < result.size(); ++c) EXPECT_EQ(std::isfinite(result[c]), m.runs[c] > 0);
        EXPECT_EQ(m.ready.size(), static_cast<std::size_t>(std::ranges::count_if(m.runs, [](int n) { return n > 0; })));
    }
}

TEST(Contest, LongCandidatesRunInPartWhileManyAreLeft) {
    Machine m{.times = spread(40, 20000, 7)};
    m.contest({.budget_us = 1e9});
    for (std::size_t c = 1; c < m.times.size(); ++c)
        EXPECT_TRUE(m.times[c] < 2 * 20000 || m.whole[c] == 0);
}

}  // namespace
}  // namespace tercet
