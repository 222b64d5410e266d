// SPDX-License-Identifier: Apache-2.0
// Choices among candidates that are made up.
#include "plan/candidates.h"

#include <gtest/gtest.h>

namespace tercet {
namespace {

const Tactic one{.name = "test/one"}, two{.name = "test/two"};

Candidate candidate(const Tactic& t, int rows, std::string packing, double cost = 1, std::string expansion = "") {
    return {.choice = {std::string(t.name), {.rows = rows}}, .tactic = &t, .packing = std::move(packing), .expansion = std::move(expansion), .cost = cost};
}

PerPoint<TimingCache::Times> times_of(const std::vector<Candidate>& candidates, const PerPoint<std::vector<double>>& us) {
    PerPoint<TimingCache::Times> times;
    for (std::size_t p = 0; p < profile_points; ++p)
        for (std::size_t c = 0; c < candidates.size(); ++c)
            if (us[p][c] >= 0) times[p][candidates[c].choice] = us[p][c];
    return times;
}

TEST(Choose, ThePackingThatLosesLeastOverThePointsAndItsFastestAtEach) {
    const std::vector all{candidate(one, 1, "a"), candidate(one, 2, "a"), candidate(two, 1, "b"), candidate(two, 2, "b")};
    // At the minimum b is a bit faster, at the others much slower.
    const Chosen c = choose({all, all, all}, times_of(all, {{{12, 11, 10, 30}, {10, 20, 40, 30}, {20, 10, 40, 30}}}));
    EXPECT_EQ(c.packing, "a");
    EXPECT_EQ(c.choices, (PerPoint<Choice>{all[1].choice, all[0].choice, all[1].choice}));
}

TEST(Choose, OfNearEqualsTheOneWhoseExpansionTheOptimumReads) {
    const std::vector all{candidate(one, 1, "a", 1, "x"), candidate(one, 2, "a", 1, "y")};
    const auto chosen = [&](double maximum_of_y) { return choose({all, all, all}, times_of(all, {{{10, 20}, {10, 20}, {100, maximum_of_y}}})).choices[2]; };
    EXPECT_EQ(chosen(99), all[0].choice);
    EXPECT_EQ(chosen(90), all[1].choice);
}

TEST(Choose, WhatWasNotTimedAtAPointIsNotTaken) {
    const std::vector all{candidate(one, 1, "a"), candidate(two, 1, "b")};
    EXPECT_EQ(choose({all, all, all}, times_of(all, {{{10, 20}, {10, 20}, {-1, 20}}})).packing, "b");
    // If nothing was timed everywhere, estimates decide.
    const std::vector estimated{candidate(two, 1, "b", 1), candidate(one, 1, "a", 2)};
    EXPECT_EQ(choose({estimated, estimated, estimated}, times_of(estimated, {{{10, 20}, {-1, 20}, {10, -1}}})).packing, "b");
    EXPECT_EQ(choose({estimated, estimated, estimated}, {}).packing, "b");
}

TEST(Choose, TimesOfNothingAreNoDivision) {
    const std::vector all{candidate(one, 1, "a"), candidate(two, 1, "b")};
    EXPECT_EQ(choose({all, all, all}, times_of(all, {{{0, 0}, {5, 10}, {0, 0}}})).packing, "a");
    EXPECT_EQ(choose({all, all, all}, times_of(all, {{{0, 0}, {10, 5}, {0, 0}}})).packing, "b");
}

TEST(Promising, BringsTheBestOfAnotherPointAndTheCheapest) {
    std::vector<Candidate> here;
    for (int rows = 1; rows <= 20; ++rows) here.push_back(candidate(one, rows, "a", rows));
    const TimingCache::Times there{{here[15].choice, 10}, {here[7].choice, 20}, {here[9].choice, 30}, {here[0].choice, 40}};
    EXPECT_EQ(promising(here, &there, 5, 100), (std::vector<std::size_t>{15, 7, 9, 0, 1}));
    EXPECT_EQ(promising(here, nullptr, 3, 100), (std::vector<std::size_t>{0, 1, 2}));
    EXPECT_EQ(promising(here, nullptr, 30, 4).size(), 5u);  // the others are estimated to cost too much
    EXPECT_EQ(promising(here, &there, 30, 100).size(), 20u);
}

TEST(Promising, TakesTheTimeOfTheSameRegisterTile) {
    std::vector<Candidate> here;
    for (int tile : {1, 4, 16})
        for (int rows : {2, 6}) here.push_back({.choice = {"test/one", {.rows = rows, .cols = 16, .tile = tile}}, .tactic = &one, .packing = "", .cost = 1});
    const TimingCache::Times there{{{"test/one", {.rows = 6, .cols = 16, .tile = 2}}, 10}, {{"test/one", {.rows = 2, .cols = 16, .tile = 2}}, 20}};
    EXPECT_EQ(promising(here, &there, 3, 100), (std::vector<std::size_t>{1, 3, 5}));
}

}  // namespace
}  // namespace tercet
