// SPDX-License-Identifier: Apache-2.0
#include "tercet/build.h"

#include "api/build_tensorrt.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <new>

namespace tercet {
namespace {

void make_folder(const std::filesystem::path& folder) {
    std::error_code error;
    if (!folder.empty()) std::filesystem::create_directories(folder, error);
    if (error || (!folder.empty() && !std::filesystem::is_directory(folder, error)))
        throw Error({.what = "cannot make this folder: " + (error ? error.message() : "a file is in its place"), .where = folder.string(),
                     .fix = "name another one"});
}

BuildResult build_or_why_not(const std::filesystem::path& model, const BuildSettings& settings) {
    const auto start = std::chrono::steady_clock::now();
    BuildResult failed{.precision = settings.precision, .target = settings.target, .status = "failed"};
    try {
        return build(model, settings);
    } catch (const Error& e) {
        failed.reason = e.what();
    } catch (const std::bad_alloc&) {
        failed.reason = "out of memory; close other programs, or use smaller --max-shapes";
    }
    failed.build_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    return failed;
}

}  // namespace

std::vector<BuildResult> build_all(const std::filesystem::path& model, const BuildSettings& settings, const std::vector<std::string>& precisions) {
    model_text(model, false, settings);  // what cannot be read is no precision's fault
    make_folder(settings.output);
    std::vector<BuildResult> results;
    for (const std::string& precision : precisions) {
        BuildSettings one = settings;
        one.precision = precision;
        one.output = settings.output / engine_name(model, settings.target, precision);
        const auto named = [&](const std::function<void(const Progress&)>& to) {
            return !to ? to : [&to, &precision](const Progress& p) { to({fmt::format("{}: {}", precision, p.what), p.done, p.total}); };
        };
        one.progress = named(settings.progress);
        one.calibration.progress = named(settings.calibration.progress);
        results.push_back(build_or_why_not(model, one));
    }
    const auto fails_as_the_first = [&](const BuildResult& r) { return r.status == "failed" && r.reason == results[0].reason; };
    if (results.size() > 1 && std::ranges::all_of(results, fails_as_the_first)) throw Error({.what = results[0].reason});
    return results;
}

}  // namespace tercet
