// SPDX-License-Identifier: Apache-2.0
// Files beside a model that hold elements of its tensors. A model may come from anyone, so it reaches only files in its own
// folder: no absolute path, no "..", no link that leads out of it.
#pragma once

#include "system/mapped_file.h"

#include <filesystem>
#include <map>
#include <string_view>

namespace tercet::onnx {

class ExternalData {
public:
    explicit ExternalData(std::filesystem::path folder) : folder_(std::move(folder)) {}

    /// The whole file, mapped once however many tensors lie in it. Error if it is missing or may not be read.
    const FileBytes& file(std::string_view location);

private:
    std::filesystem::path folder_;  // empty: there is none, since the model came from memory
    std::map<std::filesystem::path, FileBytes> files_;
};

}  // namespace tercet::onnx
