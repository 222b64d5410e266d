// SPDX-License-Identifier: Apache-2.0
// One pass over the result: pixel (y, x) of the resized and cropped picture is sampled at
//     (y + top + 0.5) * height_in/height_resized - 0.5, likewise for x, clamped to the picture,
// between its four neighbours, then its channels are mixed, scaled and stored.
#include "data/preprocess.h"

#include "data/image.h"
#include "tercet/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace tercet {
namespace {

constexpr std::int64_t max_side = 1 << 16;

struct Geometry {
    std::int64_t resized_height, resized_width;  // of the whole picture
    std::int64_t top, left, height, width;       // the part of it that is kept
};

Geometry geometry_of(const Preprocess& p, const Dims& picture) {
    const std::int64_t h = picture[0], w = picture[1];
    Geometry g{h, w, 0, 0, p.height ? p.height : h, p.width ? p.width : w};
    if (p.fit == Fit::stretch) {
        g.resized_height = g.height;
        g.resized_width = g.width;
        return g;
    }
    if (p.resize_shorter) {
        const std::int64_t shorter = std::min(h, w);
        const auto scaled = [&](std::int64_t side) { return (side * p.resize_shorter + shorter / 2) / shorter; };
        g.resized_height = scaled(h);
        g.resized_width = scaled(w);
        if (!p.height) g.height = g.resized_height;
        if (!p.width) g.width = g.resized_width;
    }
    if (g.height > g.resized_height || g.width > g.resized_width)
        throw Error({.what = fmt::format("a crop of {} x {} does not fit into {} x {}", g.height, g.width, g.resized_height, g.resized_width),
                     .fix = "set resize_shorter to at least the crop's longer side"});
    g.top = (g.resized_height - g.height) / 2;
    g.left = (g.resized_width - g.width) / 2;
    return g;
}

std::int64_t channels_of(const Preprocess& p, std::int64_t channels) {
    if (!p.color) return channels;
    return *p.color == Color::gray ? 1 : 3;
}

struct Tap {  // a position along one axis: elements `first` and `second`, the second with `weight`
    std::int64_t first, second;
    float weight;
};

std::vector<Tap> taps(std::int64_t count, std::int64_t offset, std::int64_t resized, std::int64_t size) {
    std::vector<Tap> v(static_cast<std::size_t>(count));
    for (std::int64_t i = 0; i < count; ++i) {
        const double at = (static_cast<double>(i + offset) + 0.5) * static_cast<double>(size) / static_cast<double>(resized) - 0.5;
        const double in = std::clamp(at, 0.0, static_cast<double>(size - 1));
        const auto first = static_cast<std::int64_t>(in);
        v[static_cast<std::size_t>(i)] = {first, std::min(first + 1, size - 1), static_cast<float>(in - static_cast<double>(first))};
    }
    return v;
}

// y[c] = x[c] * factor[c] + offset[c], for three channels at most.
struct Affine {
    std::array<double, 3> factor{}, offset{};
};

Affine affine_of(const Preprocess& p, DType from, std::int64_t channels) {
    const auto one = [](const std::vector<double>& v, std::int64_t c, double otherwise) {
        return v.empty() ? otherwise : v[v.size() == 1 ? 0 : static_cast<std::size_t>(c)];
    };
    Affine a;
    for (std::int64_t c = 0; c < channels; ++c) {
        const auto i = static_cast<std::size_t>(c);
        const double deviation = one(p.deviation, c, 1);
        a.factor[i] = p.dtype == DType::u8 ? 1 : p.scale.value_or(from == DType::u8 ? 1.0 / 255 : 1.0) / deviation;
        a.offset[i] = -one(p.mean, c, 0) / deviation;
    }
    return a;
}

std::array<float, 3> with_color(const Preprocess& p, std::int64_t channels, std::array<float, 3> v) {
    if (!p.color) return v;
    if (channels == 1) return {v[0], v[0], v[0]};
    if (*p.color == Color::gray) return {0.299F * v[0] + 0.587F * v[1] + 0.114F * v[2], 0, 0};
    if (*p.color == Color::bgr) std::swap(v[0], v[2]);
    return v;
}

template <class T>
void convert(const Preprocess& p, const T* in, const Dims& shape, std::byte* out) {
    const Geometry g = geometry_of(p, shape);
    const std::int64_t w = shape[1], channels = shape[2], out_channels = channels_of(p, channels);
    const std::vector<Tap> rows = taps(g.height, g.top, g.resized_height, shape[0]), columns = taps(g.width, g.left, g.resized_width, w);
    const Affine affine = affine_of(p, std::is_same_v<T, unsigned char> ? DType::u8 : DType::f32, out_channels);
    const std::int64_t pixel_step = p.layout == Layout::nhwc ? out_channels : 1;
    const std::int64_t channel_step = p.layout == Layout::nhwc ? 1 : g.height * g.width;

    std::int64_t pixel = 0;
    for (const Tap& r : rows)
        for (const Tap& c : columns) {
            std::array<float, 3> v{};
            for (std::int64_t k = 0; k < channels; ++k) {
                const auto x = [&](std::int64_t row, std::int64_t column) { return static_cast<float>(in[(row * w + column) * channels + k]); };
                // A weight of 0 leaves the second neighbour out: exact where nothing is resized.
                const auto between = [](float a, float b, float weight) { return weight == 0 ? a : a * (1 - weight) + b * weight; };
                const float upper = between(x(r.first, c.first), x(r.first, c.second), c.weight);
                const float lower = between(x(r.second, c.first), x(r.second, c.second), c.weight);
                v[static_cast<std::size_t>(k)] = between(upper, lower, r.weight);
            }
            v = with_color(p, channels, v);
            for (std::int64_t k = 0; k < out_channels; ++k) {
                const auto i = static_cast<std::size_t>(k);
                const double y = v[i] * affine.factor[i] + affine.offset[i];
                const std::int64_t to = pixel * pixel_step + k * channel_step;
                if (p.dtype == DType::u8) out[to] = static_cast<std::byte>(to_element<std::uint8_t>(std::nearbyint(y)));
                else store<float>(out + to * 4, static_cast<float>(y));
            }
            ++pixel;
        }
}

}  // namespace

void check(const Preprocess& p) {
    const auto refuse = [](std::string what, std::string fix) { throw Error({.what = std::move(what), .where = "preprocessing",
                                                                             .fix = std::move(fix)}); };
    if (p.dtype != DType::f32 && p.dtype != DType::u8)
        refuse(fmt::format("pictures cannot become {}", name_of(p.dtype)), "use f32 or u8");
    for (const std::int64_t side : {p.height, p.width, p.resize_shorter})
        if (side < 0 || side > max_side) refuse(fmt::format("a side of {} pixels", side), fmt::format("use 1 to {}, or 0 for the file's", max_side));
    if (p.dtype == DType::u8 && (p.scale || !p.mean.empty() || !p.deviation.empty()))
        refuse("u8 pixels are kept as stored, but a scale, mean or deviation is set", "use f32, or leave them out");
    if (p.scale && !std::isfinite(*p.scale)) refuse("the scale is not finite", "use a number such as 1/255");
    for (const double m : p.mean)
        if (!std::isfinite(m)) refuse("a mean is not finite", "use a number");
    for (const double d : p.deviation)
        if (!std::isfinite(d) || d == 0) refuse("a deviation is zero or not finite", "use a number other than 0");
    if (!p.row_shape.empty()) {
        const bool rank_fits = p.row_shape.size() == 2 || p.row_shape.size() == 3;
        const bool channels_fit = p.row_shape.size() < 3 || p.row_shape[2] == 1 || p.row_shape[2] == 3;
        if (!rank_fits || !channels_fit || std::ranges::any_of(p.row_shape, [](std::int64_t d) { return d < 1 || d > max_side; }))
            refuse(fmt::format("a row of shape [{}] is no picture", fmt::join(p.row_shape, ", ")), "use [H, W] or [H, W, C] with 1 or 3 channels");
    }
}

Dims preprocessed_shape(const Preprocess& p, const Dims& picture) {
    if (picture[0] < 1 || picture[1] < 1) throw Error({.what = "the picture has no pixels", .fix = "leave it out"});
    const Geometry g = geometry_of(p, picture);
    if (static_cast<std::uint64_t>(g.height) * static_cast<std::uint64_t>(g.width) > max_pixels)
        throw Error({.what = fmt::format("the result has {} x {} pixels", g.height, g.width),
                     .fix = "set a smaller height and width"});
    const std::int64_t channels = channels_of(p, picture[2]);
    for (const auto* v : {&p.mean, &p.deviation})
        if (v->size() > 1 && static_cast<std::int64_t>(v->size()) != channels)
            throw Error({.what = fmt::format("{} means or deviations for {} channels", v->size(), channels),
                         .fix = "give one, or one per channel"});
    return p.layout == Layout::nhwc ? Dims{g.height, g.width, channels} : Dims{channels, g.height, g.width};
}

void preprocess(const Preprocess& p, const Tensor& picture, std::byte* out) {
    if (picture.dtype() == DType::u8) return convert(p, reinterpret_cast<const unsigned char*>(picture.data()), picture.shape(), out);
    assert(picture.dtype() == DType::f32);
    convert(p, reinterpret_cast<const float*>(picture.data()), picture.shape(), out);
}

void preprocess_vector(const Preprocess& p, const float* x, std::int64_t count, float* y) {
    if (p.mean.size() > 1 || p.deviation.size() > 1)
        throw Error({.what = "means or deviations per channel, for rows that are no pictures",
                     .fix = "give the shape of a row, [H, W, C]"});
    const Affine a = affine_of(p, DType::f32, 1);
    for (std::int64_t i = 0; i < count; ++i) y[i] = static_cast<float>(x[i] * a.factor[0] + a.offset[0]);
}

}  // namespace tercet
