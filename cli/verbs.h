// SPDX-License-Identifier: Apache-2.0
// One function per verb, each in a file of its own: options, calls to the public API, printing. A verb that finds fault
// without an Error (a failed check) throws CLI::RuntimeError(1); wrong usage is a CLI::ValidationError. main.cpp has the only
// catch.
#pragma once

#include <CLI/CLI.hpp>

namespace tercet::cli {

void add_build(CLI::App& app);
void add_calibrate(CLI::App& app);
void add_run(CLI::App& app);
void add_bench(CLI::App& app);
void add_compare(CLI::App& app);
void add_inspect(CLI::App& app);
void add_check(CLI::App& app);
void add_doctor(CLI::App& app);
void add_export(CLI::App& app);
void add_convert(CLI::App& app);

}  // namespace tercet::cli
