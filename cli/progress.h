// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace tercet::cli {

/// Tells on standard error how far something has come, once it has taken longer than a second: as one line that is drawn
/// anew on a terminal, else as a line every ten seconds. The line goes when the object does.
class ProgressBar {
public:
    ProgressBar();
    ~ProgressBar() { clear(); }
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;

    void update(std::string_view what, std::int64_t done, std::int64_t total);
    /// A line of its own, above the bar.
    void note(std::string_view line);
    void clear();

private:
    using Clock = std::chrono::steady_clock;

    bool terminal_ = false, drawn_ = false;
    Clock::time_point next_;
};

}  // namespace tercet::cli
