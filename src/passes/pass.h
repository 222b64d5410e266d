// SPDX-License-Identifier: Apache-2.0
// Rewrites of the graph. Each is a function in a file of its own that returns how many rewrites it made; its test shows the
// graph before and after as text. pipeline.cpp is the ordered list.
#pragma once

#include "graph/graph.h"
#include "tercet/error.h"

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tercet {

struct Pass {
    std::string_view name;
    int (*run)(Graph&);
    bool optional = true;  // false: what follows relies on it
};

std::span<const Pass> pipeline();  // in order

struct PassSettings {
    std::vector<std::string> disabled;                  // by name; "all": every optional pass. Error if there is no such pass
    int stop_after = -1;                                // rewrites in all after which nothing more is changed; negative: none
    bool verify = false;                                // check structure and types after each pass
    std::function<void(const std::string&)> log;        // "fold_batch_norm: 20", one line per pass that did something
};

void optimize(Graph&, const PassSettings& settings = {});

}  // namespace tercet
