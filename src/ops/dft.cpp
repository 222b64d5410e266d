// SPDX-License-Identifier: Apache-2.0
// Discrete Fourier transform of n = dft_length elements along `axis`; x's last axis holds the real part, or real and imaginary
// part. Longer signals are cut to n elements, shorter ones go on with zeros.
//     forward             y[k] = sum over t of x[t] * exp(-2*pi*i*k*t/n), k in [0, n); onesided, of a real x: in [0, n/2]
//     inverse             y[t] = 1/n * sum over k of x[k] * exp(2*pi*i*k*t/n)
//     inverse, onesided   the same, real, of the first n/2 + 1 elements, which stand for their conjugates too; n = 2*(extent - 1)
//                         if not given
#include "ops/extents.h"
#include "ops/fourier.h"
#include "ops/require.h"

#include <fmt/format.h>

#include <algorithm>

namespace tercet {
namespace {

bool inverse(const Attributes& a) { return a.integer("inverse", 0) != 0; }
bool onesided(const Attributes& a) { return a.integer("onesided", 0) != 0; }

int signal_axis(std::int64_t axis, int rank) {
    const int found = checked_axis(axis, rank);
    if (found == rank - 1)
        throw Error({.what = fmt::format("axis {} of a value of rank {} holds the complex parts", axis, rank), .fix = "it must be an axis of the signal"});
    return found;
}

void infer(Inference& c) {
    require_float(c, 0);
    require_rank(c, 0, 2);
    refuse_old_attribute(c, "axis");
    const Shape& x = c.shape(0);
    const auto parts = x.back().constant();
    if (!parts || *parts < 1 || *parts > 2)
        throw Error({.what = fmt::format("a signal of shape [{}]", text_of(x)), .fix = "its last extent must be 1 (real) or 2 (complex)"});
    const Dim axis = c.has(2) ? single(c, 2, "the axis") : Dim(-2);
    const bool back = inverse(c.attributes()), half = onesided(c.attributes());
    if (half && *parts != (back ? 2 : 1))
        throw Error({.what = fmt::format("a onesided {} of a signal of shape [{}]", back ? "inverse transform" : "transform", text_of(x)),
                     .fix = back ? "it takes a complex one" : "it takes a real one"});
    Shape y = x;
    y.back() = back && half ? 1 : 2;
    if (!axis.is_constant()) {  // any axis of the signal may get another extent
        for (std::size_t i = 0; i + 1 < x.size() && (c.has(1) || half); ++i) y[i] = c.unknown(axis_name(i));
        return give(c, 0, c.dtype(0), std::move(y));
    }
    const auto at = static_cast<std::size_t>(signal_axis(*axis.constant(), c.rank(0)));
    const Dim n = c.has(1) ? single(c, 1, "the length") : back && half ? Dim(2) * (x[at] - Dim(1)) : x[at];
    if (const auto length = n.constant(); length && *length < 1)
        throw Error({.what = fmt::format("a transform of {} elements", *length), .fix = "dft_length must be at least 1"});
    y[at] = half && !back ? floor_div(n, Dim(2)) + Dim(1) : n;
    give(c, 0, c.dtype(0), std::move(y));
}

int axis_of(const Call& call) { return signal_axis(call.has(2) ? call.in[2].get_int_at(0) : -2, call.in[0].rank()); }

// The roots; n is at most twice the greatest extent of the output, whatever the axis turns out to be. Where the output is not
// known yet, because the data decides n, there is no table.
std::size_t scratch_bytes(const Call& call) {
    return call.out.empty() ? 0 : Roots::bytes(2 * std::ranges::max(std::span<const std::int64_t>(call.out[0].shape)));
}

void reference(const Call& call) {
    const View &x = call.in[0], &y = call.out[0];
    if (y.count() == 0) return;
    const int axis = axis_of(call), last = x.rank() - 1;
    const bool back = inverse(call.attributes()), half = onesided(call.attributes());
    const std::int64_t given = x.shape[axis];
    const std::int64_t n = call.has(1) ? call.in[1].get_int_at(0) : back && half ? 2 * (given - 1) : given;
    require_at_run(n >= 1 && y.shape[axis] == (half && !back ? n / 2 + 1 : n), "the transform's length does not fit its output");
    const Roots roots(call.scratch, n);
    const bool complex = x.shape[last] == 2;
    Dims lines = y.shape;
    lines[axis] = lines[last] = 1;
    for (const Dims& line : indices(lines)) {
        const std::int64_t from = x.offset(line), to = y.offset(line);
        const auto element = [&](std::int64_t t) -> Complex {
            if (t >= given) return {};
            const std::int64_t at = from + t * x.strides[axis];
            return {x.get_at(at), complex ? x.get_at(at + x.strides[last]) : 0};
        };
        const auto mirrored = [&](std::int64_t k) -> Complex {  // a spectrum from its first half
            const Complex v = element(std::min(k, n - k));
            const bool own = k == 0 || 2 * k == n;  // is its own conjugate: real
            return {v.re, own ? 0 : 2 * k > n ? -v.im : v.im};
        };
        for (std::int64_t k = 0; k < y.shape[axis]; ++k) {
            Complex v = back && half ? roots.transform(mirrored, k, 1) : roots.transform(element, k, back ? 1 : -1);
            if (back) v.re /= static_cast<double>(n), v.im /= static_cast<double>(n);
            const std::int64_t at = to + k * y.strides[axis];
            y.set_at(at, v.re);
            if (y.shape[last] == 2) y.set_at(at + y.strides[last], v.im);
        }
    }
}

// The axis was an attribute before operator set 20, and another one if not given.
void axis_to_input(Graph& g, NodeId id) {
    const std::int64_t axis = g.node(id).attributes.integer("axis", 1);
    g.attributes(id).erase("axis");
    g.set_input(id, 2, g.add_constant(fmt::format("{}_axis", g.label(id)), Tensor::ints({&axis, 1}).reshaped({})));
}

const RegisteredOp dft{{.name = "DFT", .versions = {{17}, {20, axis_to_input}}, .inputs = {1, 3},
                        .attributes = {{"axis", AttributeKind::integer}, {"inverse", AttributeKind::integer}, {"onesided", AttributeKind::integer}},
                        .infer = infer, .reference = reference, .scratch_bytes = scratch_bytes}};

}  // namespace
}  // namespace tercet
