// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

namespace tercet {

/// A folder of its own in the system's place for temporary files, gone with this object. Error if it cannot be made.
class TemporaryFolder {
public:
    TemporaryFolder();
    ~TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    const std::filesystem::path& path() const { return path_; }
    /// Writes a file into it, with the folders that `name` needs.
    std::filesystem::path write(std::string_view name, std::span<const std::byte> bytes) const;
    std::filesystem::path write(std::string_view name, std::string_view text) const { return write(name, std::as_bytes(std::span(text))); }

private:
    std::filesystem::path path_;
};

}  // namespace tercet
