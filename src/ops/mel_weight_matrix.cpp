// SPDX-License-Identifier: Apache-2.0
// y[row, i]: triangles over the rows of a spectrum, [floor(dft_length/2) + 1, num_mel_bins]. Triangle i rises from 0 at row
// bin(i) to 1 at bin(i + 1) and falls to 0 at bin(i + 2); where it does not rise, it is 1 at bin(i + 1).
//     bin(k) = floor((dft_length + 1)*hertz(lower + k*(upper - lower)/(num_mel_bins + 2))/sample_rate), the limits in mel
//     mel(f) = 2595*log10(1 + f/700), hertz its inverse
// Rows that do not exist are left out.
#include "ops/extents.h"
#include "ops/require.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace tercet {
namespace {

void infer(Inference& c) {
    const std::int64_t type = c.attributes().integer("output_datatype", 1);
    if (!is_dtype(type) || !(is_float(static_cast<DType>(type)) || is_integer(static_cast<DType>(type))))
        throw Error({.what = fmt::format("output_datatype is {}", type), .fix = "it must be a type of numbers"});
    for (std::size_t i : {3, 4}) require_float(c, i);
    for (std::size_t i : {0, 1, 2})
        if (c.dtype(i) != DType::i32 && c.dtype(i) != DType::i64)
            throw Error({.what = fmt::format("input {} is {}", i, name_of(c.dtype(i))), .fix = "it must be i64 or i32"});
    for (std::size_t i = 0; i < 5; ++i)
        if (const auto n = product(c.shape(i)).constant(); !n || *n != 1)
            throw Error({.what = fmt::format("input {} has the shape [{}]", i, text_of(c.shape(i))), .fix = "it must have one element"});
    const Dim bins = single(c, 0, "num_mel_bins");
    const Dim rows = floor_div(single(c, 1, "dft_length"), Dim(2)) + Dim(1);
    for (const Dim& d : {bins, rows})
        if (const auto n = d.constant(); n && *n < 0)
            throw Error({.what = fmt::format("a matrix of {} x {}", rows.text(), bins.text()), .fix = "num_mel_bins and dft_length must not be negative"});
    give(c, 0, static_cast<DType>(type), {rows, bins});
}

double mel(double hertz) { return 2595 * std::log1p(hertz / 700) / std::log(10.0); }
double hertz(double mel) { return 700 * std::expm1(mel / 2595 * std::log(10.0)); }

void reference(const Call& call) {
    const View& y = call.out[0];
    const std::int64_t rows = y.shape[0], bins = y.shape[1];
    const auto points = static_cast<double>(call.in[1].get_int_at(0)) + 1, rate = static_cast<double>(call.in[2].get_int_at(0));
    if (rate <= 0) throw Error({.what = fmt::format("sample_rate is {}", rate), .fix = "it must be positive"});
    const double lower = mel(call.in[3].get_at(0)), step = (mel(call.in[4].get_at(0)) - lower) / static_cast<double>(bins + 2);
    if (!std::isfinite(lower) || !std::isfinite(step))
        throw Error({.what = fmt::format("bands from {} to {} Hz", call.in[3].get_at(0), call.in[4].get_at(0)), .fix = "the limits must be above -700 and finite"});
    const auto bin = [&](std::int64_t k) {
        const double row = std::floor(points * hertz(lower + static_cast<double>(k) * step) / rate);
        return static_cast<std::int64_t>(std::clamp(row, -0x1p40, 0x1p40));
    };
    for (std::int64_t i = 0; i < y.count(); ++i) y.set_at(i, 0);
    for (std::int64_t i = 0; i < bins; ++i) {
        const std::int64_t low = bin(i), centre = bin(i + 1), high = bin(i + 2);
        const auto put = [&](std::int64_t row, double v) {
            if (row >= 0 && row < rows) y.set({row, i}, v);
        };
        if (low == centre) put(centre, 1);
        for (std::int64_t j = std::max<std::int64_t>(low, 0); low < centre && j <= std::min(centre, rows - 1); ++j)
            put(j, static_cast<double>(j - low) / static_cast<double>(centre - low));
        for (std::int64_t j = std::max<std::int64_t>(centre, 0); j < std::min(high, rows); ++j)
            put(j, static_cast<double>(high - j) / static_cast<double>(high - centre));
    }
}

const RegisteredOp mel_weight_matrix{{.name = "MelWeightMatrix", .versions = {{17}}, .inputs = {5, 5}, .attributes = {{"output_datatype", AttributeKind::integer}},
                                      .infer = infer, .reference = reference}};

}  // namespace
}  // namespace tercet
