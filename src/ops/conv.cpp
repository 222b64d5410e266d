// SPDX-License-Identifier: Apache-2.0
// y[n,m,o] = bias[m] + sum over c and k of x[n, g*C/group + c, o*stride - pad + k*dilation] * w[m,c,k], g: the group of m
// x [N, C, spatial...], w [M, C/group, kernel...], bias [M], y [N, M, spatial...]; 1 to 3 spatial axes
#include "ops/op.h"
#include "ops/require.h"
#include "ops/window.h"

#include <fmt/format.h>

#include <algorithm>

namespace tercet {
namespace {

Dims kernel_extents(const Inference& c) {
    const auto given = c.attributes().integers("kernel_shape");
    Dims kernel;
    for (int i = 2; i < c.rank(1); ++i) {
        const Dim& extent = c.shape(1)[static_cast<std::size_t>(i)];
        if (!extent.is_constant())
            throw Error({.what = fmt::format("unsupported: the kernel's extent {} is only known while the model runs", extent.text()),
                         .fix = "make the weights a constant in the export"});
        kernel.push_back(*extent.constant());
    }
    if (!given.empty() && Dims(kernel) != kernel_shape(c.node, kernel.size()))
        throw Error({.what = fmt::format("attribute 'kernel_shape' differs from the weights' shape [{}]", text_of(c.shape(1))),
                     .fix = "check the model with onnx.checker"});
    return kernel;
}

void infer(Inference& c) {
    require_rank(c, 0, 3, 5);
    require_rank(c, 1, c.rank(0), c.rank(0));
    require_float(c, 0);
    require_same_type(c, 1);
    require_same_type(c, 2);
    const Shape &x = c.shape(0), &w = c.shape(1);
    const std::int64_t group = c.attributes().integer("group", 1);
    if (group < 1 || group > std::numeric_limits<std::int32_t>::max())
        throw Error({.what = fmt::format("attribute 'group' is {}", group), .fix = "it must be at least 1"});
    const Dim reads = w[1] * Dim(group);
    if (!may_equal(x[1], reads))
        throw Error({.what = fmt::format("input has {} channels, weights read {}", x[1].text(), reads.text()),
                     .fix = "compare 'group' with the shape of the weights"});
    if (const auto m = w[0].constant(); m && *m % group != 0)
        throw Error({.what = fmt::format("{} output channels cannot be shared out among {} groups", *m, group),
                     .fix = "compare 'group' with the shape of the weights"});
    require_shape(c, 2, {w[0]}, "the bias");
    Shape y{x[0], w[0]};
    for (Dim& d : infer_window(c.node, x, kernel_extents(c))) y.push_back(std::move(d));
    c.set(0, c.dtype(0), std::move(y));
}

template <class T>
void convolve(const Call& call) {
    const View &x = call.in[0], &w = call.in[1], &y = call.out[0];
    const Window win = window_of(call.node, x.shape, w.shape.part(2));
    const auto& [a, b, c] = win.axes;
    const auto stride = [&](const View& v, int spatial) { return spatial < win.rank ? v.strides[2 + spatial] : 0; };
    const std::int64_t channels = w.shape[1], group = call.attributes().integer("group", 1);
    const std::int64_t per_group = std::max<std::int64_t>(w.shape[0] / group, 1);
    const auto sum_of = [&](const Dims& o) {  // o: [n, m, window...]
        const std::int64_t m = o[1], first_channel = m / per_group * channels;
        const auto index = [&](int i) { return i < win.rank ? o[2 + i] : 0; };
        const auto ta = a.inside(index(0)), tb = b.inside(index(1)), tc = c.inside(index(2));
        double sum = call.has(2) ? call.in[2].get({m}) : 0;
        for (std::int64_t ch = 0; ch < channels; ++ch)
            for (std::int64_t i = ta.first; i < ta.last; ++i)
                for (std::int64_t j = tb.first; j < tb.last; ++j)
                    for (std::int64_t k = tc.first; k < tc.last; ++k) {
                        const std::int64_t at = o[0] * x.strides[0] + (first_channel + ch) * x.strides[1] +
                                                a.position(index(0), i) * stride(x, 0) +
                                                b.position(index(1), j) * stride(x, 1) + c.position(index(2), k) * stride(x, 2);
                        const std::int64_t tap = m * w.strides[0] + ch * w.strides[1] + i * stride(w, 0) +
                                                 j * stride(w, 1) + k * stride(w, 2);
                        sum += static_cast<double>(load<T>(x.address(at))) * static_cast<double>(load<T>(w.address(tap)));
                    }
        return sum;
    };
    for (const Dims& o : indices(y.shape)) y.set(o, sum_of(o));
}

void reference(const Call& call) {
    const std::int64_t group = call.attributes().integer("group", 1), m = call.in[1].shape[0];
    require_at_run(call.in[0].shape[1] == call.in[1].shape[1] * group && m % group == 0, "the input's channels do not fit the weights");
    require_at_run(!call.has(2) || call.in[2].shape == Dims{m}, "the bias does not fit the weights");
    with_type(call.out[0].dtype, [&]<class T>(TypeTag<T>) {
        if constexpr (!std::is_integral_v<T>) convolve<T>(call);
    });
}

const RegisteredOp conv{{.name = "Conv", .versions = {{1}, {11}, {22}}, .inputs = {2, 3},
                         .attributes = {{"auto_pad", AttributeKind::text}, {"dilations", AttributeKind::integers}, {"group", AttributeKind::integer},
                                        {"kernel_shape", AttributeKind::integers}, {"pads", AttributeKind::integers}, {"strides", AttributeKind::integers}},
                         .infer = infer, .reference = reference, .channels = true}};

}  // namespace
}  // namespace tercet
