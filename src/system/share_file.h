// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string_view>

namespace tercet {

/// A file that is installed with Tercet under share/tercet, such as "tensorrt/worker.py". Looked for in the folder that the environment
/// variable TERCET_SHARE names, else beside the running program (../share/tercet, in a build tree share/tercet), else where Tercet was
/// configured to be installed. Error that names these places if it is in none of them.
std::filesystem::path share_file(std::string_view name);

}  // namespace tercet
