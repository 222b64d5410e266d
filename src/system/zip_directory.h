// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace tercet {

/// A file in a zip archive. Both refer to the archive's bytes.
struct ZipMember {
    std::string_view name;
    std::span<const std::byte> stored;  // empty if it is compressed or encrypted
};

/// What is in a zip archive, zip64 or not, as far as its directory tells; empty if it has none or is damaged. Checks no checksum.
std::optional<std::vector<ZipMember>> read_zip_directory(std::span<const std::byte> archive);

}  // namespace tercet
