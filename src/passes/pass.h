// SPDX-License-Identifier: Apache-2.0
// Rewrites of the graph. Each is a function in a file of its own, int pass(Graph&, int limit), that makes at most `limit`
// rewrites and returns how many it made; after each single one the graph is whole and computes what it did. Its test shows
// the graph before and after as text. pipeline.cpp is the ordered list, passes.h declares them all.
#pragma once

#include "graph/graph.h"
#include "tercet/error.h"

#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tercet {

inline constexpr int no_limit = std::numeric_limits<int>::max();

struct Pass {
    std::string_view name;
    int (*run)(Graph&, int limit);  // null: PassSettings::set_precision
    int group = 0;         // neighbours of one group (not 0) are repeated until none of them changes anything
    bool optional = true;  // false: what follows relies on it
};

std::span<const Pass> pipeline();  // in order; a pass may stand there several times

struct PassSettings {
    std::vector<std::string> disabled;                  // by name; "all": every optional pass. Error if there is no such pass
    int stop_after = -1;                                // rewrites in all after which nothing more is changed; negative: none
    bool verify = false;                                // check structure and types after each pass
    std::function<int(Graph&)> set_precision;           // writes precisions into the fused graph; null: it stays as it is
    std::function<void(const std::string&)> log;        // "fold_batch_norm: 20", one line per pass that did something
};

void optimize(Graph&, const PassSettings& settings = {});

}  // namespace tercet
