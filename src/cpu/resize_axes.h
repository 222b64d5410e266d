// SPDX-License-Identifier: Apache-2.0
// What the tactics for Resize share: where along each axis the elements of the output come from.
#pragma once

#include "ops/resample.h"
#include "target/tactic.h"

#include <vector>

namespace tercet {

/// Why the places that a Resize reads are not fixed by its shapes and constants.
Refusal refuse_resize(const Step& step, const Isa& isa);

/// Of each axis, in the order in which the axes lie in memory: what each element of the output is made of.
std::vector<std::vector<Samples>> resize_samples(const Step& step);

/// Whether an axis of `extent` elements is taken over as it is.
bool stays(const std::vector<Samples>& axis, std::int64_t extent);

}  // namespace tercet
