// SPDX-License-Identifier: Apache-2.0
// Sums of a discrete Fourier transform, as the reference implementations take them: term by term, in double.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>

namespace tercet {

struct Complex {
    double re = 0, im = 0;
};

/// The n-th roots of unity: a table in memory of the caller's, or computed each time where that is too small.
class Roots {
public:
    static std::size_t bytes(std::int64_t n) { return static_cast<std::size_t>(n) * sizeof(Complex); }

    Roots(std::span<std::byte> scratch, std::int64_t n) : n_(n), table_(scratch.size() < bytes(n) ? nullptr : reinterpret_cast<Complex*>(scratch.data())) {
        for (std::int64_t i = 0; table_ && i < n; ++i) table_[i] = computed(i);
    }

    /// sum over t in [0, n) of x(t) * exp(sign * 2*pi*i*k*t/n)
    template <class F>
    Complex transform(F&& x, std::int64_t k, int sign) const {
        Complex sum;
        for (std::int64_t t = 0, at = 0; t < n_; ++t, at = (at + k) % n_) {  // at = k*t mod n
            const Complex v = x(t), root = table_ ? table_[at] : computed(at), w{root.re, sign * root.im};
            sum.re += v.re * w.re - v.im * w.im;
            sum.im += v.re * w.im + v.im * w.re;
        }
        return sum;
    }

private:
    Complex computed(std::int64_t i) const {
        const double angle = 2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(n_);
        return {std::cos(angle), std::sin(angle)};
    }

    std::int64_t n_;
    Complex* table_;
};

}  // namespace tercet
