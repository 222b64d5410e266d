// SPDX-License-Identifier: Apache-2.0
// y[n,m,o] = bias[m] + sum over c of m's group and k of x[n, c, o*stride - pad + k*dilation + offset] * mask * w[m,c',k], where x is
// interpolated linearly, and 0 outside; offset[n, (c's offset group, k.., axis), o..], mask[n, (c's offset group, k..), o..], 1 if absent
// x [N, C, spatial...], w [M, C/group, kernel...], bias [M], y [N, M, spatial...]; 1 to 3 spatial axes
#include "ops/op.h"
#include "ops/require.h"
#include "ops/window.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace tercet {
namespace {

std::int64_t groups(const Attributes& a, std::string_view name) {
    const std::int64_t n = a.integer(name, 1);
    if (n < 1 || n > std::numeric_limits<std::int32_t>::max())
        throw Error({.what = fmt::format("attribute '{}' is {}", name, n), .fix = "it must be at least 1"});
    return n;
}

void infer(Inference& c) {
    require_rank(c, 0, 3, 5);
    for (std::size_t i : {1, 2}) require_rank(c, i, c.rank(0), c.rank(0));
    require_float(c, 0);
    for (std::size_t i : {1, 2, 3, 4}) require_same_type(c, i);
    const Shape &x = c.shape(0), &w = c.shape(1);
    const std::int64_t group = groups(c.attributes(), "group"), offset_group = groups(c.attributes(), "offset_group"), axes = c.rank(0) - 2;
    Dims kernel;
    for (std::size_t i = 2; i < w.size(); ++i) {
        if (!w[i].is_constant())
            throw Error({.what = fmt::format("unsupported: the kernel's extent {} is only known while the model runs", w[i].text()),
                         .fix = "make the weights a constant in the export"});
        kernel.push_back(*w[i].constant());
    }
    if (!c.attributes().integers("kernel_shape").empty() && kernel != kernel_shape(c.node, static_cast<int>(axes)))
        throw Error({.what = fmt::format("attribute 'kernel_shape' differs from the weights' shape [{}]", text_of(w)), .fix = "check the model with onnx.checker"});
    if (!may_equal(x[1], w[1] * Dim(group)))
        throw Error({.what = fmt::format("input has {} channels, weights read {}", x[1].text(), (w[1] * Dim(group)).text()), .fix = "compare 'group' with the shape of the weights"});
    for (const auto& [extent, count] : {std::pair{w[0], group}, {x[1], offset_group}})
        if (const auto n = extent.constant(); n && *n % count != 0)
            throw Error({.what = fmt::format("{} channels cannot be shared out among {} groups", *n, count), .fix = "compare 'group' and 'offset_group' with the shapes"});
    require_shape(c, 3, {w[0]}, "the bias");
    Shape y{x[0], w[0]}, offset{x[0]}, mask{x[0]};
    Dim taps = offset_group;
    for (std::int64_t k : kernel) taps = taps * Dim(k);
    offset.push_back(taps * Dim(axes));
    mask.push_back(taps);
    for (const Dim& d : infer_window(c.node, x, kernel)) {
        for (Shape* s : {&y, &offset, &mask}) s->push_back(d);
    }
    require_shape(c, 2, offset, "the offset");
    require_shape(c, 4, mask, "the mask");
    c.set(0, c.dtype(0), std::move(y));
}

// x between its elements, around `plane`: the sum over the corners of the cell that `at` lies in.
double interpolated(const View& x, std::int64_t plane, const std::array<double, 3>& at, int axes) {
    double sum = 0;
    for (int corner = 0; corner < 1 << axes; ++corner) {
        double weight = 1;
        std::int64_t element = plane;
        bool inside = true;
        for (int i = 0; inside && i < axes; ++i) {
            const double p = at[static_cast<std::size_t>(i)], low = std::floor(p), stands = (corner >> i & 1) != 0 ? low + 1 : low;
            inside = stands >= 0 && stands < static_cast<double>(x.shape[2 + i]);  // not of a NaN
            if (!inside) break;
            weight *= (corner >> i & 1) != 0 ? p - low : 1 - (p - low);
            element += static_cast<std::int64_t>(stands) * x.strides[2 + i];
        }
        if (inside) sum += weight * x.get_at(element);
    }
    return sum;
}

void reference(const Call& call) {
    const View &x = call.in[0], &w = call.in[1], &offset = call.in[2], &y = call.out[0];
    const std::int64_t group = groups(call.attributes(), "group"), offset_group = groups(call.attributes(), "offset_group");
    const int axes = x.rank() - 2;
    const Dims kernel = w.shape.part(2), out = y.shape.part(2);
    const std::int64_t taps = count_of(kernel), channels = w.shape[1];
    require_at_run(x.shape[1] == channels * group && w.shape[0] % group == 0 && x.shape[1] % offset_group == 0, "the input's channels do not fit the weights");
    require_at_run(offset.shape[0] == x.shape[0] && offset.shape[1] == offset_group * taps * axes && offset.shape.part(2) == out, "the offset does not fit the output");
    require_at_run(!call.has(3) || call.in[3].shape == Dims{w.shape[0]}, "the bias does not fit the weights");
    require_at_run(!call.has(4) || (call.in[4].shape[0] == x.shape[0] && call.in[4].shape[1] == offset_group * taps && call.in[4].shape.part(2) == out), "the mask does not fit the output");
    const Window win = window_of(call.node, x.shape, kernel);
    const std::int64_t per_group = std::max<std::int64_t>(w.shape[0] / group, 1), per_offset = x.shape[1] / offset_group;
    for (const Dims& o : indices(y.shape)) {  // [n, m, spatial...]
        double sum = call.has(3) ? call.in[3].get({o[1]}) : 0;
        Dims place = o;  // in the offset and the mask
        for (std::int64_t c = 0; c < channels; ++c) {
            const std::int64_t channel = o[1] / per_group * channels + c, first = channel / per_offset * taps, plane = o[0] * x.strides[0] + channel * x.strides[1];
            std::int64_t tap = 0;
            for (const Dims& k : indices(kernel)) {
                std::array<double, 3> at{};
                std::int64_t weight = o[1] * w.strides[0] + c * w.strides[1];
                for (int i = 0; i < axes; ++i) {
                    place[1] = (first + tap) * axes + i;
                    at[static_cast<std::size_t>(i)] = static_cast<double>(win.axes[static_cast<std::size_t>(i)].position(o[2 + i], k[i])) + offset.get(place);
                    weight += k[i] * w.strides[2 + i];
                }
                place[1] = first + tap;
                sum += interpolated(x, plane, at, axes) * w.get_at(weight) * (call.has(4) ? call.in[4].get(place) : 1);
                ++tap;
            }
        }
        y.set(o, sum);
    }
}

const RegisteredOp deform_conv{{.name = "DeformConv", .versions = {{19}, {22}}, .inputs = {3, 5},
                                .attributes = {{"dilations", AttributeKind::integers}, {"group", AttributeKind::integer}, {"kernel_shape", AttributeKind::integers},
                                               {"offset_group", AttributeKind::integer}, {"pads", AttributeKind::integers}, {"strides", AttributeKind::integers}},
                                .infer = infer, .reference = reference}};

}  // namespace
}  // namespace tercet
