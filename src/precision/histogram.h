// SPDX-License-Identifier: Apache-2.0
// Histogram: how often each magnitude occurred in one tensor, in memory that does not grow with the number of values.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tercet {

/// Counts of |x| in bins of one width, a power of two. Where a value does not fit, neighbouring bins are joined until it does:
/// the counts are then exactly those that the wider bins would have had from the start. So the result depends on the values
/// alone, not on their order, nor on how they were shared out among threads.
class Histogram {
public:
    static constexpr int bins = 4096;

    void add(std::span<const float> values);
    /// As if the other's values had been added.
    void add(const Histogram& other);

    /// Magnitudes in [k*width, (k+1)*width); zeros, NaN and infinities are not among them. Empty before the first one.
    std::span<const std::uint64_t> counts() const { return counts_; }
    double width() const;
    float amax() const { return amax_; }               // greatest finite magnitude; 0 if there is none
    std::uint64_t zeros() const { return zeros_; }
    std::uint64_t nans() const { return nans_; }
    std::uint64_t infinities() const { return infinities_; }
    std::uint64_t nonzeros() const;                    // finite ones
    double mean_square() const;                        // of finite values, zeros included; by the middles of the bins

    /// The same with bins of twice the width: for estimates that have to be quick.
    Histogram coarser() const;

    friend bool operator==(const Histogram&, const Histogram&) = default;

private:
    void widen_to(int exponent);

    std::vector<std::uint64_t> counts_{};              // bins, or empty
    int exponent_ = 0;                                 // of the width
    float amax_ = 0;
    std::uint64_t zeros_ = 0, nans_ = 0, infinities_ = 0;
};

}  // namespace tercet
