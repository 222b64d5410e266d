// SPDX-License-Identifier: Apache-2.0
/// @file
/// ONNX backend test cases: folders with model.onnx and test_data_set_*/{input,output}_*.pb.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace [[gnu::visibility("default")]] tercet {

/// One case, and how it went.
struct CheckCase {
    /// How it went; a case that an Error stops is unsupported.
    enum class Status { passed, failed, unsupported };
    std::string name;
    Status status = Status::unsupported;
    std::string reason;  ///< empty if passed without remark
};

/// How check() builds, runs and compares.
struct CheckSettings {
    std::string isa;            ///< empty: the processor's
    double relative_tolerance = 1e-3, absolute_tolerance = 1e-7;  ///< ONNX's own; integers have to be equal
    int threads = 1;
    std::function<void(std::int64_t done, std::int64_t total)> progress;  ///< called from the calling thread, before each case
};

/// How the cases went.
struct CheckResult {
    int passed = 0, failed = 0, unsupported = 0;
    std::vector<CheckCase> cases;  ///< sorted by name
};

/// Every case found in these folders or below them: built, run and compared. A case that an Error stops is unsupported; a
/// wrong value, type or shape is a failure. An input that shape inference needs the elements of is fixed to its value, and
/// the case says so. Error if a folder holds no case.
CheckResult check(std::span<const std::filesystem::path> folders, const CheckSettings& settings = {});

}  // namespace tercet
