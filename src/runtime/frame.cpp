// SPDX-License-Identifier: Apache-2.0
#include "runtime/frame.h"

#include "tensor/zeroed.h"
#include "tercet/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace tercet {

using Place = ProgramValue::Place;

void Memory::reserve(std::size_t bytes) {
    if (bytes <= bytes_) return;
    try {
        data_ = zeroed_memory(bytes);
    } catch (const std::bad_alloc&) {
        throw Error({.what = fmt::format("no memory for {} MiB of buffers", bytes >> 20), .fix = "use a smaller batch"});
    }
    bytes_ = bytes;
}

Frame::Frame(const Program& program, Prepared prepared, const Placement& placement, std::vector<ValueId> given, Room& room, int workers)
    : program_(&program), prepared_(std::move(prepared)), offsets_(placement.offsets), given_(std::move(given)), room_(&room), addresses_(program.values.size()) {
    room.arena.reserve(static_cast<std::size_t>(placement.bytes));
    room.workspace.reserve(prepared_.workspace_bytes + static_cast<std::size_t>(workers) * worker_stride());
    std::vector<bool> moves(program.values.size());
    for (ValueId v : given_) moves[static_cast<std::size_t>(v)] = true;
    for (const GraphOutput& o : program.outputs) moves[static_cast<std::size_t>(o.value)] = true;
    for (std::size_t i = 0; i < program.values.size(); ++i) {
        if (program.values[i].place != Place::view) continue;
        const auto of = static_cast<std::size_t>(program.values[i].of);
        moves[i] = moves[i] || moves[of];
        if (moves[i]) moving_views_.emplace_back(i, of);
    }
    const auto any_moves = [&](const std::vector<ValueId>& values) {
        return std::ranges::any_of(values, [&](ValueId v) { return v != ValueId::none && moves[static_cast<std::size_t>(v)]; });
    };
    for (std::size_t i = 0; i < prepared_.steps.size(); ++i)
        if (any_moves(prepared_.steps[i].inputs) || any_moves(prepared_.steps[i].outputs)) moving_steps_.push_back(i);
    place_all();
}

void Frame::place_all() {
    arena_ = room_->arena.data();
    for (std::size_t i = 0; i < program_->values.size(); ++i) {
        const ProgramValue& v = program_->values[i];
        if (v.place == Place::constant) addresses_[i] = const_cast<std::byte*>(v.constant.data());
        if (offsets_[i] >= 0) addresses_[i] = arena_ + offsets_[i];
        if (v.place == Place::view) addresses_[i] = addresses_[static_cast<std::size_t>(v.of)];
    }
    for (PreparedStep& s : prepared_.steps) fill(s);
}

void Frame::fill(PreparedStep& s) const {
    for (std::size_t i = 0; i < s.in.size(); ++i) s.in[i] = s.inputs[i] == ValueId::none ? nullptr : addresses_[static_cast<std::size_t>(s.inputs[i])];
    if (s.expansion) s.in[1] = s.expansion.data();
    for (std::size_t i = 0; i < s.out.size(); ++i) s.out[i] = s.outputs[i] == ValueId::none ? nullptr : addresses_[static_cast<std::size_t>(s.outputs[i])];
}

void Frame::place(std::span<const void* const> given, std::span<void* const> outputs) {
    if (arena_ != room_->arena.data()) place_all();
    for (std::size_t i = 0; i < given.size(); ++i) addresses_[static_cast<std::size_t>(given_[i])] = static_cast<std::byte*>(const_cast<void*>(given[i]));
    for (std::size_t i = program_->outputs.size(); i-- > 0;) {
        const auto v = static_cast<std::size_t>(program_->outputs[i].value);
        if (offsets_[v] < 0) continue;
        addresses_[v] = outputs[i] ? static_cast<std::byte*>(outputs[i]) : arena_ + offsets_[v];
    }
    for (const auto& [view, of] : moving_views_) addresses_[view] = addresses_[of];
    for (std::size_t s : moving_steps_) fill(prepared_.steps[s]);
}

}  // namespace tercet
