// SPDX-License-Identifier: Apache-2.0
// How pictures become a model's input, as users say it: options that several verbs have.
#pragma once

#include "tercet/data.h"

#include <CLI/CLI.hpp>

namespace tercet::cli {

/// --mean, --std, --scale, --layout, --resize, --crop and --color, into `preprocess`, which outlives the verb. What is not given stays
/// as it is there; preprocess_for() fills in from the input's shape what is open then.
void add_data_options(CLI::App& verb, Preprocess& preprocess);

}  // namespace tercet::cli
