// SPDX-License-Identifier: Apache-2.0
#include "ops/require.h"

#include <fmt/format.h>

#include <algorithm>

namespace tercet {

void require_float(const Inference& c, std::size_t i) {
    if (is_float(c.dtype(i))) return;
    throw Error({.what = fmt::format("unsupported: input {} is {}", i, name_of(c.dtype(i))), .fix = "it takes f16, bf16, f32 or f64"});
}

void require_same_type(const Inference& c, std::size_t i, std::size_t as) {
    if (!c.has(i) || !c.has(as) || c.dtype(i) == c.dtype(as)) return;
    throw Error({.what = fmt::format("input {} is {}, input {} is {}", i, name_of(c.dtype(i)), as, name_of(c.dtype(as))),
                 .fix = "they must have one type; add a Cast in the export"});
}

void require_rank(const Inference& c, std::size_t i, int min, int max) {
    if (c.rank(i) >= min && c.rank(i) <= max) return;
    throw Error({.what = fmt::format("input {} has the shape [{}]", i, text_of(c.shape(i))),
                 .fix = min == max ? fmt::format("it must have {} axes", min) : fmt::format("it must have {} to {} axes", min, max)});
}

void require_shape(const Inference& c, std::size_t i, const Shape& shape, std::string_view what) {
    if (!c.has(i) || std::ranges::equal(c.shape(i), shape, may_equal)) return;
    throw Error({.what = fmt::format("{} (input {}) has the shape [{}] instead of [{}]", what, i, text_of(c.shape(i)), text_of(shape)),
                 .fix = "compare it with the shape of input 0"});
}

bool may_equal(const Dim& a, const Dim& b) { return !a.is_constant() || !b.is_constant() || a == b; }

void require_at_run(bool holds, std::string_view what) {
    if (!holds) throw Error({.what = std::string(what), .fix = "compare the shapes of the inputs given"});
}

View checked_broadcast(const View& v, const Dims& to, std::string_view what) {
    const int missing = to.size() - v.rank();
    bool fits = missing >= 0;
    for (int i = 0; fits && i < v.rank(); ++i) fits = v.shape[i] == 1 || v.shape[i] == to[missing + i];
    require_at_run(fits, what);
    return v.broadcast_to(to);
}

}  // namespace tercet
