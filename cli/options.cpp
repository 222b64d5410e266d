// SPDX-License-Identifier: Apache-2.0
#include "cli/options.h"

#include "tercet/inputs.h"
#include "tercet/machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iterator>

namespace tercet::cli {
namespace {

std::vector<std::string_view> split(std::string_view text, char at) {
    std::vector<std::string_view> parts;
    for (std::size_t end; (end = text.find(at)) != std::string_view::npos; text.remove_prefix(end + 1)) parts.push_back(text.substr(0, end));
    parts.push_back(text);
    return parts;
}

std::ptrdiff_t rank_of(const std::string& level) {
    const auto levels = isa_levels();
    return std::ranges::find(levels, level) - levels.begin();
}

}  // namespace

void add_file(CLI::App& verb, std::filesystem::path& file, const std::string& name, const std::string& alias, const std::string& what) {
    CLI::Option* by_place = verb.add_option(name, file, what)->option_text("REQUIRED");
    verb.add_option(alias, file, fmt::format("the same by trtexec's name ({})", name))->option_text("FILE")->excludes(by_place);
}

void require_file(const std::filesystem::path& file, const std::string& name) {
    if (file.empty()) throw CLI::RequiredError(name);
}

void add_layer_precisions(CLI::App& verb, LayerPrecisions& precisions, const std::string& group) {
    const auto parse = [](const std::string& option, const std::string& text) {
        try {
            return parse_layer_precisions(text);
        } catch (const Error& e) {
            throw CLI::ValidationError(option, e.what());
        }
    };
    LayerPrecisions* const p = &precisions;
    // Options are taken in the order of their definition: trtexec's come first. To it, * is what all others have, wherever it
    // stands; here the last that fits counts.
    verb.add_option_function<std::string>("--layerPrecisions", [=](const std::string& text) {
        for (auto& one : parse("--layerPrecisions", text)) {
            const bool of_all = one.first == "*";
            p->insert(of_all ? std::ranges::find_if(*p, [](const auto& other) { return other.first != "*"; }) : p->end(), std::move(one));
        }
    })->group("");
    verb.add_option_function<std::string>("--layer-precisions", [=](const std::string& text) {
        std::ranges::copy(parse("--layer-precisions", text), std::back_inserter(*p));
    }, "of layers by name, * and ? are any: 'head/*:fp32,conv1:fp16'; the last that fits counts")->type_name("NAME:PRECISION,...")->group(group);
}

void add_fallback_precision(CLI::App& verb, std::string& precision, const std::string& group) {
    verb.add_option("--fallback-precision", precision, "of layers that are asked to be int8 and cannot be: fp32, fp16 or bf16 (fp32)")
        ->check(quiet(CLI::IsMember({"fp32", "fp16", "bf16"})))->type_name("NAME")->group(group);
}

CLI::Validator quiet(CLI::Validator validator) { return validator.name(validator.get_description()).description(""); }

Shapes parse_shapes(const std::string& option, const std::string& text) {
    const auto refuse = [&](const std::string& why) {
        throw CLI::ValidationError(option, fmt::format("'{}': {}; write name:1x3x224x224,name2:1x16", text, why));
    };
    Shapes shapes;
    if (text.empty()) return shapes;
    for (std::string_view part : split(text, ',')) {
        const std::size_t colon = part.rfind(':');
        std::string name(part.substr(0, colon == std::string_view::npos ? 0 : colon));
        if (name.size() >= 2 && name.front() == '\'' && name.back() == '\'') name = name.substr(1, name.size() - 2);
        std::vector<std::int64_t> shape;
        const std::string_view sizes = colon == std::string_view::npos ? part : part.substr(colon + 1);
        if (sizes != "scalar")
            for (std::string_view size : split(sizes, 'x'))
                if (!parse_number(size, shape.emplace_back()) || shape.back() < 0) refuse(fmt::format("'{}' is no size", size));
        if (!shapes.emplace(name, shape).second) refuse(fmt::format("'{}' is there twice", name));
    }
    if (shapes.size() > 1 && shapes.contains("")) refuse("a shape has no name");
    return shapes;
}

std::uint64_t parse_bytes(const std::string& option, const std::string& text) {
    std::size_t digits = 0;
    while (digits < text.size() && (std::isdigit(static_cast<unsigned char>(text[digits])) || text[digits] == '.')) ++digits;
    std::string unit = text.substr(digits);
    unit.erase(0, unit.find_first_not_of(' ') == std::string::npos ? unit.size() : unit.find_first_not_of(' '));
    std::ranges::transform(unit, unit.begin(), [](unsigned char c) { return std::tolower(c); });
    static const std::map<std::string, double> factors{{"", 1},         {"b", 1},         {"k", 0x1p10},   {"kib", 0x1p10}, {"kb", 1e3},
                                                       {"m", 0x1p20},   {"mib", 0x1p20},  {"mb", 1e6},     {"g", 0x1p30},   {"gib", 0x1p30},
                                                       {"gb", 1e9},     {"t", 0x1p40},    {"tib", 0x1p40}, {"tb", 1e12}};
    const auto factor = factors.find(unit);
    double number = 0;
    if (factor == factors.end() || !parse_number(std::string_view(text).substr(0, digits), number) || number * factor->second >= 0x1p60)
        throw CLI::ValidationError(option, fmt::format("'{}' is no size; write 1GiB, 512MiB or bytes", text));
    return static_cast<std::uint64_t>(number * factor->second);
}

std::uint64_t parse_pools(const std::string& option, const std::string& text) {
    std::uint64_t bytes = 0;
    for (std::string_view part : split(text, ',')) {
        const std::size_t colon = part.find(':');
        if (part.substr(0, colon) != "workspace" || colon == std::string_view::npos)
            throw CLI::ValidationError(option, fmt::format("'{}': there is only the pool workspace; write workspace:1024", text));
        const std::string size(part.substr(colon + 1));
        const bool has_unit = !size.empty() && std::isalpha(static_cast<unsigned char>(size.back()));
        bytes = parse_bytes(option, has_unit ? size : size + "MiB");
    }
    return bytes;
}

std::map<std::string, std::filesystem::path> parse_files(const std::string& option, const std::vector<std::string>& texts) {
    std::map<std::string, std::filesystem::path> files;
    for (const std::string& text : texts) {
        const std::size_t equals = text.find('=');
        if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
            throw CLI::ValidationError(option, fmt::format("'{}': write name=FILE", text));
        if (!files.emplace(text.substr(0, equals), text.substr(equals + 1)).second)
            throw CLI::ValidationError(option, fmt::format("'{}' is there twice", text.substr(0, equals)));
    }
    return files;
}

std::string isa_cap() {
    const char* value = std::getenv("TERCET_MAX_ISA");
    const std::string cap = value ? value : "";
    if (cap.empty()) return cap;
    const auto levels = isa_levels();
    if (std::ranges::find(levels, cap) == levels.end())
        throw CLI::ValidationError("TERCET_MAX_ISA", fmt::format("'{}' is no level; the levels are {}", cap, fmt::join(levels, ", ")));
    return is_above(this_machine().isa, cap) ? cap : "";
}

std::string usable_isa() {
    const std::string cap = isa_cap();
    return cap.empty() ? this_machine().isa : cap;
}

bool is_above(const std::string& a, const std::string& b) { return rank_of(a) > rank_of(b); }

}  // namespace tercet::cli
