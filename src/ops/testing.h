// SPDX-License-Identifier: Apache-2.0
// For tests: graphs as text, values as text.
#pragma once

#include "ops/op.h"

#include <string>
#include <string_view>
#include <vector>

namespace tercet::testing {

/// Parses, infers, verifies, and checks that the types that follow for the outputs are those declared.
/// A type declared as [?...] in tests of unknown extents is compared by rank only.
Graph typed_graph(std::string_view text);

/// The graph, run by reference implementations on these tensors ("f32[2]{1, 2}"), gives those. Floats within `tolerance`
/// (absolute, plus relative to the expected value); NaN equals NaN; integers exactly. Types and shapes must be equal.
void expect_values(std::string_view graph, const std::vector<std::string>& inputs, const std::vector<std::string>& expected,
                   double tolerance = 1e-6);

/// Inference of the graph fails with an Error whose line contains `part`.
void expect_infer_error(std::string_view graph, std::string_view part);

/// Deterministic values: normal-distributed floats, integers in [0, 9], bools of both kinds.
Tensor random_tensor(DType dtype, const Dims& shape, unsigned seed);

/// Fails, naming the worst element, unless equal within the tolerance as in expect_values. True if equal.
bool expect_close(const Tensor& actual, const Tensor& expected, double tolerance, std::string_view what);

}  // namespace tercet::testing
