// SPDX-License-Identifier: Apache-2.0
// Times kernels of one step on random data, with the caches as they are in a network when the step's turn comes:
//
// - Its weights were last used a whole run ago. If all that the program touches in between fits into the third-level cache,
//   they are read from a rotation of copies, as many bytes as lie between two uses, up to what no second-level cache holds;
//   else they are flushed, and come from memory.
// - Its input was written a moment ago, by the step before: each worker's share of it by that worker, so that what another one
//   reads has to come from its cache. Input and output come from a rotation of a few copies.
// - Its output is read by the step behind: where workers share a step, the time ends when each has read its share.
#pragma once

#include "plan/candidates.h"
#include "plan/contest.h"
#include "target/run_phases.h"

#include <map>
#include <mutex>

namespace tercet {

class ThreadPool;

/// Packed and expanded forms of a step's weights, made when first asked for; at all points of the profile they are the same.
class WeightForms {
public:
    /// What a kernel of the candidate reads as input 1. Safe to call from several threads.
    const Tensor& get(const Step&, const Candidate&, const Isa&);

private:
    struct Form {
        std::once_flag once;
        Tensor tensor;
    };
    Form& form(const std::string& key);

    std::mutex mutex_;
    std::map<std::string, Form> forms_;
};

class KernelTimer {
public:
    /// `program_bytes`: what the whole program reads and writes in a run. Everything given is referred to.
    KernelTimer(const Step& step, const std::vector<Candidate>& candidates, WeightForms& weights, std::size_t program_bytes, ThreadPool& pool, const Isa& isa);

    /// For `contest`; candidates by their index. Compiled in parallel.
    double prepare(std::span<const std::size_t> candidates);
    Sample run(std::size_t candidate, double part);
    void drop(std::size_t candidate) { ready_.erase(candidate); }

    /// "from memory" if that is where weights come from, else "": times differ.
    static std::string_view surroundings(std::size_t program_bytes);

private:
    struct Ready {
        Kernel kernel;
        const Tensor* weights = nullptr;  // null: as the operands have it
        std::vector<Tensor> copies;       // more of them, to rotate
    };
    Tensor filled(const Step::Operand&);

    const Step& step_;
    const std::vector<Candidate>& candidates_;
    WeightForms& weights_;
    const bool from_memory_;
    const std::size_t rotated_bytes_;
    ThreadPool& pool_;
    const Isa& isa_;
    std::vector<std::vector<Tensor>> operands_, results_;  // copies of all
    std::map<std::size_t, Ready> ready_;
    PhaseRun phases_{std::chrono::hours(1)};  // never sleeps: waiting for others is part of the time
    Tensor scratch_;
    std::size_t turn_ = 0;
};

}  // namespace tercet
