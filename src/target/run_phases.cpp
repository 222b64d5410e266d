// SPDX-License-Identifier: Apache-2.0
#include "target/run_phases.h"

#include "tercet/error.h"

namespace tercet {

void PhaseList::add(std::int64_t units) {
    const std::size_t phase = phases_++;
    if (units <= 0) return;
    if (units == 1 && !stretches_.empty() && stretches_.back().units == 1 && stretches_.back().last == phase) {
        ++stretches_.back().last;
        return;
    }
    if (stretches_.size() >> (64 - 3 * PhaseRun::bits)) throw Error({.what = "too many steps to run", .fix = "split the model"});
    const auto most = static_cast<std::int64_t>(PhaseRun::most);
    const std::int64_t grain = (units - 1) / most + 1;
    stretches_.push_back({phase, phase + 1, units, grain, static_cast<std::uint64_t>((units - 1) / grain + 1)});
}

std::uint64_t PhaseRun::beginning(std::uint64_t s) const {
    return s << 3 * bits | (s < list_->stretches_.size() ? list_->stretches_[s].grains << bits : 0);
}

void PhaseRun::start(const PhaseList& list, int threads) {
    list_ = &list;
    divisor_ = threads > 1 ? 2 * static_cast<std::uint64_t>(threads) : 1;
    word_.value.store(beginning(0), std::memory_order_relaxed);  // the pool's gate shows it to the workers
}

bool PhaseRun::take(std::uint64_t& w, std::uint64_t s, int worker, std::uint64_t& first, std::uint64_t& last) {
    // Acquire: units done before in this stretch by others may be read from only after it, but those of the stretch before now.
    for (w = word_.value.load(std::memory_order_acquire);;) {
        const std::uint64_t front = front_of(w), back = back_of(w);
        if (stretch_of(w) != s || front == back) return false;
        const std::uint64_t share = std::max<std::uint64_t>(1, (back - front) / divisor_);
        const bool from_front = worker % 2 == 0;
        first = from_front ? front : back - share;
        last = first + share;
        if (word_.value.compare_exchange_weak(w, from_front ? w + (share << 2 * bits) : w - (share << bits), std::memory_order_acq_rel, std::memory_order_acquire)) return true;
    }
}

std::uint64_t PhaseRun::finish(std::uint64_t s, std::uint64_t done) {
    if (done > 0) {
        const std::uint64_t w = word_.value.fetch_add(done, std::memory_order_acq_rel) + done;
        if (done_of(w) == list_->stretches_[s].grains) {
            const std::uint64_t next = beginning(s + 1);
            word_.value.store(next);
            word_.wake();
            return next;
        }
    }
    return word_.wait([s](std::uint64_t w) { return stretch_of(w) != s; }, patience_);
}

}  // namespace tercet
