// SPDX-License-Identifier: Apache-2.0
// What verbs print: JSON documents, tables, sizes and shapes for people.
#pragma once

#include "tercet/engine.h"
#include "tercet/roof.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tercet::cli {

using Json = nlohmann::ordered_json;

/// One document on standard output. Text that is no UTF-8 is mended; numbers that JSON lacks (NaN, infinities) become null.
void print_json(const Json& document);

Json json_of(const TensorInfo& info);
Json json_of(const StepInfo& step);
Json json_of(const Roof& roof);  // without what was not measured

/// Columns as wide as their widest cell, numbers (columns named in `right`) to the right. No header if it is empty.
void print_table(std::vector<std::string> header, const std::vector<std::vector<std::string>>& rows, std::string_view indent = "  ",
                 std::vector<std::size_t> right = {});

/// "image f32 [N, 28, 28, 1]", and the profile where sizes are symbolic: "min [1, 28, 28, 1], opt ..., max ...".
std::string text_of(const TensorInfo& info);

/// "conv1 (+2)" of "conv1 + bn1 + relu1": a fused step's first node stands for all; JSON has them all.
std::string short_name(const std::string& step_name);

std::string text_of_bytes(std::uint64_t bytes);              // "1.88 MiB"
std::string text_of_ms(double ms);                           // "0.123 ms", "12.3 s"
std::string text_of_shape(std::span<const std::int64_t> s);  // "[1, 3, 224, 224]"
std::string one_line(std::string_view text);                 // control characters become spaces

}  // namespace tercet::cli
