// SPDX-License-Identifier: Apache-2.0
// Choosing tactics. For every step at every profile point, the candidates are timed on random data (or estimated, under
// `--tune none`); then the packing that is best over the three points is taken, and at each point its fastest candidate.
//
// Timing is interleaved: in every round each candidate that is left runs once, so that a disturbance hits all alike; a
// candidate's time is its smallest. After a round, those far behind the leader are dropped.
#include "engine/samples.h"
#include "plan/timing_cache.h"
#include "plan/plan.h"
#include "system/thread_pool.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <random>
#include <set>

namespace tercet {
namespace {

using clock = std::chrono::steady_clock;

struct Candidate {
    Choice choice;
    const Tactic* tactic = nullptr;
    std::string packing;
    double cost = 0;
};

std::vector<Candidate> candidates_of(const Step& step, const PlanSettings& settings) {
    std::vector<Candidate> all;
    for (const Tactic* t : all_tactics()) {
        if (t->refuse(step, settings.isa)) continue;
        if (settings.strict && t->numerics(step) == Numerics::approximate) continue;
        for (const Variant& v : t->variants(step, settings.isa))
            all.push_back({{std::string(t->name), v}, t, t->packing ? t->packing(step, v) : "", t->cost(step, v, settings.isa)});
    }
    std::ranges::stable_sort(all, {}, &Candidate::cost);
    return all;
}

// One step's operands on random data, and workers to run candidates with.
class Bench {
public:
    Bench(const Step& step, ThreadPool& pool, const Isa& isa) : step_(step), pool_(pool), isa_(isa) {
        std::mt19937 random(1);
        for (const auto& in : step.inputs) tensors_.push_back(in.constant ? *in.constant : in ? filled(in, random) : Tensor());
        for (const auto& out : step.outputs) outputs_.push_back(out ? Tensor::zeros(out.dtype, out.shape) : Tensor());
    }

    struct Compiled {
        Kernel kernel;
        std::vector<const void*> in;
    };

    Compiled compile(const Candidate& c) {
        Compiled x{c.tactic->compile(step_, c.choice.variant, isa_), {}};
        for (const Tensor& t : tensors_) x.in.push_back(t ? t.data() : nullptr);
        if (!c.packing.empty()) {
            Tensor& packed = packed_[c.packing + std::string(c.tactic->name)];
            if (!packed) packed = c.tactic->pack(step_, c.choice.variant);
            x.in[1] = packed.data();
        }
        if (const std::string key = c.tactic->expansion ? c.tactic->expansion(step_, c.choice.variant) : ""; !key.empty()) {
            Tensor& expanded = expanded_[key + std::string(c.tactic->name)];
            if (!expanded) expanded = c.tactic->expand(step_, c.choice.variant, x.in[1], isa_);
            x.in[1] = expanded.data();
        }
        const std::size_t need = x.kernel.workspace_bytes + 64 + static_cast<std::size_t>(pool_.threads()) * (x.kernel.worker_bytes + 64);
        if (scratch_.bytes() < need) scratch_ = Tensor::zeros(DType::u8, {static_cast<std::int64_t>(need)});
        return x;
    }

    double microseconds(const Compiled& c, int repeats) {
        std::vector<void*> out;
        for (Tensor& t : outputs_) out.push_back(t ? t.writable().data : nullptr);
        const std::size_t workspace = (c.kernel.workspace_bytes + 63) / 64 * 64, own = (c.kernel.worker_bytes + 63) / 64 * 64;
        std::byte* scratch = scratch_.writable().data;
        std::vector<std::atomic<std::int64_t>> next(c.kernel.phases.size() * static_cast<std::size_t>(repeats));
        const auto start = clock::now();
        pool_.run([&](int worker) {
            const Buffers buffers{c.in, out, scratch, scratch + workspace + static_cast<std::size_t>(worker) * own};
            for (std::size_t i = 0; i < next.size(); ++i) {
                const Phase& phase = c.kernel.phases[i % c.kernel.phases.size()];
                const std::int64_t share = std::max<std::int64_t>(1, phase.units / (pool_.threads() * 8));
                for (std::int64_t first; (first = next[i].fetch_add(share, std::memory_order_relaxed)) < phase.units;)
                    phase.run(buffers, first, std::min(phase.units, first + share));
                pool_.barrier();
            }
        });
        return std::chrono::duration<double, std::micro>(clock::now() - start).count() / repeats;
    }

private:
    static Tensor filled(const Step::Operand& o, std::mt19937& random) {
        Tensor t = Tensor::zeros(o.dtype, o.shape);
        if (o.dtype == DType::f32) {
            auto* p = reinterpret_cast<float*>(t.writable().data);
            for (std::int64_t i = 0; i < t.count(); ++i) p[i] = static_cast<float>(random() >> 8) * 0x1p-24f - 0.5f;
        }
        return t;  // integers stay 0: valid as indices and as contents
    }

    const Step& step_;
    ThreadPool& pool_;
    const Isa& isa_;
    std::vector<Tensor> tensors_, outputs_;
    std::map<std::string, Tensor> packed_, expanded_;
    Tensor scratch_;
};

struct Effort {
    double cost_ratio;   // candidates estimated slower than the best by more are not timed
    int rounds;
    double keep_ratio;   // after a round, candidates slower than the leader by more are dropped
    double round_us;     // a candidate runs this long in a round
    double first_ratio;  // candidates whose first run takes longer than the fastest first run by more are dropped at once
};

constexpr Effort effort_of(Tune tune) { return tune == Tune::full ? Effort{64, 7, 3.0, 4000, 20} : Effort{4, 3, 1.2, 500, 2.5}; }

TimingCache::Times measure(const Step& step, const std::vector<Candidate>& all, ThreadPool& pool, const PlanSettings& settings) {
    const Effort effort = effort_of(settings.tune);
    Bench bench(step, pool, settings.isa);
    struct Running {
        const Candidate* candidate;
        Bench::Compiled compiled;
        double best = INFINITY;
        int repeats = 1;
    };
    std::vector<Running> running;
    for (const Candidate& c : all)
        if (c.cost <= all.front().cost * effort.cost_ratio + 1) running.push_back({&c, bench.compile(c)});
    TimingCache::Times times;
    if (running.size() == 1) return {{running[0].candidate->choice, 0}};  // nothing to choose
    bench.microseconds(running[0].compiled, 1);  // warms the caches
    for (Running& r : running) {
        r.best = times[r.candidate->choice] = bench.microseconds(r.compiled, 1);  // stays the time of those dropped
        r.repeats = std::clamp(static_cast<int>(effort.round_us / std::max(r.best, 0.1)), 1, 1000);
    }
    const double fastest_first = std::ranges::min(running, {}, &Running::best).best;
    std::erase_if(running, [&](const Running& r) { return r.best > fastest_first * effort.first_ratio; });
    for (Running& r : running) r.best = INFINITY;  // the first run was one of its own kind
    for (int round = 0; round < effort.rounds && running.size() > 1; ++round) {
        for (Running& r : running) r.best = std::min(r.best, bench.microseconds(r.compiled, r.repeats));
        const double leader = std::ranges::min(running, {}, &Running::best).best;
        for (const Running& r : running) times[r.candidate->choice] = r.best;
        std::erase_if(running, [&](const Running& r) { return r.best > leader * effort.keep_ratio; });
    }
    for (auto& [choice, us] : times) us = std::round(us * 1000) / 1000;
    return times;
}

}  // namespace

void choose_tactics(Program& p, const PlanSettings& settings) {
    TimingCache forgotten;
    TimingCache& cache = settings.timings ? *settings.timings : forgotten;
    std::map<int, ThreadPool> pools;
    std::int64_t done = 0;
    p.isa = {};
    for (ProgramStep& step : p.steps) {
        at(fmt::format("{} ({})", step.node.name, step.node.op), [&] {
            std::array<std::vector<Candidate>, profile_points> candidates;
            std::array<TimingCache::Times, profile_points> times;
            for (int point = 0; point < profile_points; ++point) {
                const auto i = static_cast<std::size_t>(point);
                const Step s = step_at(p, step, tuned_at(p, static_cast<ProfilePoint>(point)));
                const int threads = p.slice > 0 && point != 0 ? 1 : settings.threads;
                const std::string machine = TimingCache::machine_key(settings.isa, threads, fmt::format("{}{}", settings.tune == Tune::full ? "full" : "fast", settings.strict ? ", strict" : ""));
                candidates[i] = candidates_of(s, settings);
                if (settings.tune == Tune::none) {
                    for (const Candidate& c : candidates[i]) times[i][c.choice] = c.cost;
                    continue;
                }
                const std::string signature = s.signature();
                const TimingCache::Times* known = cache.find(machine, signature);
                if (!known) {
                    cache.set(machine, signature, measure(s, candidates[i], pools.try_emplace(threads, threads).first->second, settings));
                    known = cache.find(machine, signature);
                }
                times[i] = *known;
            }
            // The packing whose fastest candidates lose least against the fastest of all, summed over the points.
            std::set<std::string> packings;
            for (const auto& list : candidates)
                for (const Candidate& c : list) packings.insert(c.packing);
            double best_loss = INFINITY;
            for (const std::string& packing : packings) {
                double loss = 0;
                std::array<Choice, profile_points> choices;
                for (std::size_t i = 0; i < profile_points; ++i) {
                    double fastest = INFINITY, here = INFINITY;
                    for (const Candidate& c : candidates[i]) {
                        const auto t = times[i].find(c.choice);
                        if (t == times[i].end()) continue;
                        fastest = std::min(fastest, t->second);
                        if (c.packing == packing && t->second < here) here = t->second, choices[i] = c.choice;
                    }
                    loss += !std::isfinite(here) ? INFINITY : here == fastest ? 1 : here / fastest;
                }
                if (loss < best_loss) best_loss = loss, step.choices = choices, step.packing = packing;
            }
            if (!std::isfinite(best_loss)) {
                // No packing was timed at all three points: estimates decide.
                for (const std::string& packing : packings) {
                    double cost = 0;
                    std::array<Choice, profile_points> choices;
                    for (std::size_t i = 0; i < profile_points; ++i) {
                        const auto c = std::ranges::find(candidates[i], packing, &Candidate::packing);
                        cost += c == candidates[i].end() ? INFINITY : c->cost;
                        if (c != candidates[i].end()) choices[i] = c->choice;
                    }
                    if (cost < best_loss) best_loss = cost, step.choices = choices, step.packing = packing;
                }
            }
            for (const Choice& c : step.choices) p.isa.level = std::max(p.isa.level, std::min(find_tactic(c.tactic)->most, settings.isa.level));
            if (settings.log) settings.log(fmt::format("{}: {} {}", step.node.name, step.choices[1].tactic, step.choices[1].variant.text()));
        });
        if (settings.progress) settings.progress({"tuning", ++done, static_cast<std::int64_t>(p.steps.size())});
    }
}

}  // namespace tercet
