// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tercet {

/// How a program ended.
struct ProgramEnd {
    int status = 0;        ///< what it exited with; of use if there was no signal
    std::string signal{};  ///< what ended it, in words; empty: it exited
};

/// Runs a program, found by PATH unless its name has a slash, and waits for it. `line` is given every line of its standard output and
/// of its standard error as it comes; what it throws ends the program. Error if it cannot be started.
ProgramEnd run_program(const std::vector<std::string>& command, const std::function<void(std::string_view line, bool is_error)>& line);

/// Runs a program and waits for it; what it writes goes to this process's standard error. Error if it cannot be started or does not
/// exit with status 0.
void run_shown(const std::vector<std::string>& command);

/// Runs a program, waits for it, and gives what it wrote on standard output. Its standard error is not shown. Error, with the last line
/// that it wrote there, if it cannot be started or does not exit with status 0.
std::string output_of_program(const std::vector<std::string>& command);

}  // namespace tercet
