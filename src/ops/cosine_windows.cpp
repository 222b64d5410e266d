// SPDX-License-Identifier: Apache-2.0
// y[i] = a0 - a1*cos(2*pi*i/n) + a2*cos(4*pi*i/n) for i in [0, size), n = size if `periodic` (the default), else size - 1; a single
// symmetric element is 1. Of type `output_datatype`, integers truncated.
//     HannWindow 1/2, 1/2     HammingWindow 25/46, 21/46     BlackmanWindow 0.42, 0.5, 0.08
#include "ops/extents.h"

#include <fmt/format.h>

#include <cmath>
#include <numbers>

namespace tercet {
namespace {

struct Terms {
    double a0, a1, a2;
};
constexpr Terms hann{0.5, 0.5, 0}, hamming{25.0 / 46, 21.0 / 46, 0}, blackman{0.42, 0.5, 0.08};

void infer(Inference& c) {
    const std::int64_t type = c.attributes().integer("output_datatype", 1);
    if (!is_dtype(type) || !(is_float(static_cast<DType>(type)) || is_integer(static_cast<DType>(type))))
        throw Error({.what = fmt::format("output_datatype is {}", type), .fix = "it must be a type of numbers"});
    if (c.dtype(0) != DType::i32 && c.dtype(0) != DType::i64)
        throw Error({.what = fmt::format("the size (input 0) is of type {}", name_of(c.dtype(0))), .fix = "it must be i64 or i32"});
    const Dim size = single(c, 0, "the size");
    if (const auto n = size.constant(); n && *n < 0) throw Error({.what = fmt::format("the size is {}", *n), .fix = "it must not be negative"});
    give(c, 0, static_cast<DType>(type), {size});
}

template <const Terms& a>
void reference(const Call& call) {
    const View& y = call.out[0];
    const auto n = static_cast<double>(y.count() - (call.attributes().integer("periodic", 1) != 0 ? 0 : 1));
    for (std::int64_t i = 0; i < y.count(); ++i) {
        const double angle = 2 * std::numbers::pi * static_cast<double>(i) / n;
        y.set_at(i, n == 0 ? 1 : a.a0 - a.a1 * std::cos(angle) + a.a2 * std::cos(2 * angle));
    }
}

template <const Terms& a>
OpDef def(std::string_view name) {
    return {.name = name, .versions = {{17}}, .attributes = {{"output_datatype", AttributeKind::integer}, {"periodic", AttributeKind::integer}},
            .infer = infer, .reference = reference<a>};
}

const RegisteredOp hann_window{def<hann>("HannWindow")};
const RegisteredOp hamming_window{def<hamming>("HammingWindow")};
const RegisteredOp blackman_window{def<blackman>("BlackmanWindow")};

}  // namespace
}  // namespace tercet
