// SPDX-License-Identifier: Apache-2.0
#include "system/share_file.h"

#include "tercet/error.h"

#include <fmt/format.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace tercet {

std::filesystem::path share_file(std::string_view name) {
    std::vector<std::filesystem::path> folders;
    if (const char* named = std::getenv("TERCET_SHARE"); named && *named) {
        folders.emplace_back(named);
    } else {
        std::error_code error;
        const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
        if (!error)
            for (const auto& base : {program.parent_path().parent_path(), program.parent_path()}) folders.push_back(base / "share/tercet");
        folders.emplace_back(TERCET_INSTALLED_SHARE);
    }
    std::vector<std::string> looked;
    for (const auto& folder : folders) {
        std::error_code error;
        if (auto file = folder / name; std::filesystem::is_regular_file(file, error)) return file;
        looked.push_back(folder.string());
    }
    throw Error({.what = fmt::format("{} is missing, which is installed with Tercet", name), .where = fmt::format("{}", fmt::join(looked, ", ")),
                 .fix = "install Tercet whole, or set TERCET_SHARE to its share/tercet"});
}

}  // namespace tercet
