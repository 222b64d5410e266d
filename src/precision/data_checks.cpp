// SPDX-License-Identifier: Apache-2.0
#include "precision/data_checks.h"

#include "ops/op.h"
#include "tercet/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace tercet {
namespace {

Dims without_ones(const Dims& d) {
    Dims v;
    for (std::int64_t extent : d)
        if (extent != 1) v.push_back(extent);
    return v;
}

bool is_channels(std::int64_t n) { return n == 1 || n == 3 || n == 4; }

// The extents from axis `from` on, symbolic ones taken from `sample`; empty if they do not fit it.
std::optional<Dims> as_declared(const Shape& shape, std::size_t from, const Dims& sample) {
    if (shape.size() - from != static_cast<std::size_t>(sample.size())) return std::nullopt;
    for (std::size_t i = from; i < shape.size(); ++i)
        if (const auto c = shape[i].constant(); c && *c != sample[static_cast<int>(i - from)]) return std::nullopt;
    return sample;
}

std::optional<SampleFit> fit(const Dims& sample, const Shape& shape) {
    const int rank = static_cast<int>(shape.size());
    if (rank > 0)
        if (const auto d = as_declared(shape, 1, sample)) return SampleFit{*d, true};
    if (rank > 0 && sample.size() == rank && sample[0] == 1)
        if (const auto d = as_declared(shape, 1, sample.part(1))) return SampleFit{*d, true};
    if (const auto d = as_declared(shape, 0, sample)) return SampleFit{*d, false};
    // Axes of 1 may be missing or too many, where all sizes are known.
    Dims declared;
    for (std::size_t i = 1; i < shape.size(); ++i) {
        if (!shape[i].is_constant()) return std::nullopt;
        declared.push_back(*shape[i].constant());
    }
    if (rank > 0 && count_of(declared) > 0 && without_ones(declared) == without_ones(sample)) return SampleFit{declared, true};
    return std::nullopt;
}

std::string text_of(const Dims& d) { return fmt::format("[{}]", fmt::join(d, ", ")); }

struct Constants {
    std::vector<double> values;
    double greatest = 0;
};

std::optional<Constants> small_constant(const Graph& g, ValueId v) {
    const Tensor* t = g.constant(v);
    if (!t || !is_float(t->dtype()) || t->count() < 1 || t->count() > 16) return std::nullopt;
    Constants c;
    for (std::int64_t i = 0; i < t->count(); ++i) {
        c.values.push_back(t->get(i));
        c.greatest = std::max(c.greatest, std::fabs(c.values.back()));
    }
    return c;
}

constexpr std::array imagenet_means{0.485, 0.456, 0.406};

bool is_reversed_imagenet(const Constants& c) {
    if (c.values.size() != 3) return false;
    const double unit = c.greatest > 2 ? 255 : 1;
    for (std::size_t i = 0; i < 3; ++i)
        if (std::fabs(c.values[i] / unit - imagenet_means[2 - i]) > 0.02) return false;
    return true;
}

constexpr std::array<std::string_view, 7> moving{"Transpose", "Reshape", "Identity", "Squeeze", "Unsqueeze", "Flatten", "Cast"};

}  // namespace

SampleRange range_of(const float* x, std::int64_t count) {
    SampleRange r;
    bool any = false;
    for (std::int64_t i = 0; i < count; ++i) {
        if (!std::isfinite(x[i])) {
            r.finite = false;
            continue;
        }
        r.least = any ? std::min(r.least, x[i]) : x[i];
        r.greatest = any ? std::max(r.greatest, x[i]) : x[i];
        any = true;
    }
    return r;
}

SampleFit fit_sample(const Dims& sample, const Value& input) {
    const Shape& shape = input.type.shape;
    if (const auto found = fit(sample, shape)) return *found;
    const std::string both = fmt::format("a sample is {}, the model's input '{}' is {}", text_of(sample), input.name, tercet::text_of(input.type));
    if (sample.size() == 3 && shape.size() == 4) {
        const Dims swapped = is_channels(sample[2]) ? Dims{sample[2], sample[0], sample[1]} : Dims{sample[1], sample[2], sample[0]};
        if (fit(swapped, shape)) {
            const bool first = is_channels(sample[2]);  // the model has its channels first
            throw Error({.what = both + fmt::format(": its channels stand {}, those of the data {}", first ? "first" : "last", first ? "last" : "first"),
                         .fix = fmt::format("pictures: --layout {}; arrays: transpose them", first ? "nchw" : "nhwc")});
        }
        const auto channels = [&](int axis, std::size_t declared) {
            const auto c = shape[declared].constant();
            return c && *c != sample[axis] && is_channels(*c) && is_channels(sample[axis]);
        };
        if (channels(0, 1) || channels(2, 3)) throw Error({.what = both + ": the channels differ", .fix = "give --color rgb, bgr or gray"});
        throw Error({.what = both, .fix = "bring pictures to its size by --resize or --crop"});
    }
    throw Error({.what = both, .fix = "give data [n, ...] whose samples are what the model reads"});
}

Expectation expectation_of(const Graph& g, ValueId v) {
    for (int steps = 0; steps < 8; ++steps) {
        const NodeId user = g.only_user(v);
        if (user == NodeId::none || g.node(user).outputs.empty()) return {};
        const bool moves = std::ranges::find(moving, g.node(user).op) != moving.end() && g.input(user, 0) == v;
        if (moves) {
            v = g.output(user);
            continue;
        }
        const ValueId other = g.input(user, g.input(user, 0) == v ? 1 : 0);
        const auto c = small_constant(g, other);
        if (!c) return {};
        if ((g.is(user, "Sub") && g.input(user, 0) == v) || g.is(user, "Add")) {
            if (c->greatest > 0.05 && c->greatest <= 1) return {ExpectedRange::unit, is_reversed_imagenet(*c), fmt::format("it subtracts {:.3g}", c->values[0])};
            if (c->greatest >= 16 && c->greatest <= 255) return {ExpectedRange::byte, is_reversed_imagenet(*c), fmt::format("it subtracts {:.3g}", c->values[0])};
        } else if (g.is(user, "Div") && g.input(user, 0) == v) {
            if (c->greatest >= 16 && c->greatest <= 256) return {ExpectedRange::byte, false, fmt::format("it divides by {:.3g}", c->values[0])};
            if (c->greatest >= 0.1 && c->greatest < 1) return {ExpectedRange::unit, false, fmt::format("it divides by {:.3g}", c->values[0])};
        } else if (g.is(user, "Mul")) {
            if (c->greatest > 1e-3 && c->greatest <= 1.0 / 16) return {ExpectedRange::byte, false, fmt::format("it multiplies by {:.3g}", c->values[0])};
            if (c->greatest > 1 && c->greatest <= 10) return {ExpectedRange::unit, false, fmt::format("it multiplies by {:.3g}", c->values[0])};
        }
        return {};
    }
    return {};
}

std::optional<std::string> range_warning(const Expectation& expected, const std::string& input, float least, float greatest, std::optional<Color> color) {
    const float most = std::max(std::fabs(least), std::fabs(greatest));
    if (expected.range == ExpectedRange::unit && most > 16)
        return fmt::format("'{}': the data go from {:.4g} to {:.4g}, but the model seems to expect 0 to 1 ({}): give --scale 1/255 or scaled data", input, least, greatest,
                           expected.because);
    if (expected.range == ExpectedRange::byte && most <= 4)
        return fmt::format("'{}': the data go from {:.4g} to {:.4g}, but the model seems to expect 0 to 255 ({}): give --scale 1", input, least, greatest, expected.because);
    if (expected.bgr && color == Color::rgb)
        return fmt::format("'{}': the model subtracts ImageNet's means in the order blue, green, red, the pictures are RGB: give --color bgr", input);
    return std::nullopt;
}

std::vector<NormalizedValue> normalized_values(const Graph& g) {
    std::vector<NormalizedValue> found;
    for (NodeId id : g.nodes("BatchNormalization")) {
        const Tensor *mean = g.constant(id, 3), *variance = g.constant(id, 4);
        const ValueId x = g.input(id, 0);
        if (!mean || !variance || mean->count() == 0 || mean->count() != variance->count() || g.producer(x) == NodeId::none) continue;
        double sum = 0;
        for (std::int64_t i = 0; i < mean->count(); ++i) sum += variance->get(i) + mean->get(i) * mean->get(i);
        found.push_back({x, sum / static_cast<double>(mean->count())});
    }
    return found;
}

std::optional<std::string> response_warning(const std::string& value, double observed, double trained) {
    if (!(trained > 0) || !(observed > 0)) return std::nullopt;
    const double ratio = std::sqrt(observed / trained);
    constexpr double strange = 30;
    if (ratio < strange && ratio > 1 / strange) return std::nullopt;
    return fmt::format("'{}' is {:.3g} times {} than its batch normalization saw in training: are the data scaled as the model expects (0 to 255 against 0 to 1: --scale)?",
                       value, ratio > 1 ? ratio : 1 / ratio, ratio > 1 ? "larger" : "smaller");
}

}  // namespace tercet
