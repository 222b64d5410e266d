// SPDX-License-Identifier: Apache-2.0
// The processor's data caches, as far as measurements have to know them.
#pragma once

#include <cstddef>

namespace tercet {

/// Bytes of a data cache of this level that a core sees; what is usual where the system does not tell.
std::size_t cache_bytes(int level);

/// Afterwards these bytes come from memory. Does nothing where the processor offers no way.
void flush_from_caches(const void* data, std::size_t bytes);

}  // namespace tercet
