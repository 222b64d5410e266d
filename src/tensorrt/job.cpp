// SPDX-License-Identifier: Apache-2.0
#include "tensorrt/job.h"

#include "system/child_process.h"
#include "system/share_file.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <deque>
#include <fstream>
#include <sstream>

namespace tercet {
namespace {

using Json = nlohmann::ordered_json;

constexpr int format = 1;
constexpr std::size_t last_lines = 3;

std::string text_of(const std::vector<std::int64_t>& shape) { return fmt::format("{}", fmt::join(shape, "x")); }

// A message as the worker prints it: "[W] text". Anything else is the script's own.
char severity_of(std::string_view line) {
    return line.size() > 4 && line[0] == '[' && line[2] == ']' && std::string_view("FEWIV").find(line[1]) != std::string_view::npos ? line[1] : '\0';
}

}  // namespace

std::string to_json(const TensorRtJobFile& job) {
    Json j{{"format", format}, {"target", job.target->name}, {"wants", job.target->title}, {"modules", Json::array()},
           {"versions", {job.target->first_major, job.target->end_major}}, {"precision", name_of(job.precision)}, {"model", job.model.string()},
           {"engine", job.engine.string()}, {"result", job.result.string()}, {"workspace_bytes", job.workspace_bytes}, {"profiles", Json::object()}};
    for (std::string_view m : job.target->modules) j["modules"].push_back(m);
    if (!job.cache.empty()) j["cache"] = job.cache.string();
    if (!job.timing_cache.empty()) j["timing_cache"] = job.timing_cache.string();
    for (const auto& [input, shapes] : job.profiles) j["profiles"][input] = shapes;
    if (!job.compute_capabilities.empty()) j["compute_capabilities"] = job.compute_capabilities;
    if (!job.subnormal_note.empty()) j["subnormal_note"] = job.subnormal_note;
    j["obey"] = job.obey;
    j["verbose"] = job.verbose;
    j["layers"] = Json::array();
    for (const JobLayer& l : job.layers) j["layers"].push_back({{"layer", l.layer}, {"outputs", l.outputs}, {"chosen", name_of(l.chosen)}, {"fixed", l.fixed}});
    return j.dump(1) + "\n";
}

std::string engine_of_job(std::string_view text) {
    const Json j = Json::parse(text, nullptr, false);
    return j.is_object() && j.contains("engine") && j["engine"].is_string() ? j["engine"].get<std::string>() : "";
}

TensorRtResult parse_tensorrt_result(std::string_view text) {
    try {
        const Json j = Json::parse(text);
        if (j.at("format") != format) throw Error({.what = fmt::format("has format {}, this version reads {}", j.at("format").dump(), format)});
        TensorRtResult r{.ok = j.at("status") == "ok", .error = j.at("error"), .nodes = j.at("nodes")};
        r.version = j.value("version", "");
        r.bytes = j.value("bytes", std::uint64_t{0});
        const Json layers = j.value("layers", Json::object());
        for (const auto& [layer, precision] : layers.items())
            if (precision != "fp8") r.layers[layer] = precision_named(precision.get<std::string>());
        r.from_engine = j.value("layers_from", "") == "engine";
        r.silent_layers = j.value("layers_unnamed", 0);
        r.without_scale = j.value("tensors_without_scale", std::vector<std::string>());
        r.scales_added = j.value("scales_added", 0);
        return r;
    } catch (const Json::exception& e) {
        throw Error({.what = fmt::format("is no result of a build: {}", e.what())});
    }
}

std::string in_shell(const std::string& word) {
    constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./@%";
    if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
    std::string quoted = "'";
    for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return quoted + "'";
}

std::string trtexec_command(const TensorRtJobFile& job) {
    std::string command = fmt::format("{} {} {} --memPoolSize=workspace:{}", job.target->tool, in_shell("--onnx=" + job.model.string()), in_shell("--saveEngine=" + job.engine.string()),
                                      job.workspace_bytes >> 20);
    constexpr std::array<std::string_view, 3> options{"--minShapes", "--optShapes", "--maxShapes"};
    for (std::size_t i = 0; i < options.size() && !job.profiles.empty(); ++i) {
        std::vector<std::string> shapes;
        for (const auto& [input, at] : job.profiles) shapes.push_back(fmt::format("{}:{}", input, text_of(at[i])));
        command += " " + in_shell(fmt::format("{}={}", options[i], fmt::join(shapes, ",")));
    }
    return command;
}

TensorRtResult run_worker(const std::string& python, const std::filesystem::path& job, const std::filesystem::path& engine, const std::filesystem::path& result,
                          const std::function<void(char severity, const std::string& text)>& message) {
    std::error_code ignored;
    std::filesystem::remove(result, ignored);
    std::deque<std::string> last;
    const ProgramEnd end = run_program({python, share_file("tensorrt/worker.py").string(), job.string()}, [&](std::string_view line, bool is_error) {
        if (line.empty()) return;
        last.emplace_back(line);
        if (last.size() > last_lines) last.pop_front();
        if (const char severity = is_error ? '\0' : severity_of(line)) message(severity, std::string(line.substr(4)));
    });
    if (std::ifstream file(result); file) {
        std::ostringstream text;
        text << file.rdbuf();
        return at(result.string(), [&] { return parse_tensorrt_result(text.str()); });
    }
    std::filesystem::path part = engine;
    std::filesystem::remove(part += ".part", ignored);
    const std::string how = end.signal.empty() ? fmt::format("ended with status {}", end.status) : fmt::format("was ended by a signal ({})", end.signal);
    const bool killed = end.signal == "Killed";  // what the kernel does when memory is short
    return {.ok = false, .error = fmt::format("TensorRT's process {}{}; its last lines: {}", how, killed ? ", memory may have run out" : "",
                                              last.empty() ? "none" : fmt::format("{}", fmt::join(last, " / ")))};
}

}  // namespace tercet
