// SPDX-License-Identifier: Apache-2.0
// y[b, f, k] = sum over t in [0, n) of x[b, f*frame_step + t] * window[t] * exp(-2*pi*i*k*t/n), as [real, imaginary]
// x [B, L, 1 or 2], window [n], y [B, floor((L - n)/frame_step) + 1, n/2 + 1 (onesided, the default) or n, 2]
// n = frame_length, the window's length if that is left out, or L if both are
#include "ops/extents.h"
#include "ops/fourier.h"
#include "ops/require.h"

#include <fmt/format.h>

namespace tercet {
namespace {

void infer(Inference& c) {
    require_float(c, 0);
    require_rank(c, 0, 3, 3);
    require_same_type(c, 2);
    const Shape& x = c.shape(0);
    if (const auto parts = x[2].constant(); !parts || *parts < 1 || *parts > 2)
        throw Error({.what = fmt::format("a signal of shape [{}]", text_of(x)), .fix = "its last extent must be 1 (real) or 2 (complex)"});
    if (c.has(2)) require_rank(c, 2, 1, 1);
    std::optional<Dim> n = c.has(2) ? c.shape(2)[0] : x[1], step;
    if (c.has(3)) {
        const Dim length = single(c, 3, "the frame's length");
        if (!c.has(2)) n = length;
        else if (!is_open(length)) unify(*n, length, "frame_length and the window's length differ");
    }
    step = single(c, 1, "the frame's step");
    if (is_open(*n)) n.reset();
    if (is_open(*step)) step.reset();
    if (const auto length = n ? n->constant() : std::nullopt; length && *length < 1)
        throw Error({.what = fmt::format("frames of {} elements", *length), .fix = "frame_length must be at least 1"});
    if (const auto by = step ? step->constant() : std::nullopt; by && *by < 1)
        throw Error({.what = fmt::format("frame_step is {}", *by), .fix = "it must be at least 1"});
    const bool half = c.attributes().integer("onesided", 1) != 0;
    const Dim frames = n && step ? floor_div(x[1] - *n, *step) + Dim(1) : c.unknown("frames", x[1]);
    const Dim bins = !n ? c.unknown("bins") : half ? floor_div(*n, Dim(2)) + Dim(1) : *n;
    give(c, 0, c.dtype(0), {x[0], frames, bins, 2});
}

std::size_t scratch_bytes(const Call& call) {  // no table where the data decides n
    return call.out.empty() ? 0 : Roots::bytes(2 * call.out[0].shape[2]);
}

void reference(const Call& call) {
    const View &x = call.in[0], &y = call.out[0];
    if (y.count() == 0) return;
    const std::int64_t step = call.in[1].get_int_at(0), length = x.shape[1];
    const std::int64_t n = call.has(3) ? call.in[3].get_int_at(0) : call.has(2) ? call.in[2].shape[0] : length;
    const bool half = call.attributes().integer("onesided", 1) != 0, complex = x.shape[2] == 2;
    require_at_run(n >= 1 && y.shape[2] == (half ? n / 2 + 1 : n), "the frame's length does not fit the output");
    require_at_run(!call.has(2) || call.in[2].shape[0] == n, "frame_length and the window's length differ");
    require_at_run(step >= 1 && (y.shape[1] - 1) <= (length - n) / step && n <= length, "the frames reach over the signal");
    const Roots roots(call.scratch, n);
    for (std::int64_t b = 0; b < y.shape[0]; ++b)
        for (std::int64_t f = 0; f < y.shape[1]; ++f) {
            const auto element = [&](std::int64_t t) -> Complex {
                const double w = call.has(2) ? call.in[2].get({t}) : 1;
                return {w * x.get({b, f * step + t, 0}), complex ? w * x.get({b, f * step + t, 1}) : 0};
            };
            for (std::int64_t k = 0; k < y.shape[2]; ++k) {
                const Complex v = roots.transform(element, k, -1);
                y.set({b, f, k, 0}, v.re);
                y.set({b, f, k, 1}, v.im);
            }
        }
}

const RegisteredOp stft{{.name = "STFT", .versions = {{17}}, .inputs = {2, 4}, .attributes = {{"onesided", AttributeKind::integer}},
                         .infer = infer, .reference = reference, .scratch_bytes = scratch_bytes}};

}  // namespace
}  // namespace tercet
