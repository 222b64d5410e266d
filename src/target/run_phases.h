// SPDX-License-Identifier: Apache-2.0
// How the workers of a pool run the phases of kernels: the runtime's runs and the tuner's timings both go through here, so
// that what is timed is what runs.
//
// - Units of a phase are handed out in shares that shrink with what is left of it, to one unit at the end.
// - Even workers take from the front, odd ones from the back: of two workers, each finds in its own cache much of what it
//   wrote in the phase before.
// - A phase begins when the last unit of the one before is done, not when all workers have arrived: one that the system keeps
//   from its processor holds nobody up unless it has units in hand.
// - Phases of one unit that follow each other are run by one worker, without a meeting between them.
#pragma once

#include "system/wait_word.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tercet {

/// Phases by their numbers of units, in order.
class PhaseList {
public:
    void add(std::int64_t units);
    std::size_t size() const { return phases_; }

private:
    friend class PhaseRun;
    // A phase, or several of one unit each. Units are handed out by grains, so that their number fits into the word below.
    struct Stretch {
        std::size_t first, last;  // phases [first, last)
        std::int64_t units, grain;
        std::uint64_t grains;
    };
    std::vector<Stretch> stretches_;
    std::size_t phases_ = 0;
};

class PhaseRun {
public:
    /// Workers that wait for others spin for `patience`, then sleep.
    explicit PhaseRun(std::chrono::microseconds patience = std::chrono::microseconds(200)) : patience_(patience) {}

    /// Before any worker calls work(). The list stays where it is until the last of them has returned.
    void start(const PhaseList& list, int threads);

    /// Called by each worker of the pool that comes; returns when all units of all phases are done. Calls
    /// run(phase, first, last), which must not throw.
    template <class Run>
    void work(int worker, Run&& run) {
        for (std::uint64_t w = word_.value.load(std::memory_order_acquire); stretch_of(w) < list_->stretches_.size();) {
            const std::uint64_t s = stretch_of(w);
            const PhaseList::Stretch& stretch = list_->stretches_[s];
            std::uint64_t done = 0;
            for (std::uint64_t first = 0, last = 0; take(w, s, worker, first, last); done += last - first) {
                if (stretch.last - stretch.first == 1)
                    run(stretch.first, static_cast<std::int64_t>(first) * stretch.grain, std::min(static_cast<std::int64_t>(last) * stretch.grain, stretch.units));
                else
                    for (std::size_t phase = stretch.first; phase < stretch.last; ++phase) run(phase, 0, 1);
            }
            w = finish(s, done);
        }
    }

private:
    // The whole state in one word: the stretch, its grains [front, back) not yet taken, and how many are done.
    static constexpr int bits = 14;
    static constexpr std::uint64_t most = (1 << bits) - 1;  // grains in a stretch
    static std::uint64_t stretch_of(std::uint64_t w) { return w >> 3 * bits; }
    static std::uint64_t front_of(std::uint64_t w) { return w >> 2 * bits & most; }
    static std::uint64_t back_of(std::uint64_t w) { return w >> bits & most; }
    static std::uint64_t done_of(std::uint64_t w) { return w & most; }
    friend class PhaseList;

    std::uint64_t beginning(std::uint64_t stretch) const;
    // Takes grains [first, last) of stretch s; false if none is left. `w` is the word as last seen.
    bool take(std::uint64_t& w, std::uint64_t s, int worker, std::uint64_t& first, std::uint64_t& last);
    // Tells that `done` grains are done and waits until all of the stretch are; returns the word then.
    std::uint64_t finish(std::uint64_t s, std::uint64_t done);

    const std::chrono::microseconds patience_;
    const PhaseList* list_ = nullptr;
    std::uint64_t divisor_ = 1;  // of what is left, for one share
    alignas(64) WaitWord<std::uint64_t> word_;
};

}  // namespace tercet
