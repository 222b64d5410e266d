// SPDX-License-Identifier: Apache-2.0
#include "ops/quantized.h"

#include "ops/require.h"

#include <fmt/format.h>

namespace tercet {

void require_bytes(const Inference& c, std::size_t i) {
    if (!c.has(i) || c.dtype(i) == DType::i8 || c.dtype(i) == DType::u8) return;
    throw Error({.what = fmt::format("unsupported: input {} is {}", i, name_of(c.dtype(i))), .fix = "it takes i8 or u8"});
}

const View& only_element(const View& v) {
    require_at_run(v.count() == 1, "a scale or zero point is no scalar");
    return v;
}

void require_single(const Inference& c, std::size_t i, std::string_view what) { require_single_or(c, i, 1, what); }

void require_single_or(const Inference& c, std::size_t i, const Dim& count, std::string_view what) {
    if (!c.has(i) || c.rank(i) == 0) return;
    if (c.rank(i) == 1 && (may_equal(c.shape(i)[0], Dim(1)) || may_equal(c.shape(i)[0], count))) return;
    throw Error({.what = fmt::format("{} (input {}) has the shape [{}]", what, i, text_of(c.shape(i))),
                 .fix = count == Dim(1) ? std::string("it must be a scalar") : fmt::format("it must be a scalar or have {} elements", count.text())});
}

}  // namespace tercet
