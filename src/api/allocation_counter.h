// SPDX-License-Identifier: Apache-2.0
// For tests: counts what the whole process takes from malloc, operator new (which is malloc) and mmap.
#pragma once

#include <cstdint>

namespace tercet::testing {

/// Calls of malloc, calloc, realloc, aligned_alloc, posix_memalign and mmap so far. 0 for ever under sanitizers, which
/// bring their own.
std::int64_t allocations() noexcept;
bool counts_allocations() noexcept;

}  // namespace tercet::testing
