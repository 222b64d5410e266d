// SPDX-License-Identifier: Apache-2.0
// Whether the samples of a batch are computed apart from each other, so that a batch may be run in slices.
#pragma once

#include "engine/program.h"

#include <optional>
#include <string>

namespace tercet {

/// The symbol of the batch, if every input, every output and every computed value has it, and it alone, as its first extent
/// (which no other one depends on), and every step computes each sample from that sample and constants only. For a program whose ids are in range.
std::optional<std::string> batch_symbol(const Program& program);

/// The sizes at which a point's tactics were chosen: the profile's own, or, where the batch runs in slices, its minimum on
/// all workers (point min) and one slice on one worker (opt and max).
Symbols tuned_at(const Program& program, ProfilePoint point);

/// How `batch` samples are run by so many workers: slices of this many, the last one perhaps smaller; 0: all at once, by all
/// workers together, as where there are fewer samples than workers.
std::int64_t slice_of(const Program& program, std::int64_t batch, int workers);

}  // namespace tercet
