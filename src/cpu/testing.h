// SPDX-License-Identifier: Apache-2.0
// For tests of kernels: memory whose neighbourhood is not mapped, so that a read or write beside it ends the test.
#pragma once

#include "target/tactic.h"

#include <vector>

namespace tercet::testing {

class GuardedBuffer {
public:
    enum class Flush { start, end };
    GuardedBuffer(std::size_t bytes, Flush flush);
    ~GuardedBuffer();
    GuardedBuffer(const GuardedBuffer&) = delete;
    GuardedBuffer& operator=(const GuardedBuffer&) = delete;
    std::byte* data() const { return data_; }

private:
    void* pages_ = nullptr;
    std::size_t mapped_ = 0;
    std::byte* data_ = nullptr;
};

/// Runs a kernel on these operands (constants packed and expanded as the tactic wants them), its units handed out from the last
/// to the first, one to three at a time, to workers in turn, every buffer flush against unmapped pages. Returns the outputs.
std::vector<Tensor> run_kernel(const Tactic& tactic, const Step& step, const Variant& variant, const Isa& isa, std::span<const Tensor> inputs,
                               GuardedBuffer::Flush flush);

}  // namespace tercet::testing
