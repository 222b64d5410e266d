// SPDX-License-Identifier: Apache-2.0
// Pooling over boxes, each cut into output_height x output_width bins; x [N, C, H, W], y [boxes, C, output_height, output_width]
//
// RoiAlign: boxes [R, 4] of x1, y1, x2, y2, times spatial_scale, less 1/2 if half_pixel (else at least 1 wide and high); of image
//   batch_indices[r]. A bin is sampled at sampling_ratio^2 points (0: ceil(size of the bin) per axis), each interpolated linearly
//   between its four neighbours, 0 more than 1 outside. avg: their mean. max: the greatest of all neighbours' values times
//   their weights, as ONNX defines it.
// MaxRoiPool: boxes [R, 5] of image, x1, y1, x2, y2, times spatial_scale, rounded, both ends included; the greatest element that
//   a bin touches, 0 if none.
#include "ops/op.h"
#include "ops/require.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace tercet {
namespace {

std::int64_t checked_image(double index, std::int64_t images) {
    if (!(index >= 0 && index < static_cast<double>(images)))
        throw Error({.what = fmt::format("a box of image {} among {} images", index, images), .fix = "compare the boxes with the batch"});
    return static_cast<std::int64_t>(index);
}

double checked_corner(double v) {
    if (!std::isfinite(v)) throw Error({.what = fmt::format("a box with the corner {}", v), .fix = "compare what computes the boxes"});
    return v;
}

void check_boxes(const Inference& c, std::int64_t numbers) {
    require_float(c, 0);
    require_same_type(c, 1);
    require_rank(c, 0, 4, 4);
    require_rank(c, 1, 2, 2);
    if (!may_equal(c.shape(1)[1], Dim(numbers)))
        throw Error({.what = fmt::format("the boxes (input 1) have the shape [{}]", text_of(c.shape(1))), .fix = fmt::format("it must be [boxes, {}]", numbers)});
}

void infer_align(Inference& c) {
    check_boxes(c, 4);
    require_rank(c, 2, 1, 1);
    if (c.dtype(2) != DType::i64 && c.dtype(2) != DType::i32)
        throw Error({.what = fmt::format("batch_indices (input 2) is of type {}", name_of(c.dtype(2))), .fix = "it must be i64"});
    require_shape(c, 2, {c.shape(1)[0]}, "batch_indices");
    const Attributes& a = c.attributes();
    if (const auto mode = a.text("mode", "avg"); mode != "avg" && mode != "max")
        throw Error({.what = fmt::format("unknown mode '{}'", mode), .fix = "avg and max exist"});
    if (const auto mode = a.text("coordinate_transformation_mode", "half_pixel"); mode != "half_pixel" && mode != "output_half_pixel")
        throw Error({.what = fmt::format("unknown coordinate_transformation_mode '{}'", mode), .fix = "half_pixel and output_half_pixel exist"});
    const std::int64_t height = a.integer("output_height", 1), width = a.integer("output_width", 1), ratio = a.integer("sampling_ratio", 0);
    constexpr std::int64_t most = 1 << 20;
    if (height < 1 || width < 1 || height > most || width > most || ratio < 0 || ratio > most)
        throw Error({.what = fmt::format("{} x {} bins of {} samples each way", height, width, ratio), .fix = "check output_height, output_width and sampling_ratio"});
    c.set(0, c.dtype(0), {c.shape(1)[0], c.shape(0)[1], height, width});
}

// One axis of a box.
struct Side {
    double start = 0, bin = 0;
    std::int64_t samples = 0, extent = 0;  // per bin; of x

    Side(double from, double to, bool half_pixel, std::int64_t bins, std::int64_t ratio, std::int64_t n) : extent(n) {
        const double offset = half_pixel ? 0.5 : 0;
        start = from - offset;
        const double size = half_pixel ? to - from : std::max(to - from, 1.0);
        bin = size / static_cast<double>(bins);
        samples = ratio > 0 ? ratio : static_cast<std::int64_t>(std::clamp(std::ceil(bin), 0.0, 0x1p40));
    }
    double position(std::int64_t at, std::int64_t sample) const {
        return start + static_cast<double>(at) * bin + (static_cast<double>(sample) + 0.5) * bin / static_cast<double>(samples);
    }
    bool inside(double p) const { return p >= -1 && p <= static_cast<double>(extent); }
    /// The samples of a bin that can lie inside, [first, last): a box may be far larger than x.
    std::pair<std::int64_t, std::int64_t> range(std::int64_t at) const {
        const double step = bin / static_cast<double>(std::max<std::int64_t>(samples, 1)), zero = position(at, 0);
        if (!(step > 0)) return {0, samples};
        const auto bound = [&](double v) { return static_cast<std::int64_t>(std::clamp((v - zero) / step, 0.0, static_cast<double>(samples))); };
        return {std::max<std::int64_t>(bound(-1) - 1, 0), std::min(bound(static_cast<double>(extent)) + 2, samples)};
    }
};

struct Neighbours {  // along one axis
    std::int64_t low = 0, high = 0;
    double fraction = 0;  // the weight of `high`
    Neighbours(double p, std::int64_t n) {
        p = std::max(p, 0.0);
        low = static_cast<std::int64_t>(p);
        if (low >= n - 1) low = high = n - 1;
        else high = low + 1, fraction = p - static_cast<double>(low);
    }
};

double pooled(const View& x, std::int64_t plane, const Side& rows, const Side& cols, std::int64_t p, std::int64_t q, bool greatest) {
    const auto [first_row, last_row] = rows.range(p);
    const auto [first_col, last_col] = cols.range(q);
    double sum = 0, most = -HUGE_VAL;
    std::int64_t hits = 0;
    for (std::int64_t i = first_row; i < last_row; ++i)
        for (std::int64_t j = first_col; j < last_col; ++j) {
            const double r = rows.position(p, i), s = cols.position(q, j);
            if (!rows.inside(r) || !cols.inside(s)) continue;
            ++hits;
            const Neighbours a(r, rows.extent), b(s, cols.extent);
            const auto term = [&](std::int64_t row, std::int64_t col, double weight) {
                const double v = weight * x.get_at(plane + row * x.strides[2] + col * x.strides[3]);
                sum += v;
                most = std::max(most, v);
            };
            term(a.low, b.low, (1 - a.fraction) * (1 - b.fraction));
            term(a.low, b.high, (1 - a.fraction) * b.fraction);
            term(a.high, b.low, a.fraction * (1 - b.fraction));
            term(a.high, b.high, a.fraction * b.fraction);
        }
    const double samples = static_cast<double>(rows.samples) * static_cast<double>(cols.samples);
    if (!greatest) return sum / std::max(samples, 1.0);
    return static_cast<double>(hits) < samples || hits == 0 ? std::max(most, 0.0) : most;  // those outside are 0
}

void align(const Call& call) {
    const View &x = call.in[0], &boxes = call.in[1], &y = call.out[0];
    require_at_run(boxes.shape == Dims{y.shape[0], 4} && call.in[2].shape == Dims{y.shape[0]}, "boxes and batch_indices differ in number");
    const Attributes& a = call.attributes();
    const bool half_pixel = a.text("coordinate_transformation_mode", "half_pixel") == "half_pixel", greatest = a.text("mode", "avg") == "max";
    const double scale = a.real("spatial_scale", 1);
    const std::int64_t ratio = a.integer("sampling_ratio", 0), height = y.shape[2], width = y.shape[3];
    const bool empty = x.shape[2] == 0 || x.shape[3] == 0;
    for (std::int64_t r = 0; r < y.shape[0]; ++r) {
        const auto corner = [&](std::int64_t k) { return checked_corner(boxes.get({r, k}) * scale); };
        const std::int64_t image = checked_image(static_cast<double>(call.in[2].get_int({r})), x.shape[0]);
        const Side rows(corner(1), corner(3), half_pixel, height, ratio, x.shape[2]), cols(corner(0), corner(2), half_pixel, width, ratio, x.shape[3]);
        for (const Dims& o : indices(y.shape.part(1)))  // [c, p, q]
            y.set({r, o[0], o[1], o[2]}, empty ? 0 : pooled(x, image * x.strides[0] + o[0] * x.strides[1], rows, cols, o[1], o[2], greatest));
    }
}

void infer_max(Inference& c) {
    check_boxes(c, 5);
    const auto shape = c.attributes().integers("pooled_shape");
    if (shape.size() != 2 || shape[0] < 1 || shape[1] < 1)
        throw Error({.what = fmt::format("attribute 'pooled_shape' is [{}]", fmt::join(shape, ",")), .fix = "it must be [height, width], at least 1 each"});
    c.set(0, c.dtype(0), {c.shape(1)[0], c.shape(0)[1], shape[0], shape[1]});
}

// The elements [first, last) of n that a bin of a box touches.
std::pair<std::int64_t, std::int64_t> touched(double from, double to, std::int64_t bin, std::int64_t bins, std::int64_t n) {
    const double start = std::round(from), size = std::max(std::round(to) - start + 1, 1.0) / static_cast<double>(bins);
    const auto clamped = [&](double v) { return static_cast<std::int64_t>(std::clamp(v + start, 0.0, static_cast<double>(n))); };
    return {clamped(std::floor(static_cast<double>(bin) * size)), clamped(std::ceil(static_cast<double>(bin + 1) * size))};
}

void max_pool(const Call& call) {
    const View &x = call.in[0], &boxes = call.in[1], &y = call.out[0];
    require_at_run(boxes.shape == Dims{y.shape[0], 5}, "the boxes have not five numbers each");
    const double scale = call.attributes().real("spatial_scale", 1);
    for (const Dims& o : indices(y.shape)) {  // [r, c, p, q]
        const auto corner = [&](std::int64_t k) { return checked_corner(boxes.get({o[0], k}) * scale); };
        const std::int64_t image = checked_image(boxes.get({o[0], 0}), x.shape[0]);
        const auto [top, bottom] = touched(corner(2), corner(4), o[2], y.shape[2], x.shape[2]);
        const auto [left, right] = touched(corner(1), corner(3), o[3], y.shape[3], x.shape[3]);
        double most = top < bottom && left < right ? -HUGE_VAL : 0;
        for (std::int64_t i = top; i < bottom; ++i)
            for (std::int64_t j = left; j < right; ++j) most = std::max(most, x.get({image, o[1], i, j}));
        y.set(o, most);
    }
}

// What operator set 10 did has a name since 16.
void name_coordinates(Graph& g, NodeId id) { g.attributes(id).set("coordinate_transformation_mode", std::string("output_half_pixel")); }

const RegisteredOp roi_align{{.name = "RoiAlign", .versions = {{10}, {16, name_coordinates}, {22}}, .inputs = {3, 3},
                              .attributes = {{"coordinate_transformation_mode", AttributeKind::text}, {"mode", AttributeKind::text},
                                             {"output_height", AttributeKind::integer}, {"output_width", AttributeKind::integer},
                                             {"sampling_ratio", AttributeKind::integer}, {"spatial_scale", AttributeKind::real}},
                              .infer = infer_align, .reference = align}};
const RegisteredOp max_roi_pool{{.name = "MaxRoiPool", .versions = {{1}, {22}}, .inputs = {2, 2},
                                 .attributes = {{"pooled_shape", AttributeKind::integers, true}, {"spatial_scale", AttributeKind::real}},
                                 .infer = infer_max, .reference = max_pool}};

}  // namespace
}  // namespace tercet
