// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tercet/compare.h"
#include "tercet/engine.h"

#include <span>

namespace tercet {

/// The samples of one batch in one output: `count` of them, equal parts of its elements, `filling` more behind them.
struct Rows {
    Rows(const ResultView& output, std::int64_t count, std::int64_t filling);

    DType dtype;
    const std::byte* data;
    std::int64_t count, elements;  ///< samples, and elements of each
};

/// The sample with a NaN, from 0; -1 if there is none.
std::int64_t find_nan(const Rows& rows);

/// Sums that make an OutputError.
class ErrorSums {
public:
    /// Rows without NaN; both have as many.
    void add(const Rows& reference, const Rows& rows);
    OutputError result(std::string name) const;

private:
    double products_ = 0, reference_squares_ = 0, squares_ = 0, noise_ = 0, greatest_ = 0;
    std::int64_t other_shapes_ = 0;
};

/// How an output tells a sample's class.
struct ClassOutput {
    enum class Kind { none, scores, number } kind = Kind::none;
    std::int64_t classes = 0;  ///< for scores

    /// What one sample's shape and the type say: floats with one axis of more than one element are scores, an integer alone is a number.
    static ClassOutput of(DType dtype, std::span<const std::int64_t> sample_shape);
    /// Whether the rows are as long as the shape said; a shape that depends on the data may change from sample to sample.
    bool fits(const Rows& rows) const;
    /// The class given to sample i: the first of the greatest scores; -1 if the rows do not fit.
    std::int64_t answer(const Rows& rows, std::int64_t i) const;
    /// How many classes come before `label` in sample i; all, if the rows do not fit.
    std::int64_t place(const Rows& rows, std::int64_t i, std::int64_t label) const;
};

}  // namespace tercet
