// SPDX-License-Identifier: Apache-2.0
// Values are counted block by block: one loop over a block's bits finds its greatest magnitude and what is no number, a second
// turns magnitudes into the numbers of their bins (both are vectors' work), a third counts, in four tables in turn, since an
// addition to the counter that was just written has to wait for it.
#include "precision/histogram.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <utility>

namespace tercet {
namespace {

constexpr std::size_t block_values = 2048;
constexpr std::size_t stretch_values = std::size_t{1} << 22;  // in between, tables of 32-bit counters are emptied
constexpr std::size_t tables = 4;
constexpr std::uint32_t sign_bit = 0x80000000, infinity_bits = 0x7f800000;
constexpr int least_exponent = -126;  // whose reciprocal is a float

// The least exponent whose bins reach beyond amax.
int exponent_for(float amax) {
    const int above = std::ilogb(amax) + 1;  // amax < 2^above
    return std::max(least_exponent, above - std::countr_zero(static_cast<unsigned>(Histogram::bins)));
}

std::uint32_t magnitude_bits(float x) { return std::bit_cast<std::uint32_t>(x) & ~sign_bit; }

using Block = std::array<std::uint32_t, block_values>;

// Magnitudes as bits; returns the greatest, which is no finite number's if there is one that is not.
std::uint32_t take_bits(std::span<const float> x, Block& bits) {
    std::int32_t greatest = 0;  // signed, as SSE2 compares
    for (std::size_t i = 0; i < x.size(); ++i) {
        bits[i] = magnitude_bits(x[i]);
        greatest = std::max(greatest, static_cast<std::int32_t>(bits[i]));
    }
    return static_cast<std::uint32_t>(greatest);
}

}  // namespace

double Histogram::width() const { return std::ldexp(1.0, exponent_); }

std::uint64_t Histogram::nonzeros() const {
    std::uint64_t n = 0;
    for (std::uint64_t c : counts_) n += c;
    return n;
}

double Histogram::mean_square() const {
    double sum = 0;
    for (std::size_t k = 0; k < counts_.size(); ++k) {
        const double middle = (static_cast<double>(k) + 0.5) * width();
        sum += static_cast<double>(counts_[k]) * middle * middle;
    }
    const std::uint64_t n = nonzeros() + zeros_;
    return n > 0 ? sum / static_cast<double>(n) : 0;
}

void Histogram::widen_to(int exponent) {
    if (counts_.empty()) {
        counts_.assign(bins, 0);
        exponent_ = exponent;
        return;
    }
    for (; exponent_ < exponent; ++exponent_) {
        for (std::size_t k = 0; k < bins / 2; ++k) counts_[k] = counts_[2 * k] + counts_[2 * k + 1];
        std::fill(counts_.begin() + bins / 2, counts_.end(), 0);
    }
}

void Histogram::add(std::span<const float> values) {
    thread_local std::array<std::array<std::uint32_t, bins>, tables> counted{};  // all zero between calls
    Block bits;
    std::size_t in_tables = 0;
    const auto empty_tables = [&] {
        if (in_tables == 0) return;
        for (std::size_t k = 0; k < bins; ++k) {
            std::uint32_t sum = 0;  // modulo 2^32, which no sum reaches
            for (auto& table : counted) sum += std::exchange(table[k], 0);
            counts_[k] += sum;
        }
        in_tables = 0;
    };
    while (!values.empty()) {
        const auto block = values.first(std::min(block_values, values.size()));
        values = values.subspan(block.size());
        std::uint32_t greatest = take_bits(block, bits);
        if (greatest >= infinity_bits) {
            greatest = 0;
            for (std::size_t i = 0; i < block.size(); ++i) {
                if (bits[i] >= infinity_bits) {
                    (bits[i] > infinity_bits ? nans_ : infinities_) += 1;
                    --zeros_;  // which the loop below counts it as
                    bits[i] = 0;
                }
                greatest = std::max(greatest, bits[i]);
            }
        }
        const float block_amax = std::bit_cast<float>(greatest);
        if (block_amax > amax_) {
            amax_ = block_amax;
            if (const int needed = exponent_for(amax_); counts_.empty() || needed > exponent_) {
                if (!counts_.empty()) empty_tables();
                widen_to(needed);
            }
        }
        std::uint32_t zeros = 0;
        for (std::size_t i = 0; i < block.size(); ++i) zeros += bits[i] == 0;
        zeros_ += zeros;
        if (zeros == block.size()) continue;

        const float bins_per_unit = std::bit_cast<float>(static_cast<std::uint32_t>(127 - exponent_) << 23);
        for (std::size_t i = 0; i < block.size(); ++i)
            bits[i] = static_cast<std::uint32_t>(static_cast<std::int32_t>(std::bit_cast<float>(bits[i]) * bins_per_unit));
        std::size_t i = 0;
        for (; i + tables <= block.size(); i += tables)
            for (std::size_t t = 0; t < tables; ++t) ++counted[t][bits[i + t]];
        for (; i < block.size(); ++i) ++counted[0][bits[i]];
        counted[0][0] -= zeros;  // may wrap around, and back when the tables are added up
        in_tables += block.size();
        if (in_tables >= stretch_values) empty_tables();
    }
    empty_tables();
}

void Histogram::add(const Histogram& other) {
    zeros_ += other.zeros_;
    nans_ += other.nans_;
    infinities_ += other.infinities_;
    amax_ = std::max(amax_, other.amax_);
    if (other.counts_.empty()) return;
    if (counts_.empty()) {
        counts_ = other.counts_;
        exponent_ = other.exponent_;
        return;
    }
    widen_to(other.exponent_);
    const int shift = exponent_ - other.exponent_;
    for (std::size_t k = 0; k < bins; ++k) {
        const std::size_t to = shift < 32 ? k >> shift : 0;
        counts_[to] += other.counts_[k];
    }
}

Histogram Histogram::coarser() const {
    Histogram h = *this;
    if (!h.counts_.empty()) h.widen_to(h.exponent_ + 1);
    return h;
}

}  // namespace tercet
