// SPDX-License-Identifier: Apache-2.0
// y[n, c, o..] = sum of x[n, (c, k..), (b..)] over taps k and blocks b with b*stride - pad_begin + k*dilation == o on every axis
// x [N, C*product(block_shape), L], L the number of blocks, floor((image + pads - (block - 1)*dilation - 1)/stride) + 1 per axis
// y [N, C, image_shape...]; floats are summed in double, integers wrap
#include "ops/elementwise.h"
#include "ops/extents.h"
#include "ops/require.h"

#include <fmt/format.h>

namespace tercet {
namespace {

constexpr std::int64_t largest = std::numeric_limits<std::int32_t>::max();  // of any attribute: products stay within 64 bits

std::int64_t element(const Attributes& a, std::string_view name, int i, std::int64_t missing) {
    const auto list = a.integers(name);
    return list.empty() ? missing : list[static_cast<std::size_t>(i)];
}

template <class T>  // Dim or std::int64_t; less than 1: the image has no room for a block
T blocks(const Attributes& a, int axes, int i, const T& image, std::int64_t block) {
    const std::int64_t reach = (block - 1) * element(a, "dilations", i, 1) + 1, stride = element(a, "strides", i, 1);
    const T room = image + T(element(a, "pads", i, 0) + element(a, "pads", axes + i, 0) - reach);
    if constexpr (std::is_same_v<T, Dim>) return floor_div(room, Dim(stride)) + Dim(1);
    else return room < 0 ? 0 : room / stride + 1;
}

void check_list(const Attributes& a, std::string_view name, std::size_t size, std::int64_t least) {
    const auto list = a.integers(name);
    bool fits = list.empty() || list.size() == size;
    for (std::int64_t v : list) fits = fits && v >= least && v <= largest;
    if (!fits)
        throw Error({.what = fmt::format("attribute '{}' is [{}]", name, fmt::join(list, ",")), .fix = fmt::format("it must have {} elements of at least {}", size, least)});
}

void infer(Inference& c) {
    if (!computes(c.dtype(0)))
        throw Error({.what = fmt::format("unsupported: elements of type {}", name_of(c.dtype(0))), .fix = "cast them before"});
    require_rank(c, 0, 3, 3);
    const std::vector<Dim> image = sizes(c, 1, "the image's shape");
    const std::vector<Dim> block = sizes(c, 2, "the block's shape", image.size());
    const int axes = static_cast<int>(image.size());
    if (block.size() != image.size() || image.empty() || axes > max_rank - 2)
        throw Error({.what = fmt::format("an image of {} axes and a block of {}", image.size(), block.size()),
                     .fix = fmt::format("they must have as many, 1 to {}", max_rank - 2)});
    check_list(c.attributes(), "strides", image.size(), 1);
    check_list(c.attributes(), "dilations", image.size(), 1);
    check_list(c.attributes(), "pads", 2 * image.size(), 0);
    const Shape& x = c.shape(0);
    Dim taps = 1, count = 1;
    for (int i = 0; i < axes; ++i) {
        const auto extent = block[static_cast<std::size_t>(i)].constant();
        if (!extent) {  // only the run tells, and with it the number of channels
            Shape y{x[0], c.unknown("channels", x[1])};
            y.insert(y.end(), image.begin(), image.end());
            return give(c, 0, c.dtype(0), std::move(y));
        }
        if (*extent < 1 || *extent > largest) throw Error({.what = fmt::format("the block has the extent {}", *extent), .fix = "it must be at least 1"});
        taps = taps * Dim(*extent);
        const Dim along = blocks(c.attributes(), axes, i, image[static_cast<std::size_t>(i)], *extent);
        if (const auto n = along.constant(); n && *n < 1)
            throw Error({.what = fmt::format("the image of shape [{}] has no room for a block of [{}]", text_of(image), text_of(block)),
                         .fix = "compare image_shape, block_shape, dilations and pads"});
        count = count * along;
    }
    if (!may_equal(x[2], count) || (x[1].is_constant() && *x[1].constant() % *taps.constant() != 0))
        throw Error({.what = fmt::format("columns of shape [{}] for {} blocks of {} elements", text_of(x), count.text(), taps.text()),
                     .fix = "it must be [N, channels*elements, blocks]"});
    Shape y{x[0], floor_div(x[1], taps)};
    y.insert(y.end(), image.begin(), image.end());
    give(c, 0, c.dtype(0), std::move(y));
}

void reference(const Call& call) {
    const View &x = call.in[0], &block_shape = call.in[2], &y = call.out[0];
    const Attributes& a = call.attributes();
    const int axes = y.rank() - 2;
    Dims block, along;
    for (int i = 0; i < axes; ++i) {
        block.push_back(block_shape.get_int_at(i));
        along.push_back(blocks(a, axes, i, y.shape[2 + i], block[i]));
    }
    const std::int64_t taps = count_of(block);
    require_at_run(x.shape[1] == y.shape[1] * taps && x.shape[2] == count_of(along), "the columns do not fit image_shape and block_shape");
    for (const Dims& o : indices(y.shape)) {  // [n, c, image...]
        double sum = 0;
        std::uint64_t whole = 0;
        std::int64_t tap = o[1] * taps;
        for (const Dims& k : indices(block)) {
            std::int64_t column = 0;
            bool hit = true;
            for (int i = 0; hit && i < axes; ++i) {
                const std::int64_t from = o[2 + i] + element(a, "pads", i, 0) - k[i] * element(a, "dilations", i, 1), stride = element(a, "strides", i, 1);
                hit = from >= 0 && from % stride == 0 && from / stride < along[i];
                column = column * along[i] + from / stride;
            }
            if (hit && is_float(x.dtype)) sum += x.get({o[0], tap, column});
            else if (hit) whole += static_cast<std::uint64_t>(x.get_int({o[0], tap, column}));
            ++tap;
        }
        if (is_float(y.dtype)) y.set(o, sum);
        else y.set_int(o, static_cast<std::int64_t>(whole));
    }
}

const RegisteredOp col2im{{.name = "Col2Im", .versions = {{18}}, .inputs = {3, 3},
                           .attributes = {{"dilations", AttributeKind::integers}, {"pads", AttributeKind::integers}, {"strides", AttributeKind::integers}},
                           .infer = infer, .reference = reference}};

}  // namespace
}  // namespace tercet
