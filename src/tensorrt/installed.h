// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensorrt/target.h"
#include "tercet/tensorrt.h"

namespace tercet {

/// The installed module that the target needs. Error that says what was found instead, where, and how to get it.
TensorRtModule require_tensorrt(const TensorRtTarget& target, const std::string& python);

}  // namespace tercet
