// SPDX-License-Identifier: Apache-2.0
// Choosing tactics. For every step at every profile point, candidates are timed (or estimated, under `--tune none`); then the
// packing that is best over the three points is taken, and at each point its fastest candidate.
//
// The point with the least work comes first, where many candidates are cheap to time; the others are given those that did
// best there. Where batches run in slices, that is one sample on all workers, and one slice on one. Each contest has a budget, so that a build's time is bounded: most of it goes to the steps that cost most.
#include "engine/samples.h"
#include "plan/candidates.h"
#include "plan/contest.h"
#include "plan/kernel_timer.h"
#include "plan/plan.h"
#include "plan/timing_cache.h"
#include "system/thread_pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

namespace tercet {
namespace {

struct Thoroughness {
    std::string_view name;
    Effort effort;
    double cost_ratio;                   // candidates estimated to cost more than the least by this are not timed
    double budget_us;                    // for all steps together
    PerPoint<std::size_t> candidates;    // at most, in the order in which the points are timed
    PerPoint<double> shares;             // of a step's budget, in that order
};

Thoroughness thoroughness(Tune tune) {
    constexpr auto all = std::numeric_limits<std::size_t>::max();
    if (tune == Tune::full)
        return {.name = "full",
                .effort = {.screen_us = 5000, .screen_ratio = 3, .rounds = {{2.5, all}, {1.6, all}, {1.3, 32}, {1.15, 16}, {1.08, 10}, {1.05, 8}, {1.03, 6}}, .round_us = 4000, .budget_us = INFINITY},
                .cost_ratio = 64, .budget_us = INFINITY, .candidates = {all, all, all}, .shares = {1, 1, 1}};
    return {.name = "fast", .effort = {}, .cost_ratio = 5, .budget_us = 12e6, .candidates = {all, 32, 10}, .shares = {0.3, 0.45, 0.25}};
}

// A step at the points of the profile.
struct Points {
    PerPoint<Step> step;
    PerPoint<std::vector<Candidate>> candidates;
    PerPoint<std::string> machine, signature;  // where its times are in the cache
    PerPoint<TimingCache::Times> times;
};

class Tuner {
public:
    Tuner(Program& program, const PlanSettings& settings)
        : program_(program), settings_(settings), how_(thoroughness(settings.tune)), cache_(settings.timings ? *settings.timings : forgotten_) {
        for (std::size_t i = 0; i < profile_points; ++i) {
            symbols_[i] = tuned_at(program, static_cast<ProfilePoint>(i));
            threads_[i] = program.slice > 0 && static_cast<ProfilePoint>(i) != ProfilePoint::min ? 1 : settings.threads;
            program_bytes_[i] = bytes_of_a_run(symbols_[i]);
        }
    }

    void run() {
        program_.isa = {};
        for (const ProgramStep& s : program_.steps) at(where(s), [&] { all_.push_back(points_of(s)); });
        share_budget();
        for (std::size_t s = 0; s < program_.steps.size(); ++s) {
            ProgramStep& step = program_.steps[s];
            Points& points = all_[s];
            at(where(step), [&] {
                if (settings_.tune == Tune::none) estimate(points);
                else time(points);
                const Chosen chosen = choose(points.candidates, points.times);
                step.choices = chosen.choices;
                step.packing = chosen.packing;
            });
            for (const Choice& c : step.choices) program_.isa.level = std::max(program_.isa.level, std::min(find_tactic(c.tactic)->most, settings_.isa.level));
            log(step, points);
            points.candidates = {}, points.times = {};
            if (settings_.progress) settings_.progress({"tuning", static_cast<std::int64_t>(s) + 1, static_cast<std::int64_t>(program_.steps.size())});
        }
    }

private:
    static std::string where(const ProgramStep& s) { return fmt::format("{} ({})", s.node.name, s.node.op); }

    // What lies between two uses of the same weights.
    std::size_t bytes_of_a_run(const Symbols& symbols) const {
        std::size_t constants = 0, computed = 0;
        for (const ProgramValue& v : program_.values) {
            const std::size_t bytes = bytes_of(v.type.dtype, count_of(shape_at(v.type, symbols)));
            if (v.place == ProgramValue::Place::constant) constants += bytes;
            if (v.place == ProgramValue::Place::arena) computed += bytes;
        }
        return constants + std::min(computed, static_cast<std::size_t>(program_.arena_bytes));
    }

    Points points_of(const ProgramStep& step) const {
        Points p;
        for (std::size_t i = 0; i < profile_points; ++i) {
            p.step[i] = step_at(program_, step, symbols_[i]);
            p.candidates[i] = candidates_of(p.step[i], settings_, !step.decides.empty());
            p.signature[i] = p.step[i].signature();
            std::string effort(how_.name);
            if (settings_.strict) effort += ", strict";
            if (settings_.canonical) effort += ", canonical";
            if (const auto s = KernelTimer::surroundings(program_bytes_[i]); !s.empty()) effort += fmt::format(", {}", s);
            p.machine[i] = TimingCache::machine_key(settings_.isa, threads_[i], effort);
        }
        return p;
    }

    static constexpr auto optimum = static_cast<std::size_t>(ProfilePoint::opt);

    // A quarter evenly, the rest by estimated cost at the optimum; steps alike are timed once.
    void share_budget() {
        double total = 0;
        for (const Points& p : all_) {
            weights_[p.signature[optimum]] += p.candidates[optimum].front().cost;
            total += p.candidates[optimum].front().cost;
        }
        for (auto& [signature, weight] : weights_) weight = 0.25 / static_cast<double>(weights_.size()) + (total > 0 ? 0.75 * weight / total : 0);
    }

    static void estimate(Points& p) {
        for (std::size_t i = 0; i < profile_points; ++i)
            for (const Candidate& c : p.candidates[i]) p.times[i][c.choice] = c.cost;
    }

    void time(Points& p) {
        PerPoint<std::size_t> order{0, 1, 2};
        std::ranges::stable_sort(order, {}, [&](std::size_t i) { return p.candidates[i].front().cost; });
        WeightForms forms;
        const TimingCache::Times* before = nullptr;
        for (std::size_t turn = 0; turn < order.size(); ++turn) {
            const std::size_t i = order[turn];
            const TimingCache::Times* known = cache_.find(p.machine[i], p.signature[i]);
            if (!known) {
                const auto entrants = promising(p.candidates[i], how_.candidates[turn] < p.candidates[i].size() ? before : nullptr, how_.candidates[turn], how_.cost_ratio);
                cache_.set(p.machine[i], p.signature[i], measure(p, i, entrants, how_.budget_us * weights_[p.signature[optimum]] * how_.shares[turn], forms));
                known = cache_.find(p.machine[i], p.signature[i]);
            }
            p.times[i] = *known;
            before = &p.times[i];
        }
    }

    TimingCache::Times measure(const Points& p, std::size_t point, const std::vector<std::size_t>& entrants, double budget_us, WeightForms& forms) {
        ThreadPool& pool = pools_.try_emplace(threads_[point], threads_[point]).first->second;
        std::vector<Candidate> candidates;
        for (std::size_t e : entrants) candidates.push_back(p.candidates[point][e]);
        TimingCache::Times times;
        if (candidates.size() == 1) return {{candidates[0].choice, 0}};  // nothing to choose
        KernelTimer timer(p.step[point], candidates, forms, program_bytes_[point], pool, settings_.isa);
        Effort effort = how_.effort;
        effort.budget_us = budget_us;
        const auto us = contest(candidates.size(), effort,
                                {.prepare = [&](auto list) { return timer.prepare(list); },
                                 .run = [&](std::size_t c, double part) { return timer.run(c, part); },
                                 .drop = [&](std::size_t c) { timer.drop(c); }});
        for (std::size_t c = 0; c < us.size(); ++c)
            if (std::isfinite(us[c])) times[candidates[c].choice] = std::round(us[c] * 1000) / 1000;
        return times;
    }

    // The choice; once for steps that are alike, all that was timed, the fastest first.
    void log(const ProgramStep& step, const Points& p) {
        if (!settings_.log) return;
        settings_.log(fmt::format("{}: {} {}", step.node.name, step.choices[optimum].tactic, step.choices[optimum].variant.text()));
        constexpr PerPoint<std::string_view> names{"minimum", "optimum", "maximum"};
        for (std::size_t i = 0; i < profile_points && settings_.tune != Tune::none; ++i) {
            if (p.times[i].size() < 2 || !logged_.insert(p.signature[i]).second) continue;
            settings_.log(fmt::format("    {}: {}", names[i], p.signature[i]));
            std::vector<std::pair<double, const Choice*>> sorted;
            for (const auto& [choice, us] : p.times[i]) sorted.emplace_back(us, &choice);
            std::ranges::stable_sort(sorted, {}, [](const auto& x) { return x.first; });
            for (const auto& [us, choice] : sorted)
                settings_.log(fmt::format("    {} {:12.2f} us  {} {}", *choice == step.choices[i] ? '*' : ' ', us, choice->tactic, choice->variant.text()));
        }
    }

    Program& program_;
    const PlanSettings& settings_;
    const Thoroughness how_;
    TimingCache forgotten_;
    TimingCache& cache_;
    PerPoint<Symbols> symbols_;
    PerPoint<std::size_t> program_bytes_{};
    PerPoint<int> threads_{};                // workers that run a step together
    std::vector<Points> all_;                // by step
    std::map<std::string, double> weights_;  // share of the budget, by a step's signature at the optimum
    std::map<int, ThreadPool> pools_;        // by threads
    std::set<std::string> logged_;
};

}  // namespace

void choose_tactics(Program& program, const PlanSettings& settings) { Tuner(program, settings).run(); }

}  // namespace tercet
