// SPDX-License-Identifier: Apache-2.0
#include "tensorrt/installed.h"

#include "system/child_process.h"
#include "system/share_file.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include <unistd.h>

namespace tercet {
namespace {

namespace fs = std::filesystem;

std::string in_path(const std::string& program) {
    if (program.empty() || program.find('/') != std::string::npos) return program;
    const char* path = std::getenv("PATH");
    std::istringstream folders(path ? path : "");
    for (std::string folder; std::getline(folders, folder, ':');)
        if (const fs::path file = fs::path(folder) / program; access(file.c_str(), X_OK) == 0) return file.string();
    return {};
}

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

// Not by their real paths: the interpreter of a virtual environment is a link to another, and has other modules.
std::vector<std::string> interpreters(std::vector<std::string>& problems) {
    std::vector<std::string> found;
    const auto add = [&](const std::string& file) {
        if (!file.empty() && access(file.c_str(), X_OK) == 0 && std::ranges::find(found, file) == found.end()) found.push_back(file);
    };
    const std::string named = environment("TERCET_PYTHON");
    add(in_path(named));
    if (!named.empty() && found.empty()) problems.push_back(fmt::format("TERCET_PYTHON names {}, which is no program", named));
    if (const std::string active = environment("VIRTUAL_ENV"); !active.empty()) add(active + "/bin/python3");
    add(in_path("python3"));
    if (found.empty()) add(in_path("python"));
    return found;
}

std::string target_of(const TensorRtModule& m) {
    for (const TensorRtTarget& t : tensorrt_targets())
        if (is_of(t, m.module, m.version)) return std::string(t.name);
    return {};
}

std::vector<TensorRtModule> modules_of(const std::string& python) {
    const std::string worker = share_file("tensorrt/worker.py").string();
    std::vector<TensorRtModule> modules;
    const std::string printed = output_of_program({python, worker, "--find"});
    try {
        for (const auto& j : nlohmann::json::parse(printed)) {
            TensorRtModule m{.python = python, .module = j.at("module"), .version = j.at("version"), .file = j.at("file"), .problem = j.at("problem"), .target = {}};
            m.target = target_of(m);
            modules.push_back(std::move(m));
        }
    } catch (const nlohmann::json::exception&) {
        throw Error({.what = "does not run Tercet's script as a Python 3.8 or newer does", .where = python, .fix = "name another one"});
    }
    return modules;
}

std::string text_of(const TensorRtModule& m) {
    return m.version.empty() ? fmt::format("{} of {}, which cannot be imported ({})", m.module, m.python, m.problem) : fmt::format("{} {} ({})", m.module, m.version, m.file);
}

}  // namespace

TensorRtSearch find_tensorrt(const std::string& python) {
    TensorRtSearch search;
    if (!python.empty()) {
        search.pythons = {python};
        search.modules = modules_of(python);
        return search;
    }
    for (const std::string& p : interpreters(search.problems)) {
        search.pythons.push_back(p);
        try {
            std::ranges::copy(modules_of(p), std::back_inserter(search.modules));
        } catch (const Error& e) {
            search.problems.emplace_back(e.what());
        }
    }
    return search;
}

TensorRtModule require_tensorrt(const TensorRtTarget& target, const std::string& python) {
    const TensorRtSearch search = find_tensorrt(python);
    for (const TensorRtModule& m : search.modules)
        if (m.target == target.name) return m;
    std::vector<std::string> found;
    for (const TensorRtModule& m : search.modules) found.push_back(text_of(m));
    std::string fix = fmt::format("`{}`, name the Python that has it by --python", target.how_to_get);
    fix += target.container.empty() ? ", or write a folder to be built elsewhere by --job DIR" : fmt::format(", or write a folder by --job DIR for the container {}", target.container);
    throw Error({.what = fmt::format("{} is not installed: {} {}; looked in {}{}{}", target.title, found.empty() ? "no TensorRT" : "found", found.empty() ? "was found" : fmt::format("{}", fmt::join(found, ", ")),
                                     search.pythons.empty() ? "PATH, which has no python3" : fmt::format("{}", fmt::join(search.pythons, ", ")), search.problems.empty() ? "" : "; ",
                                     fmt::join(search.problems, "; ")),
                 .where = fmt::format("--target {}", target.name), .fix = fix});
}

}  // namespace tercet
