// SPDX-License-Identifier: Apache-2.0
// How pictures become a model's input, as users say it: options that several verbs have.
#pragma once

#include "tercet/calibrate.h"
#include "tercet/data.h"

#include <CLI/CLI.hpp>

namespace tercet::cli {

/// --mean, --std, --scale, --layout, --resize, --crop and --color, into `preprocess`, which outlives the verb. What is not given stays
/// as it is there; preprocess_for() fills in from the input's shape what is open then.
void add_data_options(CLI::App& verb, Preprocess& preprocess);

/// What to calibrate on, and how: these and --calib-data, --calibrator, --calib-samples, --calib-seed and --percentile.
void add_calibration_options(CLI::App& verb, CalibrationSettings& settings);

}  // namespace tercet::cli
