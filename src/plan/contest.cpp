// SPDX-License-Identifier: Apache-2.0
#include "plan/contest.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace tercet {
namespace {

constexpr std::size_t group_size = 8;
constexpr double jumped = 1.2;  // the leader took so much longer than it can: others ran meanwhile
constexpr int most_repeats = 2;

class Contest {
public:
    Contest(std::size_t count, const Effort& effort, const Runs& runs) : count_(count), effort_(effort), runs_(runs), best_(count, INFINITY), whole_(count) {}

    std::vector<double> result() {
        screen();
        const std::vector<double> brief = best_;
        const double leaders_brief = brief[left_.front()];
        play_rounds();
        // Those that ran in no round: as far from the leader as they were in the screening.
        for (std::size_t c = 0; c < count_; ++c)
            if (!whole_[c] && leaders_brief > 0) best_[c] = best_[left_.front()] * (brief[c] / leaders_brief);
        return best_;
    }

private:
    // Runs it and keeps the smallest time; returns this run's. `ratio` to the leader is what drops it.
    double run(std::size_t c, double part, double ratio) {
        double us = INFINITY;
        for (int i = 0; i <= most_repeats; ++i) {
            const Sample s = runs_.run(c, part);
            ++ran_;
            spent_us_ += s.spent_us;
            us = std::min(us, s.us);
            best_[c] = std::min(best_[c], us);
            if (!s.disturbed || left_.empty() || best_[c] <= best_[left_.front()] * ratio) break;
            if (++repeated_ > 8 + ran_ / 4) break;  // on a machine that is never calm this costs much and helps little
        }
        return us;
    }

    void sort_left() { std::ranges::stable_sort(left_, {}, [&](std::size_t c) { return best_[c]; }); }

    // Keeps the first `most` of those within `ratio` of the leader.
    void keep(double ratio, std::size_t most) {
        sort_left();
        const double leader = best_[left_.front()];
        const auto out = std::ranges::find_if(left_, [&](std::size_t c) { return best_[c] > leader * ratio; });
        const auto first = left_.begin() + std::min<std::ptrdiff_t>(out - left_.begin(), static_cast<std::ptrdiff_t>(std::max<std::size_t>(most, 1)));
        std::for_each(first, left_.end(), runs_.drop);
        left_.erase(first, left_.end());
    }

    // Does `round` until the leader, which runs in it, takes about as long as before; returns at the latest after a few times.
    template <class Round>
    void when_calm(Round&& round) {
        for (int i = 0; i <= most_repeats; ++i) {
            const std::size_t leader = left_.empty() ? 0 : left_.front();
            const double before = best_[leader];
            if (round(leader) <= before * jumped || before == INFINITY) return;
        }
    }

    void screen() {
        double part = 1;
        for (std::size_t first = 0; first < count_; first += group_size) {
            if (first > 0 && spent_us_ > effort_.budget_us / 2) break;
            std::vector<std::size_t> group(std::min(group_size, count_ - first));
            std::iota(group.begin(), group.end(), first);
            spent_us_ += runs_.prepare(group);
            if (first == 0) {
                run(0, 1, 1);  // warms up, and tells how much of the work makes a brief run
                part = std::clamp(effort_.screen_us / std::max(best_[0], 1e-3), 1e-3, 1.0);
                best_[0] = INFINITY;  // such a run's time is one of its own kind
            }
            when_calm([&](std::size_t leader) {
                for (std::size_t c : group)
                    if (c != leader) run(c, part, effort_.screen_ratio);
                return run(leader, part, 1);
            });
            left_.insert(left_.end(), group.begin(), group.end());
            keep(effort_.screen_ratio, left_.size());
        }
    }

    void play_rounds() {
        for (std::size_t r = 0; r < effort_.rounds.size() && left_.size() > 1; ++r) {
            const double leader = best_[left_.front()], remaining = effort_.budget_us - spent_us_;
            if (r >= 1 && remaining < 2 * leader) break;
            // A third of the budget left goes into one round, if that is enough for three candidates.
            const auto affordable = static_cast<std::size_t>(std::clamp(remaining / 3 / std::max(leader, 1e-3), 3.0, 1e6));
            keep(effort_.rounds[r].ratio, std::min(effort_.rounds[r].most, affordable));
            if (left_.size() == 1) return;
            if (r == 0)  // brief runs are not compared with whole ones
                for (std::size_t c : left_) best_[c] = INFINITY, whole_[c] = true;
            const double next_ratio = effort_.rounds[std::min(r + 1, effort_.rounds.size() - 1)].ratio;
            const int runs = static_cast<int>(std::clamp(effort_.round_us / std::max(leader, 1e-3), 1.0, 16.0));
            when_calm([&](std::size_t first) {
                double leaders = INFINITY;
                for (int i = 0; i < runs; ++i)
                    for (std::size_t c : left_)
                        if (const double us = run(c, 1, next_ratio); c == first) leaders = std::min(leaders, us);
                return leaders;
            });
            sort_left();
        }
    }

    const std::size_t count_;
    const Effort& effort_;
    const Runs& runs_;
    std::vector<double> best_;      // smallest time so far, by candidate
    std::vector<bool> whole_;       // whether that is of whole runs
    std::vector<std::size_t> left_; // the leader first
    double spent_us_ = 0;
    int ran_ = 0, repeated_ = 0;
};

}  // namespace

std::vector<double> contest(std::size_t count, const Effort& effort, const Runs& runs) {
    if (count <= 1) return std::vector<double>(count, 0.0);
    return Contest(count, effort, runs).result();
}

}  // namespace tercet
