// SPDX-License-Identifier: Apache-2.0
// A data file, opened, unpacked and recognised.
#pragma once

#include "system/mapped_file.h"

#include <filesystem>
#include <string_view>

namespace tercet {

enum class DataFormat { npy, npz, idx, image, text };

struct DataFile {
    FileBytes file;
    DataFormat format;
    std::string_view text() const { return {reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size()}; }
};

/// Maps the file, unpacks it if it is gzip, and tells its format by its first bytes; text is what holds no zero byte there.
/// Error, with the path, if it cannot be read, is empty, damaged, or of no format named here.
DataFile open_data(const std::filesystem::path& path);

}  // namespace tercet
