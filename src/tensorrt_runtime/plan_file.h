// SPDX-License-Identifier: Apache-2.0
// What a TensorRT engine file tells without TensorRT.
//
//   offset  bytes
//   0       4      "ftrt": TensorRT; "vtrt": TensorRT for RTX; "ptrt": TensorRT before that header, without a version that could be read
//   4       4      how the rest is laid out: 0 is what follows
//   24      4      the version that built it: major, minor, patch, build, a byte each
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace tercet {

struct PlanFile {
    bool rtx = false;
    std::string version{};  // "10.13.0.35"; empty: the file does not tell

    std::string name() const;  // "TensorRT 10.13.0.35", "TensorRT-RTX"

    friend bool operator==(const PlanFile&, const PlanFile&) = default;
};

/// Empty if the bytes are no engine of TensorRT's.
std::optional<PlanFile> read_plan_file(std::span<const std::byte> bytes);

/// "8.5.3" of 8503, "10.16.0" of 101600: TensorRT's version as one number, as its library tells it.
std::string version_of_number(int number);

}  // namespace tercet
