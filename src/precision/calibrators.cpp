// SPDX-License-Identifier: Apache-2.0
// The divergence of a candidate in O(levels), with P's total T and Q's total S:
//     sum P ln(P/Q) = (sum_j p_j ln p_j - sum_b P_b ln q_b) / T - ln T + ln S
// where level b has P_b values in P and q_b per bin in Q; all sums over bins come from prefix sums. Smoothing puts 0.0001 values
// into every empty bin of P and of Q, and takes them off the others in equal parts.
#include "precision/calibrators.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>

namespace tercet {
namespace {

constexpr std::size_t levels = 128, signed_levels = 2 * levels;
constexpr double smoothed = 0.0001;
constexpr std::uint64_t fewest_values = 128;

struct Named {
    std::string_view name;
    Calibrator calibrator;
};
constexpr std::array names{Named{"entropy", Calibrator::entropy}, Named{"minmax", Calibrator::minmax}, Named{"percentile", Calibrator::percentile},
                           Named{"mse", Calibrator::mse}};

// Natural logarithm of a normal x > 0: that of the C library need not be the same everywhere. With x = m * 2^e, sqrt(1/2) <= m < sqrt(2):
// ln m = 2 (s + s^3/3 + s^5/5 + ...), s = (m-1)/(m+1), |s| < 0.172.
double ln(double x) {
    constexpr double c3 = 1.0 / 3, c5 = 1.0 / 5, c7 = 1.0 / 7, c9 = 1.0 / 9, c11 = 1.0 / 11, c13 = 1.0 / 13, c15 = 1.0 / 15, c17 = 1.0 / 17, c19 = 1.0 / 19;
    constexpr std::uint64_t root_half = 0x3fe6a09e667f3bcd;
    const auto bits = std::bit_cast<std::uint64_t>(x);
    const auto e = static_cast<std::int64_t>(bits - root_half) >> 52;
    const double m = std::bit_cast<double>(bits - (static_cast<std::uint64_t>(e) << 52));
    const double s = (m - 1) / (m + 1), q = s * s;
    const double sum = 1 + q * (c3 + q * (c5 + q * (c7 + q * (c9 + q * (c11 + q * (c13 + q * (c15 + q * (c17 + q * c19))))))));
    return static_cast<double>(e) * 0.69314718055994531 + 2 * s * sum;
}

double x_ln_x(double x) { return x > 0 ? x * ln(x) : 0; }

std::size_t used_bins(std::span<const std::uint64_t> counts) {
    std::size_t used = counts.size();
    while (used > 0 && counts[used - 1] == 0) --used;
    return used;
}

class Entropy {
public:
    explicit Entropy(std::span<const std::uint64_t> magnitudes)
        : half_(magnitudes.size()), counts_(2 * half_), values_(2 * half_ + 1), filled_(2 * half_ + 1), ln_(2 * half_ + 1), x_ln_x_(2 * half_ + 1) {
        for (std::size_t k = 0; k < half_; ++k) counts_[half_ + k] = counts_[half_ - 1 - k] = static_cast<double>(magnitudes[k]);
        for (std::size_t k = 0; k < counts_.size(); ++k) {
            values_[k + 1] = values_[k] + counts_[k];
            filled_[k + 1] = filled_[k] + (counts_[k] > 0);
            ln_[k + 1] = ln_[k] + (counts_[k] > 0 ? ln(counts_[k]) : 0);
            x_ln_x_[k + 1] = x_ln_x_[k] + x_ln_x(counts_[k]);
        }
    }

    // Bins of magnitudes below the threshold.
    std::size_t best() const {
        std::size_t best = half_;
        double least = std::numeric_limits<double>::infinity();
        for (std::size_t i = levels; i <= half_; ++i)
            if (const double d = divergence(half_ - i, std::min(half_ + i + 1, 2 * half_)); d < least) {
                least = d;
                best = std::min(i + 1, half_);
            }
        return best;
    }

private:
    // Of the candidate that keeps the bins from `first` to before `end`.
    double divergence(std::size_t first, std::size_t end) const {
        const std::size_t joined = (end - first) / signed_levels;
        const double total = values_.back(), before = values_[first], behind = total - values_[end];
        const double lowest = counts_[first], highest = counts_[end - 1];
        const auto size = static_cast<double>(end - first), width = static_cast<double>(joined);

        std::array<double, signed_levels> q, in_p, filled;  // of a bin of Q; of a level: values of P and its bins that hold any
        double q_total = 0, q_filled = 0;
        for (std::size_t level = 0; level < signed_levels; ++level) {
            const std::size_t from = first + level * joined, to = from + joined;
            const double inside = values_[to] - values_[from];
            in_p[level] = inside;
            filled[level] = filled_[to] - filled_[from];
            if (level == 0) {
                in_p[level] += before;
                filled[level] += lowest == 0 && before > 0;
            }
            if (to == end) {
                in_p[level] += behind;
                filled[level] += highest == 0 && behind > 0;
            }
            const double in_q = level + 1 == signed_levels ? values_[end] - values_[from] : inside;
            q[level] = filled[level] > 0 ? std::floor(in_q / filled[level]) : 0;
            q_total += q[level] * width;
            q_filled += q[level] > 0 ? width : 0;
        }
        if (q_total == 0) return std::numeric_limits<double>::infinity();
        const double p_filled = filled_[end] - filled_[first] + (lowest == 0 && before > 0) + (highest == 0 && behind > 0);
        const double p_less = smoothed * (size - p_filled) / p_filled, q_less = smoothed * (size - q_filled) / q_filled;

        double sum = x_ln_x_[end] - x_ln_x_[first] - x_ln_x(lowest) - x_ln_x(highest) + x_ln_x(lowest + before) + x_ln_x(highest + behind);
        sum -= p_less * (ln_[end] - ln_[first] + p_filled);  // what taking `p_less` off every p makes of sum p ln p, to first order
        sum += (size - p_filled) * smoothed * ln_smoothed_;
        for (std::size_t level = 0; level < signed_levels; ++level) {
            const double p = in_p[level] - p_less * filled[level] + smoothed * (width - filled[level]);
            sum -= p * (q[level] > 0 ? ln(q[level] - q_less) : ln_smoothed_);
        }
        if (const std::size_t rest = first + signed_levels * joined; rest < end) {
            const double in_rest = values_[end] - values_[rest] + behind, rest_filled = filled_[end] - filled_[rest] + (highest == 0 && behind > 0);
            sum -= (in_rest - p_less * rest_filled + smoothed * (static_cast<double>(end - rest) - rest_filled)) * ln_smoothed_;
        }
        return sum / total - ln(total) + ln(q_total);
    }

    std::size_t half_;                                      // bins of magnitudes, up to the last that is not empty
    std::vector<double> counts_;                            // by signed bin
    std::vector<double> values_, filled_, ln_, x_ln_x_;     // sums over the bins before
    double ln_smoothed_ = ln(smoothed);
};

double entropy_threshold(const Histogram& h) {
    const auto counts = h.counts().first(used_bins(h.counts()));
    if (h.nonzeros() < fewest_values || counts.size() < levels) return h.amax();
    return static_cast<double>(Entropy(counts).best()) * h.width();
}

double percentile_threshold(const Histogram& h, double percentile) {
    const double wanted = static_cast<double>(h.nonzeros() + h.zeros()) * (percentile / 100);
    auto below = static_cast<double>(h.zeros());
    for (std::size_t k = 0; k < h.counts().size(); ++k) {
        const auto c = static_cast<double>(h.counts()[k]);
        if (c > 0 && below + c >= wanted) return (static_cast<double>(k) + std::clamp((wanted - below) / c, 0.0, 1.0)) * h.width();
        below += c;
    }
    return h.amax();
}

// In units of bins; thresholds in steps of 1/512 of all bins.
double mse_threshold(const Histogram& h) {
    constexpr std::size_t step = Histogram::bins / 512, first = 2 * 127;
    const auto counts = h.counts().first(used_bins(h.counts()));
    double best = static_cast<double>(counts.size()), least = std::numeric_limits<double>::infinity();
    const auto consider = [&](double threshold) {
        const double scale = threshold / 127, per_step = 1 / scale;
        double error = 0;
        for (std::size_t k = 0; k < counts.size(); ++k) {
            const double x = static_cast<double>(k) + 0.5;
            const double q = std::min(127.0, static_cast<double>(static_cast<std::int64_t>(x * per_step + 0.5)));
            error += static_cast<double>(counts[k]) * (x - q * scale) * (x - q * scale);
        }
        if (error < least) {
            least = error;
            best = threshold;
        }
    };
    for (std::size_t i = first; i < counts.size(); i += step) consider(static_cast<double>(i));
    consider(h.amax() / h.width());
    return best * h.width();
}

}  // namespace

std::string_view name_of(Calibrator calibrator) { return std::ranges::find(names, calibrator, &Named::calibrator)->name; }

Calibrator calibrator_named(std::string_view name) {
    if (const auto found = std::ranges::find(names, name, &Named::name); found != names.end()) return found->calibrator;
    throw Error({.what = fmt::format("there is no calibrator '{}'", name), .fix = "it is one of entropy, minmax, percentile, mse"});
}

double threshold_of(const Histogram& h, Calibrator calibrator, double percentile) {
    const double amax = h.amax();
    if (amax == 0) return 0;
    double threshold = amax;
    switch (calibrator) {
        case Calibrator::entropy: threshold = entropy_threshold(h); break;
        case Calibrator::minmax: break;
        case Calibrator::percentile: threshold = percentile_threshold(h, percentile); break;
        case Calibrator::mse: threshold = mse_threshold(h); break;
    }
    return threshold > 0 ? std::min(threshold, amax) : std::min(h.width(), amax);
}

float scale_of(double threshold) {
    if (threshold <= 0) return 1.0F / 127;
    return std::max(static_cast<float>(threshold / 127), std::numeric_limits<float>::min());
}

}  // namespace tercet
