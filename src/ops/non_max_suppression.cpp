// SPDX-License-Identifier: Apache-2.0
// Greedy selection of boxes (Neubeck and Van Gool, "Efficient Non-Maximum Suppression", 2006), per batch and class: boxes whose
// score is above score_threshold, by falling score (the lower index first among equals), each unless its intersection over union
// with one selected before is above iou_threshold, and max_output_boxes_per_class of them at most (0 if left out: none).
//
//   boxes [batches, n, 4], scores [batches, classes, n] -> [selected, 3]: batch, class, box
//
// Boxes are two opposite corners (y1, x1, y2, x2), or, with center_point_box, (x, y, width, height) about their centre.
#include "ops/elementwise.h"
#include "ops/extents.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace tercet {
namespace {

struct Box {
    float top, left, bottom, right;
    float area() const { return (bottom - top) * (right - left); }
};

Box box_at(const View& boxes, std::int64_t batch, std::int64_t i, bool centered) {
    float v[4];
    for (int k = 0; k < 4; ++k) v[k] = static_cast<float>(boxes.get_at(batch * boxes.strides[0] + i * boxes.strides[1] + k * boxes.strides[2]));
    if (centered) return {v[1] - v[3] / 2, v[0] - v[2] / 2, v[1] + v[3] / 2, v[0] + v[2] / 2};
    return {std::min(v[0], v[2]), std::min(v[1], v[3]), std::max(v[0], v[2]), std::max(v[1], v[3])};
}

bool overlap(const Box& a, const Box& b, float threshold) {
    const float height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top), width = std::min(a.right, b.right) - std::max(a.left, b.left);
    if (!(height > 0 && width > 0)) return false;
    const float both = height * width, either = a.area() + b.area() - both;
    return a.area() > 0 && b.area() > 0 && either > 0 && both / either > threshold;
}

double scalar(const Call& call, std::size_t i, double missing) { return call.has(i) && call.in[i].count() > 0 ? call.in[i].get_at(0) : missing; }

// In the scratch memory, per batch and class: how many are selected, then which; behind all, places to sort in.
struct Selection {
    std::int64_t batches, classes, n;
    std::int32_t* data;

    explicit Selection(const Call& call)
        : batches(call.in[1].shape[0]), classes(call.in[1].shape[1]), n(call.in[1].shape[2]), data(reinterpret_cast<std::int32_t*>(call.scratch.data())) {}
    std::int32_t* of(std::int64_t batch, std::int64_t c) const { return data + (batch * classes + c) * (n + 1); }
    std::int32_t* order() const { return of(batches, 0); }
    std::size_t bytes() const { return static_cast<std::size_t>((batches * classes + 1) * (n + 1)) * sizeof(std::int32_t); }
};

std::size_t scratch_bytes(const Call& call) { return Selection(call).bytes(); }

void measure(const Call& call, std::span<std::int64_t> extents) {
    const View &boxes = call.in[0], &scores = call.in[1];
    const Selection s(call);
    const auto most = static_cast<std::int64_t>(std::clamp(scalar(call, 2, 0), 0.0, static_cast<double>(s.n)));
    const auto overlap_above = static_cast<float>(scalar(call, 3, 0));
    const double score_above = scalar(call, 4, -std::numeric_limits<double>::infinity());
    const bool centered = call.attributes().integer("center_point_box", 0) != 0, any_score = !call.has(4);
    std::int64_t total = 0;
    for (std::int64_t batch = 0; batch < s.batches; ++batch)
        for (std::int64_t c = 0; c < s.classes; ++c) {
            const std::int64_t line = batch * scores.strides[0] + c * scores.strides[1];
            const auto score = [&](std::int64_t i) { return scores.get_at(line + i * scores.strides[2]); };
            std::int32_t* const order = s.order();
            std::int64_t candidates = 0;
            for (std::int64_t i = 0; i < s.n; ++i)
                if (score(i) > score_above || (any_score && score(i) == score(i))) order[candidates++] = static_cast<std::int32_t>(i);
            std::sort(order, order + candidates, [&](std::int32_t i, std::int32_t j) { return score(i) > score(j) || (score(i) == score(j) && i < j); });
            std::int32_t* const selected = s.of(batch, c);
            std::int32_t& count = selected[0] = 0;
            for (std::int64_t k = 0; k < candidates && count < most; ++k) {
                const Box box = box_at(boxes, batch, order[k], centered);
                bool apart = true;
                for (std::int32_t j = 1; apart && j <= count; ++j) apart = !overlap(box, box_at(boxes, batch, selected[j], centered), overlap_above);
                if (apart) selected[++count] = order[k];
            }
            total += count;
        }
    if (!extents.empty()) extents[0] = total;
}

void reference(const Call& call) {
    const View& y = call.out[0];
    const Selection s(call);
    std::int64_t row = 0;
    for (std::int64_t batch = 0; batch < s.batches; ++batch)
        for (std::int64_t c = 0; c < s.classes; ++c) {
            const std::int32_t* selected = s.of(batch, c);
            for (std::int32_t j = 1; j <= selected[0]; ++j, ++row) {
                y.set_int({row, 0}, batch);
                y.set_int({row, 1}, c);
                y.set_int({row, 2}, selected[j]);
            }
        }
}

void infer(Inference& c) {
    const auto fail = [&](std::size_t i, std::string_view wanted) {
        throw Error({.what = fmt::format("input {} is {}", i, text_of(c.in[i].type)), .fix = fmt::format("it should be {}", wanted)});
    };
    if (c.dtype(0) != DType::f32 || c.rank(0) != 3 || (c.shape(0)[2].is_constant() && c.shape(0)[2] != Dim(4))) fail(0, "boxes, f32[batches,boxes,4]");
    if (c.dtype(1) != DType::f32 || c.rank(1) != 3) fail(1, "scores, f32[batches,classes,boxes]");
    if (c.has(2) && (c.dtype(2) != DType::i64 || c.rank(2) > 1)) fail(2, "one i64");
    for (std::size_t i : {3u, 4u})
        if (c.has(i) && (c.dtype(i) != DType::f32 || c.rank(i) > 1)) fail(i, "one f32");
    Dim batches = c.shape(0)[0], n = c.shape(0)[1];
    unify(batches, c.shape(1)[0], "the batches of boxes and scores");
    unify(n, c.shape(1)[2], "the numbers of boxes and scores");
    const Dim classes = c.shape(1)[1];
    Dim most = n;
    if (!c.has(2)) most = 0;
    else if (const auto limit = c.content(2); limit && !limit->empty() && !is_open(limit->front())) most = lesser(greater((*limit)[0], Dim(0)), n);
    give(c, 0, DType::i64, {c.unknown("selected", batches * classes * most), Dim(3)});
}

const RegisteredOp non_max_suppression{{.name = "NonMaxSuppression", .versions = {{10}, {11}}, .inputs = {2, 5}, .attributes = {{"center_point_box", AttributeKind::integer}},
                                        .infer = infer, .reference = reference, .scratch_bytes = scratch_bytes, .measure = measure}};

}  // namespace
}  // namespace tercet
