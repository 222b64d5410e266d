// SPDX-License-Identifier: Apache-2.0
// Stages: a program at one set of input shapes, run by all workers together, stage by stage (engine/program.h, stages_of).
// What a step has decided once is remembered: sizes that come again are ready.
//
//     stages.begin(inputs, outputs);
//     do run_all_phases(stages.frame()); while (stages.advance());
#pragma once

#include "runtime/frame.h"

#include <chrono>
#include <list>

namespace tercet {

class Stages {
public:
    /// Makes the first stage ready. `rooms`: one per stage, for as long as this lives. Error if the shapes do not fit together.
    Stages(const Program& program, const Symbols& inputs, Expansions& expansions, ThreadPool& pool, std::span<Room> rooms);

    static std::size_t count(const Program& program) { return stages_of(program).size(); }

    /// For the next run: where inputs lie, and where outputs are wanted, as Frame::place. Of a program that decides extents,
    /// outputs lie where they are computed.
    void begin(std::span<const void* const> inputs, std::span<void* const> outputs);

    /// The stage to be run now: all phases of its steps.
    Frame& frame() { return now_.back()->frame; }

    /// Enters the next stage, its deciding step already run; false: there is none. Error if a size that the data give does not
    /// fit, or there is no memory for it.
    bool advance();

    /// Of the stages that were run: their frames, the sizes known at the end, and where a value lies.
    std::size_t stages_run() const { return now_.size(); }
    const Frame& frame(std::size_t stage) const { return now_[stage]->frame; }
    const Symbols& symbols() const { return now_.back()->symbols; }
    void* address(ValueId v) const;
    std::chrono::steady_clock::duration deciding_time(std::size_t step) const;  // of a deciding step

private:
    struct Ready {
        Symbols symbols;    // all that are known in it
        Contents contents;  // behind its last step
        Frame frame;
    };
    Ready make(std::size_t stage, const Symbols& symbols, Contents contents);
    std::vector<std::int64_t> decide(std::size_t stage, std::vector<View>& in);

    const Program& program_;
    Expansions& expansions_;
    ThreadPool& pool_;
    std::span<Room> rooms_;
    std::vector<StepRange> ranges_;
    std::vector<std::size_t> home_;            // by value: the stage that computes it
    std::vector<std::list<Ready>> ready_;      // by stage, the most recently used first
    std::vector<Ready*> now_;                  // of this run, by stage
    std::vector<std::chrono::steady_clock::duration> deciding_times_;  // by stage, of its last run
    std::vector<const void*> inputs_;          // of this run
    Memory scratch_;                           // of the deciding step
    std::size_t scratch_bytes_ = 0;
};

}  // namespace tercet
