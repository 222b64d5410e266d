// SPDX-License-Identifier: Apache-2.0
#include "cpu/testing.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

namespace tercet::testing {

GuardedBuffer::GuardedBuffer(std::size_t bytes, Flush flush) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t inner = (bytes + page - 1) / page * page;
    mapped_ = inner + 2 * page;
    pages_ = mmap(nullptr, mapped_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages_ == MAP_FAILED) throw std::runtime_error("mmap");
    auto* first = static_cast<std::byte*>(pages_) + page;
    if (inner > 0 && mprotect(first, inner, PROT_READ | PROT_WRITE) != 0) throw std::runtime_error("mprotect");
    data_ = flush == Flush::start ? first : first + inner - bytes;
}

GuardedBuffer::~GuardedBuffer() { munmap(pages_, mapped_); }

std::vector<Tensor> run_kernel(const Tactic& tactic, const Step& step, const Variant& variant, const Isa& isa, std::span<const Tensor> inputs,
                               GuardedBuffer::Flush flush) {
    constexpr int workers = 3;
    std::vector<std::unique_ptr<GuardedBuffer>> memory;
    const auto guarded = [&](std::size_t bytes, GuardedBuffer::Flush f) {
        memory.push_back(std::make_unique<GuardedBuffer>(bytes, f));
        return memory.back()->data();
    };
    const Kernel kernel = tactic.compile(step, variant, isa);
    std::vector<const void*> in;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        const bool packed = i == 1 && tactic.packing && !tactic.packing(step, variant).empty();
        Tensor t = packed ? tactic.pack(step, variant) : inputs[i];
        if (!t) {
            in.push_back(nullptr);
            continue;
        }
        if (packed && t.count() != tactic.packed_count(step, variant)) throw std::logic_error("packed_count disagrees with pack");
        std::byte* p = guarded(t.bytes(), flush);
        std::memcpy(p, t.data(), t.bytes());
        if (i == 1 && tactic.expansion && !tactic.expansion(step, variant).empty()) {
            t = tactic.expand(step, variant, p, isa);
            p = guarded(t.bytes(), flush);
            std::memcpy(p, t.data(), t.bytes());
        }
        in.push_back(p);
    }
    std::vector<void*> out;
    for (const auto& o : step.outputs) {
        const std::size_t bytes = bytes_of(o.dtype, count_of(o.shape));
        std::byte* p = guarded(bytes, flush);
        std::memset(p, 0xff, bytes);  // NaN where nothing is written
        out.push_back(p);
    }
    const auto aligned = [](std::size_t n) { return (n + 63) / 64 * 64; };
    std::byte* workspace = guarded(aligned(kernel.workspace_bytes), GuardedBuffer::Flush::end);
    std::vector<std::byte*> own;
    for (int w = 0; w < workers; ++w) own.push_back(guarded(aligned(kernel.worker_bytes), GuardedBuffer::Flush::end));
    for (const Phase& phase : kernel.phases)
        for (std::int64_t last = phase.units; last > 0;) {
            const std::int64_t first = std::max<std::int64_t>(0, last - 1 - last % 3);
            phase.run({in, out, workspace, own[static_cast<std::size_t>(first % workers)]}, first, last);
            last = first;
        }
    std::vector<Tensor> results;
    for (std::size_t i = 0; i < out.size(); ++i) {
        Tensor t = Tensor::zeros(step.outputs[i].dtype, step.outputs[i].shape);
        std::memcpy(t.writable().data, out[i], t.bytes());
        results.push_back(std::move(t));
    }
    return results;
}

}  // namespace tercet::testing
