// SPDX-License-Identifier: Apache-2.0
#include "plan/candidates.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace tercet {
namespace {

constexpr double near_equal = 1.02;
constexpr std::int64_t small_sample = 1024;  // elements of each operand that a reference implementation may take its time for

// The fastest candidate of a packing at one point, and its time.
struct Fastest {
    const Candidate* candidate = nullptr;
    double us = INFINITY;
};

template <class Suits>
Fastest fastest(const std::vector<Candidate>& candidates, const TimingCache::Times& times, Suits&& suits) {
    Fastest f;
    for (const Candidate& c : candidates)
        if (const auto t = times.find(c.choice); t != times.end() && suits(c) && t->second < f.us) f = {&c, t->second};
    return f;
}

Chosen choose_by_estimates(const PerPoint<std::vector<Candidate>>& candidates, const std::set<std::string>& packings) {
    Chosen chosen;
    double least = INFINITY;
    for (const std::string& packing : packings) {
        double cost = 0;
        Chosen c{.choices = {}, .packing = packing};
        for (std::size_t i = 0; i < candidates.size(); ++i) {
            const auto first = std::ranges::find(candidates[i], packing, &Candidate::packing);  // they are in order of cost
            if (first == candidates[i].end()) cost = INFINITY;
            else cost += first->cost, c.choices[i] = first->choice;
        }
        if (cost < least) least = cost, chosen = c;
    }
    return chosen;
}

// Of the tactics that give the same bits everywhere those that are no reference implementation, which sums in another way; where
// none is, the reference for small operands, and all that there are for others.
void keep_canonical(std::vector<Candidate>& all, const Step& step, const Isa& isa) {
    const auto canonical = [&](const Candidate& c) {
        if (c.choice.tactic == reference_choice.tactic) return false;
        return c.tactic->numerics(step) == Numerics::exact || (c.tactic->canonical && c.tactic->canonical(step, isa));
    };
    if (std::ranges::any_of(all, canonical)) return static_cast<void>(std::erase_if(all, [&](const Candidate& c) { return !canonical(c); }));
    // A classifier's softmax costs nothing to speak of.
    const auto is_small = [](const Step::Operand& o) { return !o || o.constant || (!o.shape.empty() && count_of(o.shape) / std::max<std::int64_t>(1, o.shape[0]) <= small_sample); };
    if (std::ranges::all_of(step.inputs, is_small) && std::ranges::all_of(step.outputs, is_small)) std::erase_if(all, [](const Candidate& c) { return c.choice.tactic != reference_choice.tactic; });
}

}  // namespace

std::vector<Candidate> candidates_of(const Step& step, const PlanSettings& settings, bool decides) {
    std::vector<Candidate> all;
    for (const Tactic* t : all_tactics()) {
        if (decides && t->name != reference_choice.tactic) continue;
        if (t->refuses(step, settings.isa)) continue;
        if (settings.strict && t->numerics(step) == Numerics::approximate) continue;
        for (const Variant& v : t->variants(step, settings.isa))
            all.push_back({.choice = {std::string(t->name), v},
                           .tactic = t,
                           .packing = t->packing ? t->packing(step, v) : "",
                           .expansion = t->expansion ? t->expansion(step, v) : "",
                           .cost = t->cost(step, v, settings.isa)});
    }
    if (settings.canonical) keep_canonical(all, step, settings.isa);
    std::ranges::stable_sort(all, {}, &Candidate::cost);
    return all;
}

std::vector<std::size_t> promising(const std::vector<Candidate>& here, const TimingCache::Times* there, std::size_t limit, double cost_ratio) {
    std::vector<std::size_t> by_cost, order;
    for (std::size_t i = 0; i < here.size(); ++i)
        if (here[i].cost <= here.front().cost * cost_ratio + 1) by_cost.push_back(i);
    if (!there) {
        by_cost.resize(std::min(by_cost.size(), limit));
        return by_cost;
    }
    // A candidate that was not timed there, since it has another block size perhaps, is taken to be as fast as the best that
    // has its register tile.
    std::map<std::tuple<std::string, int, int>, double> like;
    for (const auto& [c, us] : *there) {
        const auto it = like.try_emplace({c.tactic, c.variant.rows, c.variant.cols}, us).first;
        it->second = std::min(it->second, us);
    }
    std::vector<double> expected(here.size(), INFINITY);
    for (std::size_t i : by_cost) {
        const Choice& c = here[i].choice;
        if (const auto t = there->find(c); t != there->end()) expected[i] = t->second;
        else if (const auto l = like.find({c.tactic, c.variant.rows, c.variant.cols}); l != like.end()) expected[i] = l->second;
    }
    std::vector<std::size_t> by_time = by_cost;
    std::ranges::stable_sort(by_time, {}, [&](std::size_t i) { return expected[i]; });
    std::vector<bool> taken(here.size());
    const auto take_next = [&](const std::vector<std::size_t>& list, std::size_t& next) {
        while (next < list.size() && taken[list[next]]) ++next;
        if (next == list.size()) return;
        taken[list[next]] = true;
        order.push_back(list[next]);
    };
    for (std::size_t t = 0, c = 0; order.size() < std::min(limit, by_cost.size());) order.size() % 4 == 3 ? take_next(by_cost, c) : take_next(by_time, t);
    return order;
}

Chosen choose(const PerPoint<std::vector<Candidate>>& candidates, const PerPoint<TimingCache::Times>& times) {
    std::set<std::string> packings;
    for (const auto& list : candidates)
        for (const Candidate& c : list) packings.insert(c.packing);
    Chosen chosen;
    double least = INFINITY;
    for (const std::string& packing : packings) {
        double loss = 0;
        PerPoint<const Candidate*> best{};
        for (std::size_t i = 0; i < candidates.size(); ++i) {
            const Fastest any = fastest(candidates[i], times[i], [](const Candidate&) { return true; });
            const Fastest here = fastest(candidates[i], times[i], [&](const Candidate& c) { return c.packing == packing; });
            loss += !here.candidate ? INFINITY : here.us == any.us ? 1 : here.us / any.us;  // times may be 0
            best[i] = here.candidate;
        }
        if (!(loss < least)) continue;
        least = loss;
        chosen.packing = packing;
        const Candidate& optimum = *best[static_cast<std::size_t>(ProfilePoint::opt)];
        for (std::size_t i = 0; i < candidates.size(); ++i) {
            const Fastest like = fastest(candidates[i], times[i], [&](const Candidate& c) {
                return c.packing == packing && c.tactic == optimum.tactic && c.expansion == optimum.expansion;
            });
            const bool takes_optimums = like.candidate && like.us <= times[i].at(best[i]->choice) * near_equal;
            chosen.choices[i] = (takes_optimums ? like.candidate : best[i])->choice;
        }
    }
    // No packing was timed at all three points: estimates decide.
    return std::isfinite(least) ? chosen : choose_by_estimates(candidates, packings);
}

}  // namespace tercet
