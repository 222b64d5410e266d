// SPDX-License-Identifier: Apache-2.0
#include "cli/print_build.h"

#include <algorithm>

namespace tercet::cli {
namespace {

constexpr std::size_t most_shown = 5;

std::uint64_t bytes_of_fp32(const std::vector<BuildResult>& results) {
    const auto fp32 = std::ranges::find(results, "fp32", &BuildResult::precision);
    return fp32 == results.end() ? 0 : fp32->bytes;
}

std::string text_of_reduction(const BuildResult& r, std::uint64_t fp32_bytes) {
    if (r.precision == "fp32" || r.bytes == 0 || fp32_bytes == 0) return "-";
    return fmt::format("{:.1f} %", 100 * (1 - static_cast<double>(r.bytes) / static_cast<double>(fp32_bytes)));
}

// What every engine that was built has among its warnings, taken out of them: it is said once.
std::vector<std::string> take_shared_warnings(std::vector<BuildResult>& results) {
    std::vector<BuildResult*> built;
    for (BuildResult& r : results)
        if (r.status == "ok") built.push_back(&r);
    std::vector<std::string> shared;
    if (built.size() < 2) return shared;
    for (const std::string& warning : built[0]->warnings)
        if (std::ranges::all_of(built, [&](const BuildResult* r) { return std::ranges::find(r->warnings, warning) != r->warnings.end(); })) shared.push_back(warning);
    for (BuildResult* r : built) std::erase_if(r->warnings, [&](const std::string& w) { return std::ranges::find(shared, w) != shared.end(); });
    return shared;
}

}  // namespace

Json json_of(const BuildResult& r) {
    Json j{{"precision", r.precision}, {"target", r.target}, {"version", r.version}, {"path", r.path.string()}, {"status", r.status},
           {"bytes", r.bytes},         {"build_ms", r.build_ms}, {"reason", r.reason},      {"steps", r.steps},
           {"reference_steps", r.reference_steps}, {"workspace_bytes", r.workspace_bytes}, {"layers", Json::object()},
           {"fallbacks", Json::array()}, {"warnings", r.warnings}};
    for (const auto& [precision, count] : r.layers) j["layers"][precision] = count;
    for (const Fallback& f : r.fallbacks)
        j["fallbacks"].push_back({{"layer", f.layer}, {"op", f.op}, {"asked", f.asked}, {"chosen", f.chosen}, {"reason", f.reason}});
    return j;
}

std::string text_of_layers(const std::map<std::string, int>& layers) {
    std::vector<std::pair<std::string, int>> sorted(layers.begin(), layers.end());
    std::ranges::stable_sort(sorted, std::ranges::greater(), &std::pair<std::string, int>::second);
    std::string text;
    for (const auto& [precision, count] : sorted)
        if (count > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", precision, count);
    return text.empty() ? "-" : text;
}

std::string text_of_share(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? "-" : fmt::format("{:.1f} %", 100 * static_cast<double>(part) / static_cast<double>(whole));
}

void print_notes(const BuildResult& r) {
    if (!r.fallbacks.empty()) {
        const std::size_t count = r.fallbacks.size();
        fmt::print("  {} layer{} not in {}:\n", count, count == 1 ? " is" : "s are", r.fallbacks[0].asked);
        std::vector<std::vector<std::string>> rows;
        for (const Fallback& f : std::span(r.fallbacks).first(std::min(count, most_shown))) rows.push_back({f.layer, f.op, f.chosen, f.reason});
        print_table({"layer", "op", "runs in", "why"}, rows, "    ");
        if (count > most_shown) fmt::print("    and {} more; {} lists them\n", count - most_shown, r.target == "cpu" ? fmt::format("`tercet inspect {}`", r.path.string()) : "--json");
    }
    for (const std::string& warning : r.warnings) fmt::print("  warning: {}\n", one_line(warning));
}

void print_summary(const BuildResult& r) {
    fmt::print("{}\n", r.path.string());
    if (r.target == "cpu")
        fmt::print("  {}, {} steps, workspace {}, built in {}\n", text_of_bytes(r.bytes), r.steps, text_of_bytes(r.workspace_bytes), text_of_ms(r.build_ms));
    else
        fmt::print("  {}, {}, built in {}\n", text_of_bytes(r.bytes), r.version, text_of_ms(r.build_ms));
    if (r.precision != "fp32") fmt::print("  layers: {}\n", text_of_layers(r.layers));
    if (r.reference_steps > 0)
        fmt::print("  {} of the steps run by their plain reference implementation; `tercet inspect {}` shows which\n", r.reference_steps, r.path.string());
    print_notes(r);
}

void print_summary(std::vector<BuildResult> results) {
    const std::uint64_t fp32_bytes = bytes_of_fp32(results);
    std::vector<std::vector<std::string>> rows;
    for (const BuildResult& r : results) {
        const bool built = r.status == "ok";
        rows.push_back({r.precision, built ? text_of_bytes(r.bytes) : "-", text_of_reduction(r, fp32_bytes), text_of_layers(r.layers), text_of_ms(r.build_ms), r.status,
                        r.path.string()});
    }
    print_table({"precision", "size", "reduction", "layers", "built in", "status", "file"}, rows, "", {1, 2, 4});
    const std::vector<std::string> shared = take_shared_warnings(results);
    for (const BuildResult& r : results) {
        const bool failed = r.status != "ok";
        if (!failed && r.fallbacks.empty() && r.warnings.empty()) continue;
        fmt::print("\n{}{}\n", r.precision, failed ? " failed: " + one_line(r.reason) : "");
        print_notes(r);
    }
    for (const std::string& warning : shared) fmt::print("\nwarning: {}\n", one_line(warning));
}

Json json_of(const TensorRtJob& job) {
    Json j{{"folder", job.folder.string()}, {"command", job.command}, {"trtexec", job.trtexec}, {"engines", Json::array()}};
    for (const BuildResult& r : job.engines) j["engines"].push_back(json_of(r));
    return j;
}

void print_summary(const TensorRtJob& job) {
    std::vector<std::vector<std::string>> rows;
    for (const BuildResult& r : job.engines) rows.push_back({r.precision, text_of_layers(r.layers), r.status, r.path.string()});
    print_table({"precision", "layers", "status", "engine to be"}, rows, "");
    for (const BuildResult& r : job.engines) {
        if (r.status == "ok" && r.fallbacks.empty() && r.warnings.empty()) continue;
        fmt::print("\n{}{}\n", r.precision, r.status == "ok" ? "" : " failed: " + one_line(r.reason));
        print_notes(r);
    }
    fmt::print("\nBuilt there by\n  {}\n", job.command);
    if (job.trtexec.empty()) return;
    fmt::print("The same by TensorRT's own tool\n");
    for (const std::string& command : job.trtexec) fmt::print("  {}\n", command);
}

}  // namespace tercet::cli
