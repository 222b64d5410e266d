// SPDX-License-Identifier: Apache-2.0
/// @file
/// Precisions of single layers, as build() and export_model() take them.
#pragma once

#include "tercet/error.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace [[gnu::visibility("default")]] tercet {

/// {"head/*", "fp32"}: for layers whose name (of the ONNX node, else of its first output) fits the pattern, in which * stands for
/// any characters and ? for one. The last that fits counts.
using LayerPrecisions = std::vector<std::pair<std::string, std::string>>;

/// "head/*:fp32,conv1:fp16": a pattern ends at its last colon; it may stand in '...', as trtexec writes names. Error if the text is
/// written otherwise, or names no precision.
LayerPrecisions parse_layer_precisions(std::string_view text);

}  // namespace tercet
