// SPDX-License-Identifier: Apache-2.0
// y[n,m,o] = bias[m] + sum over c and k of x[n, g*C/group + c, o*stride - pad + k*dilation] * w[m,c,k], g: the group of m
// x [N, C, spatial...], w [M, C/group, kernel...], bias [M], y [N, M, spatial...]; 1 to 3 spatial axes
#include "ops/conv.h"

#include "ops/require.h"

#include <fmt/format.h>

namespace tercet {
namespace {

Dims kernel_extents(const Node& node, const Shape& w) {
    const auto given = node.attributes.integers("kernel_shape");
    Dims kernel;
    for (std::size_t i = 2; i < w.size(); ++i) {
        const Dim& extent = w[i];
        if (!extent.is_constant())
            throw Error({.what = fmt::format("unsupported: the kernel's extent {} is only known while the model runs", extent.text()),
                         .fix = "make the weights a constant in the export"});
        kernel.push_back(*extent.constant());
    }
    if (!given.empty() && Dims(kernel) != kernel_shape(node, kernel.size()))
        throw Error({.what = fmt::format("attribute 'kernel_shape' differs from the weights' shape [{}]", text_of(w)),
                     .fix = "check the model with onnx.checker"});
    return kernel;
}

}  // namespace

Shape conv_shape(const Inference& c, std::size_t weights, std::size_t bias) {
    require_rank(c, 0, 3, 5);
    require_rank(c, weights, c.rank(0), c.rank(0));
    const Shape &x = c.shape(0), &w = c.shape(weights);
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
    require_shape(c, bias, {w[0]}, "the bias");
    Shape y{x[0], w[0]};
    for (Dim& d : infer_window(c.node, x, kernel_extents(c.node, w))) y.push_back(std::move(d));
    return y;
}

ConvTaps::ConvTaps(const Node& node, const View& input, const View& weights)
    : x(input), w(weights), window(window_of(node, input.shape, weights.shape.part(2))) {
    const std::int64_t group = node.attributes.integer("group", 1), m = w.shape[0];
    require_at_run(x.shape[1] == w.shape[1] * group && m % group == 0, "the input's channels do not fit the weights");
    per_group = std::max<std::int64_t>(m / group, 1);
}

namespace {

void infer(Inference& c) {
    require_float(c, 0);
    require_same_type(c, 1);
    require_same_type(c, 2);
    c.set(0, c.dtype(0), conv_shape(c, 1, 2));
}

void reference(const Call& call) {
    const View &x = call.in[0], &w = call.in[1], &y = call.out[0];
    const ConvTaps taps(call.node, x, w);
    require_at_run(!call.has(2) || call.in[2].shape == Dims{w.shape[0]}, "the bias does not fit the weights");
    const auto sums = [&](auto&& product) {
        for (const Dims& o : indices(y.shape)) {
            double sum = call.has(2) ? call.in[2].get({o[1]}) : 0;
            taps.for_each(o, [&](std::int64_t at, std::int64_t tap) { sum += product(at, tap); });
            y.set(o, sum);
        }
    };
    if (x.dtype != w.dtype) return sums([&](std::int64_t at, std::int64_t tap) { return x.get_at(at) * w.get_at(tap); });
    with_type(x.dtype, [&]<class T>(TypeTag<T>) {
        sums([&](std::int64_t at, std::int64_t tap) { return static_cast<double>(load<T>(x.address(at))) * static_cast<double>(load<T>(w.address(tap))); });
    });
}

const RegisteredOp conv{{.name = "Conv", .versions = {{1}, {11}, {22}}, .inputs = {2, 3},
                         .attributes = {{"auto_pad", AttributeKind::text}, {"dilations", AttributeKind::integers}, {"group", AttributeKind::integer},
                                        {"kernel_shape", AttributeKind::integers}, {"pads", AttributeKind::integers}, {"strides", AttributeKind::integers}},
                         .infer = infer, .reference = reference, .channels = true, .stores = true}};

}  // namespace
}  // namespace tercet
