// SPDX-License-Identifier: Apache-2.0
#include "system/temporary_folder.h"

#include "tercet/error.h"

#include <stdlib.h>

#include <fstream>

namespace tercet {

TemporaryFolder::TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "tercet-XXXXXX").string();
    if (!mkdtemp(name.data())) throw Error({.what = "no folder for temporary files can be made", .where = name, .fix = "set TMPDIR to a folder that may be written"});
    path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path TemporaryFolder::write(std::string_view name, std::span<const std::byte> bytes) const {
    const auto file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return file;
}

}  // namespace tercet
