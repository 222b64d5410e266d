// SPDX-License-Identifier: Apache-2.0
// People edit the JSON, so that whatever is wrong in it is named with its place: layers[3]: "choosen" is no key of a layer.
#include "precision/precision_plan.h"

#include "system/mapped_file.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>

namespace tercet {
namespace {

using json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 4> names{"fp32", "fp16", "bf16", "int8"};
constexpr const char* form = "write it as `tercet build` does: {\"model\", \"precision\", \"layers\": [...], \"scales\": {...}}";

// The shortest decimal that reads back to the same float, where the way over double keeps its bits.
double readable(float f) {
    std::array<char, 64> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), f).ptr;
    double d = f;
    std::from_chars(text.data(), end, d);
    return static_cast<float>(d) == f ? d : static_cast<double>(f);
}

[[noreturn]] void refuse(std::string what, const char* fix = form) { throw Error({.what = std::move(what), .fix = fix}); }

const json& object(const json& j, std::string_view what) {
    if (!j.is_object()) refuse(fmt::format("{} is no object", what));
    return j;
}

void check_keys(const json& j, std::string_view of, std::initializer_list<std::string_view> known) {
    for (const auto& [key, value] : j.items())
        if (std::ranges::find(known, key) == known.end()) refuse(fmt::format("'{}' is no key of {}; its keys are {}", key, of, fmt::join(known, ", ")), "correct or remove it");
}

std::string text(const json& j, const char* key, bool required) {
    const auto value = j.find(key);
    if (value == j.end() && !required) return {};
    if (value == j.end()) refuse(fmt::format("'{}' is missing", key));
    if (!value->is_string()) refuse(fmt::format("'{}' is no text", key));
    return value->get<std::string>();
}

Precision precision(const json& j, const char* key) {
    const std::string name = text(j, key, true);
    return at([&] { return fmt::format("'{}'", key); }, [&] { return precision_named(name); });
}

LayerPlan layer(const json& j) {
    check_keys(object(j, "it"), "a layer", {"layer", "op", "asked", "chosen", "reason"});
    LayerPlan l{.layer = text(j, "layer", true), .op = text(j, "op", false), .chosen = precision(j, "chosen"), .reason = text(j, "reason", false)};
    l.asked = j.contains("asked") ? precision(j, "asked") : l.chosen;
    return l;
}

float scale(const json& j) {
    if (!j.is_number()) refuse("is no number", "give the real value of one integer step");
    const auto s = static_cast<float>(j.get<double>());
    if (!(s > 0) || !std::isfinite(s)) refuse(fmt::format("{} is no scale", j.dump()), "give a number above 0, within float's range");
    return s;
}

PrecisionPlan plan_of(const json& j) {
    check_keys(object(j, "the plan"), "a plan", {"model", "precision", "calibrator", "layers", "scales"});
    PrecisionPlan p{.model = text(j, "model", false), .precision = precision(j, "precision"), .calibrator = text(j, "calibrator", false)};
    if (const auto layers = j.find("layers"); layers != j.end()) {
        if (!layers->is_array()) refuse("'layers' is no list");
        std::set<std::string, std::less<>> seen;
        for (std::size_t i = 0; i < layers->size(); ++i)
            at([&] { return fmt::format("layers[{}]", i); }, [&] {
                p.layers.push_back(layer((*layers)[i]));
                if (!seen.insert(p.layers.back().layer).second) refuse(fmt::format("layer '{}' is there twice", p.layers.back().layer), "remove one of them");
            });
    }
    if (const auto scales = j.find("scales"); scales != j.end())
        for (const auto& [name, value] : object(*scales, "'scales'").items())
            p.scales[name] = at([&] { return fmt::format("scales['{}']", name); }, [&] { return scale(value); });
    return p;
}

}  // namespace

std::string_view name_of(Precision p) { return names[static_cast<std::size_t>(p)]; }

Precision precision_named(std::string_view name) {
    const auto found = std::ranges::find(names, name);
    if (found == names.end())
        throw Error({.what = fmt::format("'{}' is no precision", name), .fix = fmt::format("choose among {}", fmt::join(names, ", "))});
    return static_cast<Precision>(found - names.begin());
}

Precision fallback_named(std::string_view name) {
    const Precision p = precision_named(name);
    if (p == Precision::int8) throw Error({.what = "int8 is no fallback of int8", .where = "--fallback-precision", .fix = "choose among fp32, fp16 and bf16"});
    return p;
}

const LayerPlan* PrecisionPlan::find(std::string_view layer) const {
    const auto found = std::ranges::find(layers, layer, &LayerPlan::layer);
    return found != layers.end() ? &*found : nullptr;
}

std::string to_json(const PrecisionPlan& plan) {
    json j{{"model", plan.model}, {"precision", name_of(plan.precision)}};
    if (!plan.calibrator.empty()) j["calibrator"] = plan.calibrator;
    j["layers"] = json::array();
    for (const LayerPlan& l : plan.layers) {
        json& entry = j["layers"].emplace_back(json{{"layer", l.layer}, {"op", l.op}, {"asked", name_of(l.asked)}, {"chosen", name_of(l.chosen)}});
        if (!l.reason.empty()) entry["reason"] = l.reason;
    }
    j["scales"] = json::object();
    for (const auto& [name, scale] : plan.scales) j["scales"][name] = readable(scale);
    return j.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

PrecisionPlan parse_precision_plan(std::string_view text) {
    try {
        return plan_of(json::parse(text));
    } catch (const nlohmann::json::parse_error& e) {
        refuse(fmt::format("is no JSON, or damaged, at byte {}", e.byte));
    }
}

PrecisionPlan read_precision_plan(const std::filesystem::path& file) {
    const FileBytes content = map_file(file);
    return at(file.string(), [&] { return parse_precision_plan({reinterpret_cast<const char*>(content.bytes.data()), content.bytes.size()}); });
}

bool fits_pattern(std::string_view pattern, std::string_view name) {
    std::size_t p = 0, n = 0, star = std::string_view::npos, after = 0;  // the last *, and where what it stands for ends by now
    while (n < name.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            after = n;
        } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
            ++p, ++n;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            n = ++after;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

}  // namespace tercet
