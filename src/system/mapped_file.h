// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

namespace tercet {

/// A file's bytes, read-only, for as long as someone holds `owner`. Replacing the file by rename is safe meanwhile;
/// truncating it in place is not (the process would be killed on access), which `read` avoids by copying.
struct FileBytes {
    std::shared_ptr<const void> owner;
    std::span<const std::byte> bytes;
};

/// Maps a regular file. Error if it is missing, no regular file, or unreadable. An empty file gives no bytes.
FileBytes map_file(const std::filesystem::path& file);

/// Reads a regular file whole into memory, 64-byte aligned.
FileBytes read_file(const std::filesystem::path& file);

/// Copies what is in memory already, 64-byte aligned. std::bad_alloc if there is no room.
FileBytes copy_bytes(std::span<const std::byte> bytes);

}  // namespace tercet
