// SPDX-License-Identifier: Apache-2.0
// y = 0, but y[index[i]] = x[i] for every i: what MaxPool took, put back in its place. The indices count the elements of the
// whole unpooled value in row-major order, [N, C, spatial...] of extents (in - 1)*stride + kernel - pads. If `output_shape`
// (input 2) is larger, that value stands in its first corner, as ONNX defines it.
#include "ops/extents.h"
#include "ops/require.h"
#include "ops/window.h"

#include <fmt/format.h>

namespace tercet {
namespace {

template <class T>  // Dim or std::int64_t
T unpooled_extent(const Attributes& a, int axes, int i, const T& in) {
    const auto element = [&](std::string_view name, int k, std::int64_t missing) {
        const auto list = a.integers(name);
        return list.empty() ? missing : list[static_cast<std::size_t>(k)];
    };
    return (in - T(1)) * T(element("strides", i, 1)) + T(element("kernel_shape", i, 1) - element("pads", i, 0) - element("pads", axes + i, 0));
}

void check_list(const Attributes& a, std::string_view name, std::size_t size, std::int64_t least) {
    const auto list = a.integers(name);
    bool fits = list.empty() || list.size() == size;
    for (std::int64_t v : list) fits = fits && v >= least && v <= std::numeric_limits<std::int32_t>::max();
    if (!fits)
        throw Error({.what = fmt::format("attribute '{}' is [{}]", name, fmt::join(list, ",")), .fix = fmt::format("it must have {} elements of at least {}", size, least)});
}

void infer(Inference& c) {
    require_float(c, 0);
    require_rank(c, 0, 3, 5);
    if (c.dtype(1) != DType::i64)
        throw Error({.what = fmt::format("the indices (input 1) are of type {}, should be i64", name_of(c.dtype(1))), .fix = "check the model with onnx.checker"});
    require_shape(c, 1, c.shape(0), "the indices");
    const int axes = c.rank(0) - 2;
    const auto size = static_cast<std::size_t>(axes);
    kernel_shape(c.node, axes);
    check_list(c.attributes(), "kernel_shape", size, 1);
    check_list(c.attributes(), "strides", size, 1);
    check_list(c.attributes(), "pads", 2 * size, 0);
    Shape y{c.shape(0)[0], c.shape(0)[1]};
    for (int i = 0; i < axes; ++i) y.push_back(unpooled_extent(c.attributes(), axes, i, c.shape(0)[static_cast<std::size_t>(2 + i)]));
    for (const Dim& d : y)
        if (d.is_constant() && *d.constant() < 0)
            throw Error({.what = fmt::format("the unpooled value would have the shape [{}]", text_of(y)), .fix = "compare pads with kernel_shape and the input's shape"});
    if (!c.has(2)) return c.set(0, c.dtype(0), std::move(y));
    const std::vector<Dim> asked = sizes(c, 2, "the output's shape", y.size());
    bool fits = asked.size() == y.size();
    for (std::size_t i = 0; fits && i < y.size(); ++i) {
        const Dim left = asked[i] - y[i];
        fits = !left.is_constant() || *left.constant() >= 0;
    }
    if (!fits)
        throw Error({.what = fmt::format("an output of shape [{}] for an unpooled value of shape [{}]", text_of(asked), text_of(y)),
                     .fix = "it must be as large or larger"});
    give(c, 0, c.dtype(0), Shape(asked.begin(), asked.end()));
}

void reference(const Call& call) {
    const View &x = call.in[0], &index = call.in[1], &y = call.out[0];
    require_at_run(index.shape == x.shape, "the indices differ in shape from the values");
    const int axes = x.rank() - 2;
    Dims natural{x.shape[0], x.shape[1]};
    for (int i = 0; i < axes; ++i) natural.push_back(unpooled_extent(call.attributes(), axes, i, x.shape[2 + i]));
    for (int i = 0; i < natural.size(); ++i) require_at_run(natural[i] >= 0 && natural[i] <= y.shape[i], "the output's shape is smaller than the unpooled value");
    const std::int64_t count = count_of(natural);
    for (std::int64_t i = 0; i < y.count(); ++i) y.set_at(i, 0);
    for (std::int64_t i = 0; i < x.count(); ++i) {
        std::int64_t rest = index.get_int_at(i), at = 0;
        if (rest < 0 || rest >= count)
            throw Error({.what = fmt::format("index {} into {} unpooled elements", rest, count), .fix = "compare kernel_shape, strides and pads with MaxPool's"});
        for (int k = natural.size() - 1; k >= 0; --k) {
            at += rest % natural[k] * y.strides[k];
            rest /= natural[k];
        }
        std::memcpy(y.address(at), x.address(i), x.element_bytes());
    }
}

const RegisteredOp max_unpool{{.name = "MaxUnpool", .versions = {{9}, {11}, {22}}, .inputs = {2, 3},
                               .attributes = {{"kernel_shape", AttributeKind::integers, true}, {"pads", AttributeKind::integers}, {"strides", AttributeKind::integers}},
                               .infer = infer, .reference = reference}};

}  // namespace
}  // namespace tercet
