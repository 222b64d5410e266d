// SPDX-License-Identifier: Apache-2.0
#include "ops/window.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace tercet {
namespace {

constexpr std::int64_t largest = std::numeric_limits<std::int32_t>::max();  // of any attribute: products stay within 64 bits

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b != 0 && a < 0); }  // b > 0
std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return -floor_div(-a, b); }

std::int64_t element(std::span<const std::int64_t> list, int i, std::int64_t missing) {
    return list.empty() ? missing : list[static_cast<std::size_t>(i)];
}

struct Settings {  // of one axis, as the attributes have them
    std::string_view auto_pad;
    bool ceil = false;
    WindowAxis axis;

    Settings(const Node& node, int rank, int i, std::int64_t kernel) : auto_pad(node.attributes.text("auto_pad", "NOTSET")) {
        axis.kernel = kernel;
        axis.stride = element(node.attributes.integers("strides"), i, 1);
        axis.dilation = element(node.attributes.integers("dilations"), i, 1);
        if (auto_pad != "NOTSET") return;
        ceil = node.attributes.integer("ceil_mode", 0) != 0;
        axis.pad_begin = element(node.attributes.integers("pads"), i, 0);
        axis.pad_end = element(node.attributes.integers("pads"), rank + i, 0);
    }
    bool same() const { return auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER"; }

    template <class T>  // std::int64_t or Dim
    T out(const T& in) const {
        if (same()) return ceil_div(in, T(axis.stride));
        const T padded = in + T(axis.pad_begin), stride(axis.stride);
        const std::int64_t rest = axis.pad_end - axis.reach();
        // ceil((padded + rest)/stride) + 1 windows cover everything; ceil(padded/stride) of them start before the end padding.
        return ceil ? ceil_div(padded + T(std::min<std::int64_t>(rest + axis.stride, 0)), stride)
                    : floor_div(padded + T(rest), stride) + T(1);
    }
};

void check_list(const Node& node, std::string_view name, std::size_t size, std::int64_t least) {
    const auto list = node.attributes.integers(name);
    if (!list.empty() && list.size() != size)
        throw Error({.what = fmt::format("attribute '{}' has {} elements, should have {}", name, list.size(), size),
                     .fix = "check the model with onnx.checker"});
    for (std::int64_t v : list)
        if (v < least || v > largest)
            throw Error({.what = fmt::format("attribute '{}' has the element {}", name, v), .fix = fmt::format("it must be at least {}", least)});
}

}  // namespace

WindowAxis::Taps WindowAxis::inside(std::int64_t window) const {
    const std::int64_t start = position(window, 0);
    const std::int64_t first = std::clamp<std::int64_t>(ceil_div(-start, dilation), 0, kernel);
    return {first, std::clamp<std::int64_t>(ceil_div(in - start, dilation), first, kernel)};
}

std::int64_t WindowAxis::padded_taps(std::int64_t window) const {
    return std::clamp<std::int64_t>(ceil_div(in + pad_end - position(window, 0), dilation), 0, kernel);
}

Dims Window::out() const {
    Dims d;
    for (int i = 0; i < rank; ++i) d.push_back(axes[static_cast<std::size_t>(i)].out);
    return d;
}

Window window_of(const Node& node, const Dims& input_shape, const Dims& kernel) {
    Window w;
    w.rank = kernel.size();
    for (int i = 0; i < w.rank; ++i) {
        const Settings s(node, w.rank, i, kernel[i]);
        WindowAxis& a = w.axes[static_cast<std::size_t>(i)];
        a = s.axis;
        a.in = input_shape[2 + i];
        a.out = s.out(a.in);
        if (!s.same()) continue;
        const std::int64_t lacking = std::max<std::int64_t>((a.out - 1) * a.stride + a.reach() - a.in, 0);
        a.pad_begin = s.auto_pad == "SAME_UPPER" ? lacking / 2 : lacking - lacking / 2;
        a.pad_end = lacking - a.pad_begin;
    }
    return w;
}

Shape infer_window(const Node& node, const Shape& input_shape, const Dims& kernel) {
    const int rank = kernel.size();
    const auto size = static_cast<std::size_t>(rank);
    check_list(node, "strides", size, 1);
    check_list(node, "dilations", size, 1);
    check_list(node, "pads", 2 * size, 0);
    constexpr std::string_view modes[] = {"NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"};
    const std::string_view mode = node.attributes.text("auto_pad", "NOTSET");
    if (std::ranges::find(modes, mode) == std::end(modes))
        throw Error({.what = fmt::format("unknown auto_pad '{}'", mode), .fix = "it is NOTSET, VALID, SAME_UPPER or SAME_LOWER"});
    Shape out;
    for (int i = 0; i < rank; ++i) {
        if (kernel[i] < 1 || kernel[i] > largest)
            throw Error({.what = fmt::format("the kernel has the extent {} along spatial axis {}", kernel[i], i),
                         .fix = "it must be at least 1"});
        const Settings s(node, rank, i, kernel[i]);
        const Dim& in = input_shape[static_cast<std::size_t>(2 + i)];
        out.push_back(s.out(in));
        if (const auto extent = out.back().constant(); extent && *extent < 1)
            throw Error({.what = fmt::format("the kernel reaches over {} elements along spatial axis {}, the input has {} with padding",
                                             s.axis.reach(), i, (in + Dim(s.axis.pad_begin + s.axis.pad_end)).text()),
                         .fix = "give a larger input, or compare kernel, dilations and pads"});
    }
    return out;
}

Dims kernel_shape(const Node& node, int spatial_axes) {
    if (spatial_axes < 1 || spatial_axes > 3)
        throw Error({.what = fmt::format("unsupported: input 0 has {} axes", spatial_axes + 2),
                     .fix = "it must have 3 to 5: batch, channels and 1 to 3 spatial ones"});
    const auto list = node.attributes.integers("kernel_shape");
    if (list.size() != static_cast<std::size_t>(spatial_axes))
        throw Error({.what = fmt::format("attribute 'kernel_shape' has {} elements, the input {} spatial axes", list.size(), spatial_axes),
                     .fix = "check the model with onnx.checker"});
    return Dims(list);
}

}  // namespace tercet
