// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace tercet {

/// Runs a program, waits for it, and gives what it wrote on standard output. Its standard error is not shown. Error, with the last line
/// that it wrote there, if it cannot be started or does not exit with status 0.
std::string output_of_program(const std::vector<std::string>& command);

}  // namespace tercet
