// SPDX-License-Identifier: Apache-2.0
// What operators demand of their inputs, as Errors in the same words everywhere.
#pragma once

#include "ops/op.h"

#include <string_view>

namespace tercet {

/// Input i is f16, bf16, f32 or f64.
void require_float(const Inference& c, std::size_t i);
/// Inputs i and `as` have one element type. Absent ones pass.
void require_same_type(const Inference& c, std::size_t i, std::size_t as = 0);
/// Input i has between `min` and `max` axes.
void require_rank(const Inference& c, std::size_t i, int min, int max = max_rank);
/// Input i has this shape, as far as it is known while building. Absent ones pass.
void require_shape(const Inference& c, std::size_t i, const Shape& shape, std::string_view what);

/// Whether two extents can be equal: a symbol may turn out to be any number.
bool may_equal(const Dim& a, const Dim& b);

/// The same while a model runs, for extents that were symbols when it was built: Error unless `holds`.
void require_at_run(bool holds, std::string_view what);
/// `v` seen in the shape `to`; Error if it does not broadcast.
View checked_broadcast(const View& v, const Dims& to, std::string_view what);

}  // namespace tercet
