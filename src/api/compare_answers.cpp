// SPDX-License-Identifier: Apache-2.0
// cosine = sum r*y / sqrt(sum r*r * sum y*y),   SQNR = 10 log10(sum r*r / sum (r - y)^2),   r being FP32's elements, y another's.
#include "api/compare_answers.h"

#include "tensor/tensor.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tercet {
namespace {

View elements_of(const Rows& rows, std::int64_t count) { return View(rows.dtype, Dims{count}, rows.data); }

View row(const Rows& rows, std::int64_t i) {
    return View(rows.dtype, Dims{rows.elements}, rows.data + static_cast<std::size_t>(i) * bytes_of(rows.dtype, rows.elements));
}

}  // namespace

Rows::Rows(const ResultView& output, std::int64_t count_, std::int64_t filling)
    : dtype(output.dtype), data(output.as<std::byte>()), count(count_), elements(count_of(output.shape) / (count_ + filling)) {}

std::int64_t find_nan(const Rows& rows) {
    if (!is_float(rows.dtype)) return -1;
    const View all = elements_of(rows, rows.count * rows.elements);
    for (std::int64_t i = 0; i < all.count(); ++i)
        if (std::isnan(all.get_at(i))) return i / rows.elements;
    return -1;
}

void ErrorSums::add(const Rows& reference, const Rows& rows) {
    if (rows.elements != reference.elements) {
        other_shapes_ += rows.count;
        return;
    }
    const View r = elements_of(reference, rows.count * rows.elements), y = elements_of(rows, rows.count * rows.elements);
    for (std::int64_t i = 0; i < r.count(); ++i) {
        const double a = r.get_at(i), b = y.get_at(i);
        if (std::isinf(a) && a == b) continue;  // as far as they go, they are equal
        const double difference = a - b;
        products_ += a * b;
        reference_squares_ += a * a;
        squares_ += b * b;
        noise_ += difference * difference;
        greatest_ = std::max(greatest_, std::abs(difference));
    }
}

OutputError ErrorSums::result(std::string name) const {
    OutputError e{.name = std::move(name), .max_abs_error = greatest_, .other_shapes = other_shapes_};
    const double infinity = std::numeric_limits<double>::infinity();
    e.sqnr_db = noise_ == 0 ? infinity : std::isinf(noise_) ? -infinity : 10 * std::log10(reference_squares_ / noise_);
    const double norms = std::sqrt(reference_squares_) * std::sqrt(squares_);
    if (noise_ > 0) e.cosine = norms > 0 && std::isfinite(norms) ? std::clamp(products_ / norms, -1.0, 1.0) : 0;
    return e;
}

ClassOutput ClassOutput::of(DType dtype, std::span<const std::int64_t> sample_shape) {
    const auto is_long = [](std::int64_t extent) { return extent != 1; };
    const auto long_axes = std::ranges::count_if(sample_shape, is_long);
    if (is_integer(dtype) && long_axes == 0) return {.kind = Kind::number};
    if (!is_float(dtype) || long_axes != 1 || count_of(sample_shape) < 2) return {};
    return {.kind = Kind::scores, .classes = count_of(sample_shape)};
}

bool ClassOutput::fits(const Rows& rows) const { return rows.elements == (kind == Kind::scores ? classes : 1); }

std::int64_t ClassOutput::answer(const Rows& rows, std::int64_t i) const {
    if (!fits(rows)) return -1;
    const View scores = row(rows, i);
    if (kind == Kind::number) return scores.get_int_at(0);
    std::int64_t best = 0;
    for (std::int64_t c = 1; c < scores.count(); ++c)
        if (scores.get_at(c) > scores.get_at(best)) best = c;
    return best;
}

std::int64_t ClassOutput::place(const Rows& rows, std::int64_t i, std::int64_t label) const {
    if (!fits(rows)) return std::numeric_limits<std::int64_t>::max();
    const View scores = row(rows, i);
    if (kind == Kind::number) return scores.get_int_at(0) != label;
    std::int64_t before = 0;
    for (std::int64_t c = 0; c < scores.count(); ++c) {
        const double other = scores.get_at(c), own = scores.get_at(label);
        before += other > own || (other == own && c < label);
    }
    return before;
}

}  // namespace tercet
