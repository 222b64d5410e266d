// SPDX-License-Identifier: Apache-2.0
// Record: fields separated by commas, ended by LF, CRLF or the end of the text. A field that starts with a quote ends at the
// next single one, and may hold commas, line ends, and quotes written twice.
#include "data/csv.h"

#include "tercet/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <deque>
#include <limits>
#include <optional>
#include <span>

namespace tercet {
namespace {

[[noreturn]] void fail(std::int64_t line, std::string what, std::string fix) {
    throw Error({.what = std::move(what), .where = fmt::format("line {}", line), .fix = std::move(fix)});
}

class Records {
public:
    explicit Records(std::string_view text) : left_(text) {
        if (left_.starts_with("\xef\xbb\xbf")) left_.remove_prefix(3);  // a byte order mark
    }

    /// The next record that is not an empty line; false at the end. The fields live until the next call.
    bool next() {
        do {
            if (left_.empty()) return false;
            read();
        } while (fields_.size() == 1 && fields_[0].empty());
        return true;
    }
    const std::vector<std::string_view>& fields() const { return fields_; }
    std::int64_t line() const { return line_; }  // where the record starts, from 1

private:
    void read() {
        fields_.clear();
        unquoted_.clear();
        line_ = next_line_;
        for (;;) {
            fields_.push_back(!left_.empty() && left_[0] == '"' ? quoted() : plain());
            if (left_.empty()) return;
            const char end = left_[0];
            left_.remove_prefix(1);
            if (end == '\n') {
                ++next_line_;
                return;
            }
        }
    }
    std::string_view plain() {
        const std::size_t end = std::min(left_.find_first_of(",\n"), left_.size());
        std::string_view field = left_.substr(0, end);
        left_.remove_prefix(end);
        if (field.ends_with('\r') && (left_.empty() || left_[0] == '\n')) field.remove_suffix(1);
        return field;
    }
    std::string_view quoted() {
        left_.remove_prefix(1);
        std::string& field = unquoted_.emplace_back();
        for (;;) {
            const std::size_t end = left_.find('"');
            if (end == std::string_view::npos) fail(line_, "a quote is not closed", "close it, or remove it");
            next_line_ += std::count(left_.begin(), left_.begin() + static_cast<std::ptrdiff_t>(end), '\n');
            field += left_.substr(0, end);
            left_.remove_prefix(end + 1);
            if (!left_.starts_with('"')) break;
            field += '"';
            left_.remove_prefix(1);
        }
        if (left_.starts_with("\r\n")) left_.remove_prefix(1);
        else if (left_ == "\r") left_ = {};
        if (!left_.empty() && left_[0] != ',' && left_[0] != '\n') fail(line_, "text follows a closing quote", "write quotes within a field twice");
        return field;
    }

    std::string_view left_;
    std::vector<std::string_view> fields_;
    std::deque<std::string> unquoted_;  // a deque, so that views into its strings stay
    std::int64_t line_ = 1, next_line_ = 1;
};

std::string_view trimmed(std::string_view s) {
    const std::size_t first = s.find_first_not_of(" \t");
    return first == std::string_view::npos ? std::string_view{} : s.substr(first, s.find_last_not_of(" \t") - first + 1);
}

std::optional<float> number(std::string_view field) {
    field = trimmed(field);
    if (field.starts_with('+')) field.remove_prefix(1);
    double v = 0;
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), v);
    if (error != std::errc{} || end != field.data() + field.size() || std::fabs(v) > std::numeric_limits<float>::max() || std::isnan(v))
        return std::nullopt;
    return static_cast<float>(v);
}

template <std::size_t n>
bool is_one_of(std::string_view field, const std::array<std::string_view, n>& names) {
    std::string lower(trimmed(field));
    std::ranges::transform(lower, lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return std::ranges::find(names, lower) != names.end();
}

constexpr std::array<std::string_view, 6> id_names = {"sample_id", "id", "name", "file", "filename", "path"};
constexpr std::array<std::string_view, 3> label_names = {"label", "labels", "class"};

}  // namespace

Table parse_table(std::string_view text) {
    Records records(text);
    if (!records.next()) throw Error({.what = "the table is empty", .fix = "write one row per sample"});
    const std::size_t columns = records.fields().size();
    std::vector<std::string> names;
    std::optional<std::size_t> id_column, label_column;
    bool more = true;
    if (!std::ranges::all_of(records.fields(), [](std::string_view f) { return number(f).has_value(); })) {
        for (std::size_t c = 0; c < columns; ++c) {
            names.emplace_back(trimmed(records.fields()[c]));
            if (number(names[c])) fail(records.line(), fmt::format("the name of column {} is a number, {}", c + 1, names[c]),
                                       "put the columns' names into the first line, or only numbers");
            if (!id_column && is_one_of(names[c], id_names)) id_column = c;
            if (!label_column && is_one_of(names[c], label_names)) label_column = c;
        }
        more = records.next();
    }

    Table table;
    std::vector<float> values;
    std::int64_t rows = 0;
    for (; more; more = records.next(), ++rows) {
        const auto& fields = records.fields();
        if (fields.size() != columns)
            fail(records.line(), fmt::format("{} columns, where the first line has {}", fields.size(), columns), "give every row the same columns");
        for (std::size_t c = 0; c < columns; ++c) {
            if (c == id_column) {
                table.ids.emplace_back(fields[c]);
            } else if (c == label_column) {
                table.labels.emplace_back(trimmed(fields[c]));
            } else if (const auto v = number(fields[c])) {
                values.push_back(*v);
            } else {
                fail(records.line(), fmt::format("column {} is '{}', which is not a finite number",
                                                 names.empty() ? fmt::to_string(c + 1) : names[c], fields[c].substr(0, 40)),
                     "write a number there, or leave the row out");
            }
        }
    }
    const auto value_columns = static_cast<std::int64_t>(columns) - id_column.has_value() - label_column.has_value();
    table.values = Tensor::zeros(DType::f32, {rows, value_columns});
    std::ranges::copy(std::as_bytes(std::span(values)), table.values.writable().data);
    return table;
}

}  // namespace tercet
