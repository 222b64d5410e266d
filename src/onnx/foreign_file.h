// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tercet/error.h"

#include <optional>
#include <span>

namespace tercet::onnx {

/// What a file that is no ONNX model seems to be, and how a model comes of it; empty if nothing is known of it.
std::optional<Fault> recognize_foreign(std::span<const std::byte> bytes);

/// How to make an ONNX model, for errors.
std::string how_to_export();

}  // namespace tercet::onnx
