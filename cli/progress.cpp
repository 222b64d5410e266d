// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include "cli/print.h"

#include <algorithm>
#include <cstdio>

#include <unistd.h>

namespace tercet::cli {
namespace {

using namespace std::chrono_literals;

constexpr int bar_cells = 30;

}  // namespace

ProgressBar::ProgressBar() : terminal_(isatty(STDERR_FILENO) == 1), next_(Clock::now() + 1s) {}

void ProgressBar::update(std::string_view what, std::int64_t done, std::int64_t total) {
    const auto now = Clock::now();
    if (now < next_ || total <= 0) return;
    done = std::clamp<std::int64_t>(done, 0, total);
    if (terminal_) {
        const auto filled = static_cast<std::size_t>(static_cast<double>(done) / static_cast<double>(total) * bar_cells);
        fmt::print(stderr, "\r\033[K{} [{}{}] {}/{}", one_line(what), std::string(filled, '#'), std::string(bar_cells - filled, '.'), done, total);
        std::fflush(stderr);
        drawn_ = true;
        next_ = now + 100ms;
    } else {
        fmt::print(stderr, "{} {}/{}\n", one_line(what), done, total);
        next_ = now + 10s;
    }
}

void ProgressBar::note(std::string_view line) {
    clear();
    fmt::print(stderr, "{}\n", one_line(line));
}

void ProgressBar::clear() {
    if (drawn_) fmt::print(stderr, "\r\033[K");
    drawn_ = false;
}

}  // namespace tercet::cli
