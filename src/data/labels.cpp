// SPDX-License-Identifier: Apache-2.0
#include "data/labels.h"

#include "data/csv.h"
#include "data/file.h"
#include "data/idx.h"
#include "data/npy.h"
#include "tercet/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string_view>

namespace tercet {
namespace {

std::optional<int> number(std::string_view s) {
    int v = 0;
    const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), v);
    return error == std::errc{} && end == s.data() + s.size() && v >= 0 ? std::optional(v) : std::nullopt;
}

// A column of numbers, as a table without names for its columns has it.
std::vector<std::string> written_numbers(const Tensor& column) {
    std::vector<std::string> v;
    for (std::int64_t i = 0; i < column.count(); ++i) v.push_back(fmt::format("{}", column.get(i)));
    return v;
}

Labels matched(const Labels& all, const std::vector<std::string>& all_ids, std::span<const std::string> ids) {
    std::map<std::string_view, std::size_t> row;
    for (std::size_t i = 0; i < all_ids.size(); ++i)
        if (!row.emplace(all_ids[i], i).second)
            throw Error({.what = fmt::format("'{}' is there twice", all_ids[i]), .fix = "keep one row per sample"});
    Labels result{.class_names = all.class_names};
    for (const std::string& id : ids) {
        const auto found = row.find(id);
        if (found == row.end()) throw Error({.what = fmt::format("sample '{}' has no label", id), .fix = "add a row for it"});
        result.labels.push_back(all.labels[found->second]);
    }
    return result;
}

Labels from_table(const Table& table, std::span<const std::string> ids, std::span<const std::string> class_names) {
    std::vector<std::string> written = table.labels;
    if (written.empty()) {
        if (table.values.shape()[1] != 1)
            throw Error({.what = fmt::format("no column is named 'label', and {} could be meant", table.values.shape()[1]),
                         .fix = "name the column of the labels 'label'"});
        written = written_numbers(table.values);
        if (!std::ranges::all_of(written, [](const std::string& s) { return number(s).has_value(); }))
            throw Error({.what = "the values are no labels", .fix = "number the classes from 0"});
    }
    Labels all = resolve_labels(written, class_names);
    return table.ids.empty() ? all : matched(all, table.ids, ids);
}

}  // namespace

std::vector<int> integer_labels(const Tensor& t) {
    if (t.shape().size() != 1 || !is_integer(t.dtype()))
        throw Error({.what = fmt::format("{} [{}] are no labels", name_of(t.dtype()), fmt::join(t.shape(), ", ")),
                     .fix = "give integers, one per sample"});
    std::vector<int> v;
    for (std::int64_t i = 0; i < t.count(); ++i) {
        const std::int64_t label = t.get_int(i);
        if (label < 0 || label > std::numeric_limits<int>::max())
            throw Error({.what = fmt::format("{} is no label", label),
                         .fix = "number the classes from 0"});
        v.push_back(static_cast<int>(label));
    }
    return v;
}

Labels resolve_labels(const std::vector<std::string>& written, std::span<const std::string> class_names) {
    Labels result;
    if (std::ranges::all_of(written, [](const std::string& s) { return number(s).has_value(); })) {
        for (const std::string& s : written) result.labels.push_back(*number(s));
        return result;
    }
    if (class_names.empty()) {
        const std::set<std::string> distinct(written.begin(), written.end());
        result.class_names.assign(distinct.begin(), distinct.end());
    } else {
        result.class_names.assign(class_names.begin(), class_names.end());
    }
    std::map<std::string_view, int> place;
    for (std::size_t i = 0; i < result.class_names.size(); ++i) place.emplace(result.class_names[i], static_cast<int>(i));
    for (const std::string& s : written) {
        const auto found = place.find(s);
        if (s.empty() || found == place.end())
            throw Error({.what = fmt::format("'{}' is no class", s),
                         .fix = class_names.empty() ? "give every sample a label" : "compare it with the classes' names"});
        result.labels.push_back(found->second);
    }
    return result;
}

Labels load_labels(const std::filesystem::path& path, std::span<const std::string> ids, std::span<const std::string> class_names) {
    const DataFile f = open_data(path);
    return at([&] { return path.string(); }, [&] {
        Labels result;
        switch (f.format) {
            case DataFormat::npy: result.labels = integer_labels(parse_npy(f.file)); break;
            case DataFormat::idx: result.labels = integer_labels(parse_idx(f.file)); break;
            case DataFormat::text: result = from_table(parse_table(f.text()), ids, class_names); break;
            default: throw Error({.what = "labels are not read from such a file", .fix = "give CSV, IDX or NPY"});
        }
        if (result.labels.size() != ids.size())
            throw Error({.what = fmt::format("{} labels for {} samples", result.labels.size(), ids.size()),
                         .fix = "give one per sample, in their order"});
        return result;
    });
}

}  // namespace tercet
