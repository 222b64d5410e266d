// SPDX-License-Identifier: Apache-2.0
// Zeroed memory. Large blocks come straight from the system: they cost memory only once they are touched, and lie on huge
// pages where the system has them, so that reading through them misses the TLB less and filling them faults less.
#pragma once

#include <cstddef>
#include <memory>

namespace tercet {

/// `bytes` of zeros, 64-byte aligned. std::bad_alloc if there are none.
std::shared_ptr<std::byte> zeroed_memory(std::size_t bytes);

}  // namespace tercet
