// SPDX-License-Identifier: Apache-2.0
// Contest: finds the fastest of many candidates in few runs, on a machine where others run as well.
//
// 1. Screening: each candidate runs once, briefly, in groups between two runs of the leader. Those far behind are dropped.
// 2. Rounds: those left run in turns, so that a disturbance hits all alike. After each round the slow ones are dropped, at
//    ever smaller distances; near-equals stay to the end.
//
// A candidate's time is its smallest: disturbances only ever add. A run that was interrupted and would drop its candidate is
// repeated, and so is a group or round in which the leader itself took much longer than before. A budget of run time bounds
// how long a contest takes.
//
// Nothing here looks at a clock: runs are given as functions, which tests replace.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

namespace tercet {

struct Sample {
    double us = 0;
    bool disturbed = false;  // the system took the processor away meanwhile
    double spent_us = 0;     // on this run, with all that belongs to it
};

struct Runs {
    /// Makes these ready, before their first run; returns the microseconds that it took.
    std::function<double(std::span<const std::size_t> candidates)> prepare;
    /// Runs `part` (0 to 1) of a candidate's work or more; returns what all of it would take.
    std::function<Sample(std::size_t candidate, double part)> run;
    /// It will not run again.
    std::function<void(std::size_t candidate)> drop;
};

struct Effort {
    double screen_us = 1000;    // that a brief run may take
    double screen_ratio = 1.5;  // candidates slower than the leader by more are dropped after it
    struct Round {
        double ratio;       // only candidates within this of the leader run in it,
        std::size_t most;   // and only so many
    };
    std::vector<Round> rounds{{1.3, 16}, {1.15, 8}, {1.08, 5}, {1.04, 4}, {1.03, 3}};
    double round_us = 500;      // that a short candidate runs for in a round, in several runs
    double budget_us = 1e6;     // for half of it candidates are screened, then rounds are played while it lasts (one at least)
};

/// Times of candidates 0 .. count-1, the promising ones first. Of those dropped: estimated from their distance to the leader
/// when they were. Infinite: not run. A single candidate does not run either: its time is 0.
std::vector<double> contest(std::size_t count, const Effort& effort, const Runs& runs);

}  // namespace tercet
