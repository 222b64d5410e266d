// SPDX-License-Identifier: Apache-2.0
#include "onnx/external_data.h"

#include "tercet/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace tercet::onnx {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(std::string_view location, std::string_view why) {
    throw Error({.what = fmt::format("external data '{}' {}", location, why),
                 .fix = "keep the data in a file in the model's folder: onnx.save(model, file, save_as_external_data=True)"});
}

}  // namespace

const FileBytes& ExternalData::file(std::string_view location) {
    const fs::path path(location);
    if (folder_.empty()) refuse(location, "has no folder, since the model came from memory");
    if (location.empty() || location.find('\0') != std::string_view::npos) refuse(location, "is no file name");
    if (path.is_absolute()) refuse(location, "has an absolute path");
    if (std::ranges::find(path, fs::path("..")) != path.end()) refuse(location, "leads out of the model's folder");

    std::error_code failed;
    const fs::path folder = fs::canonical(folder_, failed);
    const fs::path real = failed ? fs::path() : fs::canonical(folder / path, failed);
    if (failed) refuse(location, fmt::format("cannot be found ({})", failed.message()));
    if (std::ranges::mismatch(folder, real).in1 != folder.end()) refuse(location, "leads out of the model's folder by a link");

    const auto known = files_.find(real);
    return known != files_.end() ? known->second : files_.emplace(real, map_file(real)).first->second;
}

}  // namespace tercet::onnx
