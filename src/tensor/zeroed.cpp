// SPDX-License-Identifier: Apache-2.0
#include "tensor/zeroed.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>

#include <sys/mman.h>

namespace tercet {
namespace {

constexpr std::size_t huge_page = std::size_t{2} << 20;

std::shared_ptr<std::byte> from_heap(std::size_t bytes) {
    constexpr std::size_t alignment = 64;
    bytes = (bytes / alignment + 1) * alignment;
    std::shared_ptr<std::byte> memory(static_cast<std::byte*>(std::aligned_alloc(alignment, bytes)), std::free);
    if (!memory) throw std::bad_alloc();
    std::memset(memory.get(), 0, bytes);
    return memory;
}

// A huge page more than asked for, so that one begins in it; what is never touched costs nothing.
std::shared_ptr<std::byte> from_system(std::size_t bytes) {
    if (bytes > std::numeric_limits<std::size_t>::max() / 2) throw std::bad_alloc();
    const std::size_t rounded = (bytes + huge_page - 1) / huge_page * huge_page, mapped = rounded + huge_page;
    void* pages = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) throw std::bad_alloc();
    const auto start = (reinterpret_cast<std::uintptr_t>(pages) + huge_page - 1) / huge_page * huge_page;
    auto* data = reinterpret_cast<std::byte*>(start);
    madvise(data, rounded, MADV_HUGEPAGE);  // a wish
    return {data, [pages, mapped](std::byte*) { munmap(pages, mapped); }};
}

}  // namespace

std::shared_ptr<std::byte> zeroed_memory(std::size_t bytes) { return bytes < 2 * huge_page ? from_heap(bytes) : from_system(bytes); }

}  // namespace tercet
