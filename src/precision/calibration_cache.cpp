// SPDX-License-Identifier: Apache-2.0
#include "precision/calibration_cache.h"

#include "system/mapped_file.h"
#include "system/output_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>

namespace tercet {
namespace {

constexpr std::string_view magic = "TRT-";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "TRT-8503-EntropyCalibration2": a version, and a calibrator's name.
bool is_header(std::string_view line) {
    if (!line.starts_with(magic)) return false;
    line.remove_prefix(magic.size());
    const std::size_t digits = std::ranges::find_if_not(line, is_digit) - line.begin();
    return digits > 0 && line.substr(digits).starts_with("-") && line.size() > digits + 1;
}

std::string_view next_line(std::string_view& text) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

// TensorRT writes no leading zeros.
float parse_scale(std::string_view hex) {
    std::uint32_t bits = 0;
    const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), bits, 16);
    if (error != std::errc() || end != hex.data() + hex.size() || hex.size() > 8)
        throw Error({.what = fmt::format("'{}' is not a float32 in hexadecimal", hex.substr(0, 40)), .fix = "each line is a name, a colon, a space and 8 hex digits"});
    const auto scale = std::bit_cast<float>(bits);
    if (!std::isfinite(scale) || scale < 0)
        throw Error({.what = fmt::format("the scale {} is {}", hex, scale), .fix = "a scale is positive; calibrate again"});
    return scale;
}

// Names that TensorRT gives to what has none in the model: "(Unnamed Layer* 4) [Constant]_output".
bool is_made_up(std::string_view name) { return name.starts_with("(Unnamed Layer*"); }

}  // namespace

bool is_calibration_cache(std::string_view text) noexcept {
    return text.starts_with(magic) && text.size() > magic.size() && is_digit(text[magic.size()]);
}

Calibration parse_calibration_cache(std::string_view text) {
    Calibration c;
    c.header = next_line(text);
    if (!is_header(c.header))
        throw Error({.what = "this is no calibration cache", .where = "line 1", .fix = "its first line is such as TRT-8503-EntropyCalibration2; `tercet calibrate` writes one"});
    for (int line_number = 2; !text.empty(); ++line_number) {
        const std::string_view line = next_line(text);
        if (line.empty()) continue;
        at([&] { return fmt::format("line {}", line_number); }, [&] {
            const std::size_t colon = line.rfind(": ");  // names hold ": " at times, numbers do not
            if (colon == std::string_view::npos || colon == 0)
                throw Error({.what = fmt::format("'{}' has no name and scale", line.substr(0, 40)), .fix = "each line is a name, a colon, a space and 8 hex digits"});
            const std::string_view name = line.substr(0, colon);
            const float scale = parse_scale(line.substr(colon + 2));
            if (scale == 0) return;  // as TensorRT writes for constants of zeros: says nothing
            if (const auto [it, fresh] = c.scales.emplace(name, scale); !fresh && it->second != scale)
                throw Error({.what = fmt::format("'{}' is there twice, with different scales", name), .fix = "delete one of the lines"});
        });
    }
    if (c.scales.empty()) throw Error({.what = "the calibration cache holds no scales", .fix = "calibrate again"});
    return c;
}

std::string print_calibration_cache(const Calibration& c) {
    if (!is_header(c.header) || c.header.find('\n') != std::string::npos)
        throw Error({.what = fmt::format("'{}' is no first line of a calibration cache", c.header), .fix = "use one such as TRT-8503-EntropyCalibration2"});
    std::string text = c.header + "\n";
    for (const auto& [name, scale] : c.scales) {
        if (name.find_first_of("\r\n") != std::string::npos)
            throw Error({.what = "a tensor's name holds a line break, which a calibration cache cannot", .where = name, .fix = "rename it in the model"});
        text += fmt::format("{}: {:08x}\n", name, std::bit_cast<std::uint32_t>(scale));
    }
    return text;
}

CacheOverlap overlap_of(const Scales& cache, std::span<const std::string> tensors) {
    CacheOverlap o;
    for (const std::string& name : tensors) {
        if (cache.contains(name)) ++o.matched;
        else o.missing.push_back(name);
    }
    std::vector<std::string> sorted(tensors.begin(), tensors.end());
    std::ranges::sort(sorted);
    std::size_t named = 0;
    for (const auto& [name, scale] : cache) {
        if (is_made_up(name)) continue;
        ++named;
        if (!std::ranges::binary_search(sorted, name)) o.unknown.push_back(name);
    }
    const auto matched = static_cast<std::size_t>(o.matched);
    o.of_another_model = 2 * matched < tensors.size() && 2 * matched < std::max<std::size_t>(named, 1);
    return o;
}

void require_overlap(const CacheOverlap& o) {
    if (!o.of_another_model) return;
    throw Error({.what = fmt::format("it is another model's cache: {} of the model's {} tensors have a scale in it, and {} of its names are not the model's",
                                     o.matched, static_cast<std::size_t>(o.matched) + o.missing.size(), o.unknown.size()),
                 .fix = "calibrate this model: `tercet calibrate MODEL.onnx --calib-data DIR`"});
}

std::string calibration_cache_header(std::string_view format) {
    const auto refuse = [&] {
        throw Error({.what = fmt::format("'{}' is no version of TensorRT", format), .fix = "write it as 8.5.3, 10.3 or TRT-8503"});
    };
    std::string_view text = format;
    if (is_header(text)) return std::string(text);
    if (text.starts_with(magic)) text.remove_prefix(magic.size());
    std::array<int, 3> parts{};
    std::size_t count = 0;
    for (;; ++count) {
        if (count == parts.size()) refuse();
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parts[count]);
        if (error != std::errc() || parts[count] < 0) refuse();
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        if (text.empty()) break;
        if (text[0] != '.') refuse();
        text.remove_prefix(1);
    }
    const auto [major, minor, patch] = parts;
    if (count == 0 && major >= 1000) return fmt::format("{}{}-EntropyCalibration2", magic, major);  // a number as it stands in headers
    if (major < 1 || major > 99 || minor > 99 || patch > 99) refuse();
    return fmt::format("{}{}-EntropyCalibration2", magic, major * (major < 10 ? 1000 : 10000) + minor * 100 + patch);
}

Calibration read_calibration_cache(const std::filesystem::path& file) {
    const FileBytes bytes = map_file(file);
    return at(file.string(), [&] { return parse_calibration_cache({reinterpret_cast<const char*>(bytes.bytes.data()), bytes.bytes.size()}); });
}

void write_calibration_cache(const std::filesystem::path& file, const Calibration& calibration) {
    const std::string text = at(file.string(), [&] { return print_calibration_cache(calibration); });
    OutputFile out(file);
    out.write(text);
    out.commit();
}

}  // namespace tercet
