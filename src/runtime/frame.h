// SPDX-License-Identifier: Apache-2.0
// Frame: prepared steps placed in memory, so that they can run: the addresses of their values and of their kernels' scratch.
// Frames that do not run at the same time share a Room.
#pragma once

#include "engine/placement.h"
#include "runtime/prepared.h"

namespace tercet {

/// Memory that grows and never shrinks; zeros at first.
class Memory {
public:
    void reserve(std::size_t bytes);  // Error if there is not so much
    std::byte* data() const { return data_.get(); }

private:
    std::shared_ptr<std::byte> data_;
    std::size_t bytes_ = 0;
};

struct Room {
    Memory arena, workspace;
};

class Frame {
public:
    /// `given`: the values that are there before it runs (the program's inputs, what earlier steps computed). `workers`: how many
    /// run its kernels together. Reserves what is needed in the room, which outlives the frame.
    Frame(const Program& program, Prepared prepared, const Placement& placement, std::vector<ValueId> given, Room& room, int workers);

    /// For the next run: where given values lie, and where outputs are wanted. Where that is null, or the output is not computed
    /// here (it is given or a view), it lies at address() afterwards. Of outputs that are one value, the first one counts.
    void place(std::span<const void* const> given, std::span<void* const> outputs);

    void* address(ValueId v) const { return addresses_[static_cast<std::size_t>(v)]; }
    const Prepared& prepared() const { return prepared_; }
    const std::vector<ValueId>& given() const { return given_; }
    Buffers buffers(const PreparedStep& step, int worker) const {
        std::byte* scratch = room_->workspace.data();
        return {step.in, step.out, scratch, scratch + prepared_.workspace_bytes + static_cast<std::size_t>(worker) * worker_stride()};
    }

private:
    std::size_t worker_stride() const { return (prepared_.worker_bytes + 63) / 64 * 64; }
    void place_all();
    void fill(PreparedStep& step) const;

    const Program* program_;
    Prepared prepared_;
    std::vector<std::int64_t> offsets_;
    std::vector<ValueId> given_;
    Room* room_;
    std::byte* arena_ = nullptr;                                     // as the addresses below have it: the room may have grown since
    std::vector<std::byte*> addresses_;                              // of all values
    std::vector<std::pair<std::size_t, std::size_t>> moving_views_;  // views whose address is another in each run, and what they show
    std::vector<std::size_t> moving_steps_;                          // steps with such operands
};

}  // namespace tercet
