// SPDX-License-Identifier: Apache-2.0
// For tests of rewrites: the graph before and after as text, and both run by the reference operators.
#pragma once

#include "passes/passes.h"

#include <string>
#include <string_view>
#include <vector>

namespace tercet::testing {

using Rewrite = int (*)(Graph&, int limit);

/// The rewrite, and the removal of what is dead then, makes `after` of `before` (floating constants are compared by shape
/// only), and both give the same results on random inputs, at two sizes of every symbol. Structure and types are checked. So
/// is that it stops: after 0 rewrites nothing has changed, after 1 the results are the same.
void expect_rewrite(Rewrite rewrite, std::string_view before, std::string_view after, double tolerance = 1e-5);

struct Unchanged {
    std::string why;
    std::string graph;
};
void expect_unchanged(Rewrite rewrite, const std::vector<Unchanged>& cases);

/// Both graphs, of equal inputs, give the same results.
void expect_same_results(const Graph& actual, const Graph& expected, double tolerance = 1e-5);

/// Structure and types of the graph hold: it verifies, and inference gives the types that it has.
void expect_sound(const Graph& g);

}  // namespace tercet::testing
