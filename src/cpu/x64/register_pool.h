// SPDX-License-Identifier: Apache-2.0
// Vector registers that a generator may use, handed out one by one, the first free one first; a Register gives its own back.
#pragma once

#include "cpu/x64/assembler.h"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

namespace tercet::x64 {

class RegisterPool {
public:
    explicit RegisterPool(std::vector<Vec> registers) : registers_(std::move(registers)) {}

    /// How many were in use at once, so far. May exceed what there is: then the last was handed out several times, and the
    /// code is good for counting only.
    int most() const { return static_cast<int>(used_.size()); }

private:
    friend class Register;
    int take() {
        const auto free = std::ranges::find(used_, false);
        const auto slot = static_cast<int>(free - used_.begin());
        if (free == used_.end()) used_.push_back(true);
        else *free = true;
        return slot;
    }
    std::vector<Vec> registers_;
    std::vector<bool> used_;
};

class Register {
public:
    explicit Register(RegisterPool& pool) : pool_(&pool), slot_(pool.take()) {}
    Register(Register&& from) noexcept : pool_(std::exchange(from.pool_, nullptr)), slot_(from.slot_) {}
    Register& operator=(Register&& from) noexcept {
        std::swap(pool_, from.pool_);
        std::swap(slot_, from.slot_);
        return *this;
    }
    ~Register() {
        if (pool_) pool_->used_[static_cast<std::size_t>(slot_)] = false;
    }
    operator const Vec&() const { return pool_->registers_[std::min(static_cast<std::size_t>(slot_), pool_->registers_.size() - 1)]; }

private:
    RegisterPool* pool_;
    int slot_;
};

}  // namespace tercet::x64
