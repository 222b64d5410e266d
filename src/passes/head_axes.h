// SPDX-License-Identifier: Apache-2.0
// What the axes of queries, keys, values and results are, through the Reshapes and Transposes that bring them from [B,S,H*D] to
// [B,H,S,D], to [B*H,S,D], or back: every axis is a product of batch, head, row (a token) and column (an element of a head).
#pragma once

#include "graph/graph.h"

#include <optional>
#include <vector>

namespace tercet {

enum class Role {
    batch,
    head,
    batch_and_head,  // one extent that has not been seen apart
    row,
    column,
    part,    // of queries, keys and values in one: a single index of it is meant
    repeat,  // heads that are copies of one
};

struct Factor {
    Role role;
    Dim extent;
};
using Axis = std::vector<Factor>;  // outermost first; factors of extent 1 are left out

/// A value on the way.
struct Waypoint {
    ValueId value;
    std::vector<Axis> axes;
    std::int64_t part = 0;  // the index, where there is such an axis
    double scale = 1;       // times this it is what was asked for
};

/// Axes of one factor each.
std::vector<Axis> axes_of(const Shape& shape, std::initializer_list<Role> roles);
/// All factors in order.
std::vector<Factor> factors_of(const std::vector<Axis>& axes);
/// The extent of a role among the factors; 1 if it is not there.
Dim extent_of(const std::vector<Axis>& axes, Role role);

/// Axes of the value's elements in another shape; what is joint there is split where needed. Empty if they do not fit.
std::optional<std::vector<Axis>> regrouped(const std::vector<Axis>& axes, const Shape& to);

/// `from` and what it is computed from, by moves alone and, if `scales`, products with one number.
std::vector<Waypoint> sources(const Graph& g, Waypoint from, bool scales);
/// `from` and what is computed from it by moves alone, as long as nothing else reads it.
std::vector<Waypoint> results(const Graph& g, Waypoint from);

/// The number that a Mul or Div with a constant multiplies its other input, given as `x`, by.
std::optional<double> factor_of(const Graph& g, NodeId id, ValueId& x);

}  // namespace tercet
