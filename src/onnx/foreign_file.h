// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "onnx/model_format.h"
#include "tercet/error.h"

#include <optional>
#include <span>

namespace tercet::onnx {

/// What a file that is no ONNX model seems to be, and how a model comes of it; empty if nothing is known of it. `name` is what
/// commands call the file.
std::optional<Fault> recognize_foreign(std::span<const std::byte> bytes, std::string_view name);

/// The fault of a model of another framework in place of an ONNX model.
Fault foreign_model(ModelFormat format, std::string_view name);

/// How to make an ONNX model, for errors.
std::string how_to_export();

}  // namespace tercet::onnx
