// SPDX-License-Identifier: Apache-2.0
// Labels out of what files hold.
#pragma once

#include "tensor/tensor.h"
#include "tercet/data.h"

#include <span>
#include <string>
#include <vector>

namespace tercet {

/// Labels from an integer array [n]. Error if it is something else, or holds a negative number.
std::vector<int> integer_labels(const Tensor& t);

/// Labels as written: if all are numbers they stay; else they become their place among `class_names`, or among themselves,
/// sorted, if that is empty. Error for a name that is not there.
Labels resolve_labels(const std::vector<std::string>& written, std::span<const std::string> class_names);

}  // namespace tercet
