// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "onnx/model_format.h"

#include <filesystem>
#include <string>
#include <string_view>

namespace tercet {

/// Which framework reads files of this format; empty: none.
std::string framework_of(onnx::ModelFormat format);

/// Whether install_converter() has made this environment, as this version of Tercet wants it.
bool is_complete(const std::filesystem::path& environment, std::string_view framework);

}  // namespace tercet
