// SPDX-License-Identifier: Apache-2.0
#include "tensorrt_runtime/nv/log.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tercet::nv {

void Log::log(Severity severity, const nvinfer1::AsciiChar* line) noexcept {
    constexpr std::size_t most = 4;
    if (severity > Severity::kWARNING || !line) return;
    try {
        const std::lock_guard lock(mutex_);
        std::vector<std::string>& lines = severity == Severity::kWARNING ? warnings_ : errors_;
        if (lines.size() < most && std::ranges::find(lines, line) == lines.end()) lines.emplace_back(line);
    } catch (...) {  // out of memory: a line less
    }
}

std::string Log::take_errors() {
    const std::lock_guard lock(mutex_);
    const auto lines = std::exchange(errors_, {});
    std::string text = lines.empty() ? "without a reason" : fmt::format("{}", fmt::join(lines, " | "));
    std::ranges::replace_if(text, [](unsigned char c) { return c < 0x20; }, ' ');
    while (text.ends_with(' ') || text.ends_with('.')) text.pop_back();
    return text;
}

std::vector<std::string> Log::take_warnings() {
    const std::lock_guard lock(mutex_);
    return std::exchange(warnings_, {});
}

Log& log() {
    static Log* const the_log = new Log;
    return *the_log;
}

}  // namespace tercet::nv
