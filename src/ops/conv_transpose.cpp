// SPDX-License-Identifier: Apache-2.0
// y[n,m,o] = bias[m] + sum over c of m's group, i and k with i*stride - pad_begin + k*dilation == o of x[n,c,i] * w[c,m',k]
// x [N, C, spatial...], w [C, M/group, kernel...], bias [M], y [N, M, spatial...]; 1 to 3 spatial axes; m' = m mod M/group
// Extents and padding: transposed_window.h
#include "ops/op.h"
#include "ops/require.h"
#include "ops/transposed_window.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace tercet {
namespace {

constexpr std::int64_t largest = std::numeric_limits<std::int32_t>::max();  // of any attribute: products stay within 64 bits

using Axis = TransposedAxis;

void check_list(const Attributes& a, std::string_view name, std::size_t size, std::int64_t least) {
    const auto list = a.integers(name);
    if (!list.empty() && list.size() != size)
        throw Error({.what = fmt::format("attribute '{}' has {} elements, should have {}", name, list.size(), size),
                     .fix = "check the model with onnx.checker"});
    for (std::int64_t v : list)
        if (v < least || v > largest)
            throw Error({.what = fmt::format("attribute '{}' has the element {}", name, v), .fix = fmt::format("it must be at least {}", least)});
}

void check_attributes(const Attributes& a, std::size_t rank) {
    for (const char* name : {"strides", "dilations", "output_shape", "kernel_shape"}) check_list(a, name, rank, 1);
    check_list(a, "output_padding", rank, 0);
    check_list(a, "pads", 2 * rank, 0);
    constexpr std::string_view modes[] = {"NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"};
    const std::string_view mode = a.text("auto_pad", "NOTSET");
    if (std::ranges::find(modes, mode) == std::end(modes))
        throw Error({.what = fmt::format("unknown auto_pad '{}'", mode), .fix = "it is NOTSET, VALID, SAME_UPPER or SAME_LOWER"});
}

Dim spatial_extent(const Inference& c, int i) {
    const int rank = c.rank(0) - 2;
    const auto given = c.attributes().integers("kernel_shape");
    const Dim& kernel = c.shape(1)[static_cast<std::size_t>(2 + i)];
    if (!kernel.is_constant())
        throw Error({.what = fmt::format("unsupported: the kernel's extent {} is only known while the model runs", kernel.text()),
                     .fix = "make the weights a constant in the export"});
    if (!given.empty() && Dim(given[static_cast<std::size_t>(i)]) != kernel)
        throw Error({.what = fmt::format("attribute 'kernel_shape' differs from the weights' shape [{}]", text_of(c.shape(1))),
                     .fix = "check the model with onnx.checker"});
    if (*kernel.constant() < 1 || *kernel.constant() > largest)
        throw Error({.what = fmt::format("the kernel has the extent {} along spatial axis {}", kernel.text(), i), .fix = "it must be at least 1"});
    const Axis axis(c.attributes(), rank, i, *kernel.constant());
    const Dim out = axis.out(c.shape(0)[static_cast<std::size_t>(2 + i)]);
    if (const auto n = out.constant(); n && *n < 1)
        throw Error({.what = fmt::format("{} elements would remain along spatial axis {}", *n, i),
                     .fix = "give a larger input, or compare kernel, dilations and pads"});
    return out;
}

void infer(Inference& c) {
    require_rank(c, 0, 3, 5);
    require_rank(c, 1, c.rank(0), c.rank(0));
    require_float(c, 0);
    require_same_type(c, 1);
    require_same_type(c, 2);
    const Shape &x = c.shape(0), &w = c.shape(1);
    const std::int64_t group = c.attributes().integer("group", 1);
    if (group < 1 || group > largest)
        throw Error({.what = fmt::format("attribute 'group' is {}", group), .fix = "it must be at least 1"});
    if (!may_equal(x[1], w[0]))
        throw Error({.what = fmt::format("input has {} channels, weights read {}", x[1].text(), w[0].text()),
                     .fix = "compare the shapes of input and weights"});
    if (const auto channels = w[0].constant(); channels && *channels % group != 0)
        throw Error({.what = fmt::format("{} input channels cannot be shared out among {} groups", *channels, group),
                     .fix = "compare 'group' with the shape of the weights"});
    const Dim channels = w[1] * Dim(group);
    require_shape(c, 2, {channels}, "the bias");
    check_attributes(c.attributes(), x.size() - 2);
    Shape y{x[0], channels};
    for (int i = 0; i < c.rank(0) - 2; ++i) y.push_back(spatial_extent(c, i));
    c.set(0, c.dtype(0), std::move(y));
}

template <class T>
void convolve(const Call& call) {
    const View &x = call.in[0], &w = call.in[1], &y = call.out[0];
    const int rank = x.rank() - 2;
    std::array<Axis, 3> axes;
    std::array<std::int64_t, 3> begin{};
    for (int i = 0; i < rank; ++i) {
        axes[static_cast<std::size_t>(i)] = Axis(call.attributes(), rank, i, w.shape[2 + i]);
        begin[static_cast<std::size_t>(i)] = axes[static_cast<std::size_t>(i)].begin(x.shape[2 + i]);
    }
    const std::int64_t group = call.attributes().integer("group", 1), per_group = w.shape[1], channels = x.shape[1] / group;
    const Dims taps = w.shape.part(2);
    for (const Dims& o : indices(y.shape)) {  // [n, m, spatial...]
        const std::int64_t m = o[1], first = m / per_group * channels;
        double sum = call.has(2) ? call.in[2].get({m}) : 0;
        for (const Dims& k : indices(taps)) {
            std::int64_t at = o[0] * x.strides[0], tap = m % per_group * w.strides[1];
            bool hit = true;
            for (int i = 0; hit && i < rank; ++i) {
                const Axis& axis = axes[static_cast<std::size_t>(i)];
                const std::int64_t from = o[2 + i] + begin[static_cast<std::size_t>(i)] - k[i] * axis.dilation;
                hit = from >= 0 && from % axis.stride == 0 && from / axis.stride < x.shape[2 + i];
                at += from / axis.stride * x.strides[2 + i];
                tap += k[i] * w.strides[2 + i];
            }
            if (!hit) continue;
            for (std::int64_t c = first; c < first + channels; ++c)
                sum += static_cast<double>(load<T>(x.address(at + c * x.strides[1]))) * static_cast<double>(load<T>(w.address(tap + c * w.strides[0])));
        }
        y.set(o, sum);
    }
}

void reference(const Call& call) {
    const std::int64_t group = call.attributes().integer("group", 1);
    const View &x = call.in[0], &w = call.in[1];
    require_at_run(x.shape[1] == w.shape[0] && x.shape[1] % group == 0, "the input's channels do not fit the weights");
    require_at_run(!call.has(2) || call.in[2].shape == Dims{w.shape[1] * group}, "the bias does not fit the weights");
    with_type(x.dtype, [&]<class T>(TypeTag<T>) {
        if constexpr (!std::is_integral_v<T>) convolve<T>(call);
    });
}

const RegisteredOp conv_transpose{{.name = "ConvTranspose", .versions = {{1}, {11}, {22}}, .inputs = {2, 3},
                                   .attributes = {{"auto_pad", AttributeKind::text}, {"dilations", AttributeKind::integers}, {"group", AttributeKind::integer},
                                                  {"kernel_shape", AttributeKind::integers}, {"output_padding", AttributeKind::integers},
                                                  {"output_shape", AttributeKind::integers}, {"pads", AttributeKind::integers}, {"strides", AttributeKind::integers}},
                                   .infer = infer, .reference = reference, .channels = true}};

}  // namespace
}  // namespace tercet
