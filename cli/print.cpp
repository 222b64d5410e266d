// SPDX-License-Identifier: Apache-2.0
#include "cli/print.h"

#include <algorithm>
#include <cstdio>

namespace tercet::cli {
namespace {

// Code points, so that names in UTF-8 stay in their columns.
std::size_t width_of(std::string_view s) {
    return static_cast<std::size_t>(std::ranges::count_if(s, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

void add_rate(Json& j, const char* key, const Roof::Rate& rate) {
    if (rate.one_thread > 0) j[key]["one_thread"] = rate.one_thread;
    if (rate.all_threads > 0) j[key]["all_threads"] = rate.all_threads;
}

}  // namespace

void print_json(const Json& document) { fmt::print("{}\n", document.dump(2, ' ', false, Json::error_handler_t::replace)); }

Json json_of(const TensorInfo& info) {
    Json j{{"name", info.name}, {"dtype", name_of(info.dtype)}, {"shape", Json::array()}};
    for (const std::string& d : info.shape) {
        const bool number = !d.empty() && d.size() < 18 && std::ranges::all_of(d, [](char c) { return c >= '0' && c <= '9'; });
        if (number) j["shape"].push_back(std::stoll(d));
        else j["shape"].push_back(d);
    }
    if (info.min_shape != info.max_shape) j.update({{"min_shape", info.min_shape}, {"opt_shape", info.opt_shape}, {"max_shape", info.max_shape}});
    return j;
}

Json json_of(const StepInfo& step) {
    return {{"name", step.name}, {"op", step.op}, {"tactic", step.tactic}, {"variant", step.variant}, {"shape", step.shape}};
}

Json json_of(const Roof& roof) {
    Json j{{"threads", roof.threads}, {"isa", roof.isa}, {"peaks", Json::array()}, {"levels", Json::array()}};
    for (const Roof::Peak& p : roof.peaks) {
        j["peaks"].push_back({{"type", name_of(p.type)}, {"instruction", p.instruction}});
        add_rate(j["peaks"].back(), "operations_per_s", p.operations);
    }
    for (const Roof::Level& l : roof.levels) {
        j["levels"].push_back({{"name", l.name}, {"capacity_bytes", l.capacity_bytes}, {"measured_bytes", l.measured_bytes}});
        add_rate(j["levels"].back(), "read_bytes_per_s", l.read);
        add_rate(j["levels"].back(), "copy_bytes_per_s", l.copy);
    }
    return j;
}

void print_table(std::vector<std::string> header, const std::vector<std::vector<std::string>>& rows, std::string_view indent,
                 std::vector<std::size_t> right) {
    std::vector<std::size_t> widths;
    const auto measure = [&](const std::vector<std::string>& row) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
    };
    const auto print = [&](const std::vector<std::string>& row) {
        std::string line(indent);
        for (std::size_t i = 0; i < row.size(); ++i) {
            const std::string space(widths[i] - width_of(row[i]), ' '), cell = one_line(row[i]);
            line += std::ranges::find(right, i) != right.end() ? space + cell : cell + space;
            line += "  ";
        }
        line.erase(line.find_last_not_of(' ') + 1);
        fmt::print("{}\n", line);
    };
    measure(header);
    for (const auto& row : rows) measure(row);
    if (!header.empty()) print(header);
    for (const auto& row : rows) print(row);
}

std::string text_of(const TensorInfo& info) {
    std::string s = fmt::format("{} {} [{}]", info.name, info.dtype == DType::undefined ? "?" : name_of(info.dtype), fmt::join(info.shape, ", "));
    if (info.min_shape != info.max_shape)
        s += fmt::format(", min {}, opt {}, max {}", text_of_shape(info.min_shape), text_of_shape(info.opt_shape), text_of_shape(info.max_shape));
    return s;
}

std::string short_name(const std::string& step_name) {
    const std::size_t first = step_name.find(" + ");
    int more = 0;
    for (std::size_t at = first; at != std::string::npos; at = step_name.find(" + ", at + 3)) ++more;
    return more == 0 ? step_name : fmt::format("{} (+{})", step_name.substr(0, first), more);
}

std::string text_of_bytes(std::uint64_t bytes) {
    if (bytes < 1024) return fmt::format("{} bytes", bytes);
    constexpr std::string_view units[] = {"KiB", "MiB", "GiB", "TiB", "PiB"};
    double n = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    for (; n >= 1000 && unit + 1 < std::size(units); ++unit) n /= 1024;
    return fmt::format("{:.{}f} {}", n, n < 10 ? 2 : n < 100 ? 1 : 0, units[unit]);
}

std::string text_of_ms(double ms) { return ms < 1000 ? fmt::format("{:.{}f} ms", ms, ms < 10 ? 3 : 1) : fmt::format("{:.1f} s", ms / 1000); }

std::string text_of_shape(std::span<const std::int64_t> s) { return fmt::format("[{}]", fmt::join(s, ", ")); }

std::string one_line(std::string_view text) {
    std::string s(text);
    for (char& c : s)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    return s;
}

}  // namespace tercet::cli
