// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

namespace tercet {

/// A file that appears whole or not at all: written beside its place under another name, synced, and renamed by commit().
/// Without commit() nothing is left. Error (what the system said, and the path) when something cannot be written.
class OutputFile {
public:
    explicit OutputFile(std::filesystem::path place);
    ~OutputFile();
    OutputFile(const OutputFile&) = delete;
    OutputFile& operator=(const OutputFile&) = delete;

    void write(std::span<const std::byte> bytes);
    void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
    std::uint64_t position() const { return position_; }
    void commit();

private:
    std::filesystem::path place_, temporary_;
    int file_ = -1;
    std::uint64_t position_ = 0;
};

}  // namespace tercet
