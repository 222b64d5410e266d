// SPDX-License-Identifier: Apache-2.0
// Tables of numbers as text, and tables of labels.
#pragma once

#include "tensor/tensor.h"

#include <string>
#include <string_view>
#include <vector>

namespace tercet {

struct Table {
    std::vector<std::string> ids{};     // rows; empty if there is no such column
    std::vector<std::string> labels{};  // rows; as written; empty if there is no such column
    Tensor values{};                    // f32 [rows, the other columns]
};

/// Comma-separated values with quotes as RFC 4180 has them, LF or CRLF. A first line that is no row of numbers names the
/// columns: sample_id, id, name, file, filename or path hold ids, label, labels or class hold labels. Empty lines are
/// skipped. Error, with the line's number, if a row has another number of columns or a field is not a finite number.
Table parse_table(std::string_view text);

}  // namespace tercet
