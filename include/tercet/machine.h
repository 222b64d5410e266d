// SPDX-License-Identifier: Apache-2.0
/// @file
/// What this machine offers, and what Tercet can do on any.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace [[gnu::visibility("default")]] tercet {

/// A machine, as far as engines depend on it.
struct Machine {
    std::string processor;           ///< "Intel(R) Xeon(R) Processor"
    std::string isa;                 ///< the highest level that it runs: "avx2"
    int usable_cores = 0;            ///< that this process may use
    std::uint64_t memory_bytes = 0;  ///< of the machine, or of the process's control group if that is less
};

/// The machine that this runs on.
Machine this_machine();

/// Names of the ISA levels, lowest first. Each includes those before it.
std::vector<std::string> isa_levels();

/// An operator that models may use.
struct SupportedOperator {
    std::string name;
    std::string domain;         ///< empty: ONNX's own
    std::vector<int> versions;  ///< operator sets that brought a new form of it, ascending
};

/// All of them, sorted by name.
std::vector<SupportedOperator> supported_operators();

/// The newest of ONNX's operator sets that models may use.
int newest_operator_set();

}  // namespace tercet
