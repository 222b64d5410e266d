// SPDX-License-Identifier: Apache-2.0
// Pairs of elements (a, b) of every head are turned by the angle of their position:
//     a' = a*cos[p,i] - b*sin[p,i],   b' = a*sin[p,i] + b*cos[p,i],   i < n/2
// (a, b) are elements i and n/2 + i, or 2i and 2i + 1 if `interleaved`; n is `rotary_embedding_dim`, 0: the size of a head.
// Elements behind the first n stay. x is [B, heads, S, D], or [B, S, num_heads*D]. cos and sin are [B, S, n/2], or, with
// positions [B, S], tables [positions, n/2] from which these choose the rows.
#include "ops/extents.h"
#include "ops/op.h"
#include "ops/require.h"

#include <fmt/format.h>

namespace tercet {
namespace {

enum Input : std::size_t { x, cosines, sines, positions };

void infer(Inference& c) {
    require_float(c, x);
    require_rank(c, x, 3, 4);
    require_same_type(c, cosines);
    require_same_type(c, sines);
    const bool packed = c.rank(x) == 3;
    const Shape& s = c.shape(x);
    const std::int64_t heads = c.attributes().integer("num_heads", 0), n = c.attributes().integer("rotary_embedding_dim", 0);
    if (packed && heads < 1)
        throw Error({.what = fmt::format("num_heads is {} for an input of shape [{}]", heads, text_of(s)),
                     .fix = "give the number of heads, or an input of 4 axes"});
    if (const auto all = s[2].constant(); packed && all && *all % heads != 0)
        throw Error({.what = fmt::format("{} elements cannot be shared out among {} heads", *all, heads), .fix = "compare 'num_heads' with the input's shape"});
    const Dim size = packed ? floor_div(s[2], heads) : s[3];
    const auto known = size.constant();
    if (n < 0 || n % 2 != 0 || (known && (n > *known || (n == 0 && *known % 2 != 0))))
        throw Error({.what = fmt::format("{} elements of a head of {} cannot be turned in pairs", n == 0 ? size.text() : fmt::format("{}", n), size.text()),
                     .fix = "make rotary_embedding_dim, or else the size of a head, even"});
    const Dim half = n == 0 ? floor_div(size, 2) : Dim(n / 2), length = packed ? s[1] : s[2];
    if (c.has(positions)) {
        if (c.dtype(positions) != DType::i64 && c.dtype(positions) != DType::i32)
            throw Error({.what = fmt::format("position_ids are {}", name_of(c.dtype(positions))), .fix = "they must be i64"});
        require_shape(c, positions, {s[0], length}, "position_ids");
        require_rank(c, cosines, 2, 2);
        require_shape(c, cosines, {c.shape(cosines)[0], half}, "cos_cache");
        require_shape(c, sines, {c.shape(cosines)[0], half}, "sin_cache");
    } else {
        require_shape(c, cosines, {s[0], length, half}, "cos_cache");
        require_shape(c, sines, {s[0], length, half}, "sin_cache");
    }
    c.set(0, c.dtype(x), s);
}

// [B, S, heads*D] seen as [B, heads, S, D].
View by_heads(const View& v, std::int64_t heads) {
    if (v.rank() == 4) return v;
    require_at_run(heads > 0 && v.shape[2] % heads == 0, "the elements of a position cannot be shared out among the heads");
    View r = v;
    const std::int64_t size = v.shape[2] / heads;
    r.shape = {v.shape[0], heads, v.shape[1], size};
    r.strides = {v.strides[0], size * v.strides[2], v.strides[1], v.strides[2]};
    return r;
}

void reference(const Call& call) {
    const std::int64_t heads = call.attributes().integer("num_heads", 0);
    const View in = by_heads(call.in[x], heads), out = by_heads(call.out[0], heads);
    const View &cos = call.in[cosines], &sin = call.in[sines];
    const std::int64_t batch = in.shape[0], length = in.shape[2], size = in.shape[3];
    const std::int64_t asked = call.attributes().integer("rotary_embedding_dim", 0), n = asked == 0 ? size : asked;
    const bool interleaved = call.attributes().integer("interleaved", 0) != 0, chosen = call.has(positions);
    require_at_run(n <= size && n % 2 == 0, "a head cannot be turned in pairs");
    require_at_run(cos.shape == sin.shape && cos.shape.back() == n / 2, "cos_cache and sin_cache do not fit the size of a head");
    require_at_run(chosen ? call.in[positions].shape == Dims({batch, length}) : cos.shape == Dims({batch, length, n / 2}),
                   "position_ids, or else cos_cache and sin_cache, do not fit batch and length");
    for (const Dims& i : indices({batch, length})) {
        Dims row = i;
        if (chosen) {
            const std::int64_t p = call.in[positions].get_int(i);
            if (p < 0 || p >= cos.shape[0])
                throw Error({.what = fmt::format("position {} of a table of {}", p, cos.shape[0]), .fix = "correct position_ids in the input"});
            row = {p};
        }
        row.push_back(0);
        const std::int64_t angle = cos.offset(row), angle_of_sin = sin.offset(row);
        for (std::int64_t h = 0; h < in.shape[1]; ++h) {
            for (std::int64_t k = 0; k < n / 2; ++k) {
                const Dims at_a{i[0], h, i[1], interleaved ? 2 * k : k}, at_b{i[0], h, i[1], interleaved ? 2 * k + 1 : n / 2 + k};
                const double a = in.get(at_a), b = in.get(at_b);
                const double c = cos.get_at(angle + k * cos.strides.back()), s = sin.get_at(angle_of_sin + k * sin.strides.back());
                out.set(at_a, a * c - b * s);
                out.set(at_b, a * s + b * c);
            }
            for (std::int64_t k = n; k < size; ++k) out.set({i[0], h, i[1], k}, in.get({i[0], h, i[1], k}));
        }
    }
}

const RegisteredOp rotary_embedding{{.name = "RotaryEmbedding", .versions = {{23}}, .inputs = {3, 4},
                                     .attributes = {{"interleaved", AttributeKind::integer}, {"num_heads", AttributeKind::integer},
                                                    {"rotary_embedding_dim", AttributeKind::integer}},
                                     .infer = infer, .reference = reference}};

}  // namespace
}  // namespace tercet
