// SPDX-License-Identifier: Apache-2.0
// Ways to run a step, and the choice among them once there are times.
#pragma once

#include "plan/plan.h"
#include "plan/timing_cache.h"

#include <array>

namespace tercet {

struct Candidate {
    Choice choice;
    const Tactic* tactic = nullptr;
    std::string packing, expansion;
    double cost = 0;
};

/// Every variant of every tactic that takes the step, the lowest estimated cost first. `decides`: the step decides extents, which
/// only the reference can.
std::vector<Candidate> candidates_of(const Step&, const PlanSettings&, bool decides);

/// In which order to time candidates, as indices of `here`, so that the first few hold the best: by what they took at
/// another point of the profile (if `there` has their like), alternating with those of least estimated cost. At most `limit`,
/// none estimated to cost more than `cost_ratio` times the least.
std::vector<std::size_t> promising(const std::vector<Candidate>& here, const TimingCache::Times* there, std::size_t limit, double cost_ratio);

template <class T>
using PerPoint = std::array<T, profile_points>;

struct Chosen {
    PerPoint<Choice> choices;
    std::string packing;
};

/// A pure function: the packing that loses least against the fastest candidates, summed over the points, and at each point
/// its fastest; of near-equals the one whose expansion the optimum reads as well, so that another shape finds it made.
Chosen choose(const PerPoint<std::vector<Candidate>>& candidates, const PerPoint<TimingCache::Times>& times);

}  // namespace tercet
