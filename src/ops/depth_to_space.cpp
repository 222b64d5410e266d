// SPDX-License-Identifier: Apache-2.0
// Channels become blocks of b*b pixels, and the other way round:
//   DepthToSpace  y[n, c, h*b + i, w*b + j] = x[n, d, h, w]
//   SpaceToDepth  y[n, d, h, w] = x[n, c, h*b + i, w*b + j]
// where d = (i*b + j)*C + c in mode DCR, d = (c*b + i)*b + j in mode CRD, C being the number of c.
#include "ops/extents.h"
#include "ops/moves.h"
#include "ops/require.h"

#include <fmt/format.h>

namespace tercet {
namespace {

std::int64_t block_of(const Inference& c) {
    const std::int64_t b = c.attributes().integer("blocksize", 0);
    if (b < 1 || b > (1 << 20))
        throw Error({.what = fmt::format("blocksize {}", b),
                     .fix = "it must be positive and not beyond all use"});
    if (const auto mode = c.attributes().text("mode", "DCR"); mode != "DCR" && mode != "CRD")
        throw Error({.what = fmt::format("unknown mode '{}'", mode), .fix = "DCR and CRD exist"});
    if (c.rank(0) != 4) throw Error({.what = fmt::format("the input has rank {}", c.rank(0)), .fix = "it must be [N, C, H, W]"});
    return b;
}

Dim divided(const Dim& d, std::int64_t by, std::string_view what) {
    if (const auto n = d.constant(); n && *n % by != 0)
        throw Error({.what = fmt::format("{} {} cannot be divided by {}", *n, what, by),
                     .fix = "compare 'blocksize' with the input's shape"});
    return floor_div(d, by);
}

void infer_to_space(Inference& c) {
    const std::int64_t b = block_of(c);
    const Shape& x = c.shape(0);
    give(c, 0, c.dtype(0), {x[0], divided(x[1], b * b, "channels"), x[2] * Dim(b), x[3] * Dim(b)});
}

void infer_to_depth(Inference& c) {
    const std::int64_t b = block_of(c);
    const Shape& x = c.shape(0);
    give(c, 0, c.dtype(0), {x[0], x[1] * Dim(b * b), divided(x[2], b, "rows"), divided(x[3], b, "columns")});
}

// [N, D, H, W] seen as [N, C, i, j, H, W]
View split_depth(const View& v, std::int64_t b, bool depth_first) {
    View r = v;
    const std::int64_t channels = v.shape[1] / (b * b), s = v.strides[1];
    r.shape = {v.shape[0], channels, b, b, v.shape[2], v.shape[3]};
    if (depth_first) r.strides = {v.strides[0], s, s * channels * b, s * channels, v.strides[2], v.strides[3]};
    else r.strides = {v.strides[0], s * b * b, s * b, s, v.strides[2], v.strides[3]};
    return r;
}

// [N, C, H*b, W*b] seen as [N, C, i, j, H, W]
View split_space(const View& v, std::int64_t b) {
    View r = v;
    r.shape = {v.shape[0], v.shape[1], b, b, v.shape[2] / b, v.shape[3] / b};
    r.strides = {v.strides[0], v.strides[1], v.strides[2], v.strides[3], v.strides[2] * b, v.strides[3] * b};
    return r;
}

void copy_blocks(const View& from, const View& to, bool divisible) {
    require_at_run(divisible && from.shape == to.shape, "the blocks do not fit into the input");
    copy_view(from, to);
}

bool depth_first(const Call& call) { return call.attributes().text("mode", "DCR") == "DCR"; }

void to_space(const Call& call) {
    const std::int64_t b = call.attributes().integer("blocksize", 1);
    copy_blocks(split_depth(call.in[0], b, depth_first(call)), split_space(call.out[0], b), call.in[0].shape[1] % (b * b) == 0);
}

void to_depth(const Call& call) {
    const std::int64_t b = call.attributes().integer("blocksize", 1);
    const Dims& x = call.in[0].shape;
    copy_blocks(split_space(call.in[0], b), split_depth(call.out[0], b, depth_first(call)), x[2] % b == 0 && x[3] % b == 0);
}

const RegisteredOp depth_to_space{{.name = "DepthToSpace", .versions = {{1}, {11}, {13}, {28}},
                                   .attributes = {{"blocksize", AttributeKind::integer, true}, {"mode", AttributeKind::text}},
                                   .infer = infer_to_space, .reference = to_space, .channels = true}};
const RegisteredOp space_to_depth{{.name = "SpaceToDepth", .versions = {{1}, {13}, {28}},
                                   .attributes = {{"blocksize", AttributeKind::integer, true}, {"mode", AttributeKind::text}},
                                   .infer = infer_to_depth, .reference = to_depth, .channels = true}};

}  // namespace
}  // namespace tercet
