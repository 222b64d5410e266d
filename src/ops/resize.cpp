// SPDX-License-Identifier: Apache-2.0
// y[i...] = sum over the samples of every axis of (product of their weights) * x[their elements...]  (resample.h)
// Inputs: x, roi [begins..., ends...], scales, sizes; the last two name the extents: floor(in*scale) or the size itself, for
// the attribute `axes` (all if absent). Upsample is Resize of before operator set 10 and becomes one on import.
#include "ops/extents.h"
#include "ops/require.h"
#include "ops/resample.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <string>

namespace tercet {
namespace {

constexpr float largest_scale = 1 << 20;

enum class Aspect { stretch, not_larger, not_smaller };

Aspect aspect_of(const Attributes& a) {
    const std::string_view policy = a.text("keep_aspect_ratio_policy", "stretch");
    if (policy == "stretch") return Aspect::stretch;
    if (policy == "not_larger") return Aspect::not_larger;
    if (policy == "not_smaller") return Aspect::not_smaller;
    throw Error({.what = fmt::format("unknown keep_aspect_ratio_policy '{}'", policy), .fix = "it is stretch, not_larger or not_smaller"});
}

// The axes that scales, sizes and roi speak of.
Dims resized_axes(const Attributes& a, int rank) {
    Dims axes;
    const auto given = a.integers("axes");
    if (given.size() > static_cast<std::size_t>(rank))
        throw Error({.what = fmt::format("attribute 'axes' has {} elements for a value of rank {}", given.size(), rank),
                     .fix = "name each axis once"});
    for (std::int64_t g : given) {
        const int axis = checked_axis(g, rank);
        if (std::ranges::find(axes, axis) != axes.end())
            throw Error({.what = fmt::format("axis {} is named twice in 'axes'", axis), .fix = "name each axis once"});
        axes.push_back(axis);
    }
    if (given.empty())
        for (int i = 0; i < rank; ++i) axes.push_back(i);
    return axes;
}

void check_elements(const Inference& c, std::size_t i, std::string_view what, std::size_t expected) {
    if (c.rank(i) == 1 && may_equal(c.shape(i)[0], Dim(static_cast<std::int64_t>(expected)))) return;
    throw Error({.what = fmt::format("{} (input {}) have the shape [{}]", what, i, text_of(c.shape(i))), .fix = fmt::format("[{}] is needed", expected)});
}

// floor(in*scale), in float, as the model's exporter computed it; exact for 2, 3, ... and 1/2, 1/3, ...
Dim scaled(const Dim& in, float scale) {
    if (!(scale > 0) || scale > largest_scale || scale < 1 / largest_scale)
        throw Error({.what = fmt::format("unsupported: a scale of {}", scale), .fix = "it must be positive and not extreme"});
    if (scale == std::floor(scale)) return in * Dim(static_cast<std::int64_t>(scale));
    if (const float k = std::round(1 / scale); scale == 1 / k) return floor_div(in, Dim(static_cast<std::int64_t>(k)));
    const auto n = in.constant();
    if (!n)
        throw Error({.what = fmt::format("unsupported: the size {} scaled by {}", in.text(), scale),
                     .fix = "give the input fixed sizes"});
    const float extent = std::floor(static_cast<float>(*n) * scale);
    if (extent > 0x1p40f) throw Error({.what = fmt::format("an extent of {} scaled by {}", *n, scale), .fix = "check the model's shapes"});
    return static_cast<std::int64_t>(extent);
}

double common_scale(Aspect aspect, double a, double b) { return aspect == Aspect::not_larger ? std::min(a, b) : std::max(a, b); }

void fit_aspect(Aspect aspect, Shape& y, const Dims& axes, const std::vector<Dim>& sizes) {
    double scale = 0;
    for (int i = 0; i < axes.size(); ++i) {
        const auto in = y[static_cast<std::size_t>(axes[i])].constant(), size = sizes[static_cast<std::size_t>(i)].constant();
        if (!in || !size)
            throw Error({.what = "unsupported: keep_aspect_ratio_policy with sizes that are only known while the model runs",
                         .fix = "give the input fixed sizes"});
        const double s = static_cast<double>(*size) / static_cast<double>(*in);
        scale = i == 0 ? s : common_scale(aspect, scale, s);
    }
    for (std::int64_t a : axes) {
        Dim& extent = y[static_cast<std::size_t>(a)];
        const double rounded = std::floor(scale * static_cast<double>(*extent.constant()) + 0.5);
        if (!(rounded < 0x1p40))
            throw Error({.what = fmt::format("an extent of {} scaled by {}", extent.text(), scale),
                         .fix = "check the model's sizes"});
        extent = static_cast<std::int64_t>(rounded);
    }
}

bool given(const Inference& c, std::size_t i) { return c.has(i) && c.shape(i) != Shape{Dim(0)}; }  // an empty list counts as absent

void infer(Inference& c) {
    const auto settings = ResampleSettings::of(c.attributes());
    const Aspect aspect = aspect_of(c.attributes());
    if (!computes(c.dtype(0)) || (settings.mode != Interpolation::nearest && c.dtype(0) == DType::boolean))
        throw Error({.what = fmt::format("unsupported: resizing {}", name_of(c.dtype(0))), .fix = "cast it to a number in the export"});
    if (settings.antialias && settings.mode == Interpolation::nearest)
        throw Error({.what = "unsupported: antialias = 1 with mode 'nearest'", .fix = "use linear or cubic"});
    const Dims axes = resized_axes(c.attributes(), c.rank(0));
    const auto count = static_cast<std::size_t>(axes.size());
    if (settings.coordinates == Coordinates::tf_crop_and_resize) {
        if (!given(c, 1)) throw Error({.what = "tf_crop_and_resize without a roi (input 1)", .fix = "check the model with onnx.checker"});
        require_float(c, 1);
        check_elements(c, 1, "the rois", 2 * count);
    }
    if (given(c, 2) == given(c, 3))
        throw Error({.what = given(c, 2) ? "both scales and sizes are given" : "neither scales nor sizes are given", .fix = "give one of them"});
    Shape y = c.shape(0);
    const auto unknown = [&](std::int64_t axis) { return c.unknown(axis_name(static_cast<std::size_t>(axis))); };
    if (given(c, 2)) {
        check_elements(c, 2, "the scales", count);
        if (c.dtype(2) != DType::f32) throw Error({.what = fmt::format("the scales (input 2) are {}", name_of(c.dtype(2))), .fix = "they must be f32"});
        for (std::size_t i = 0; i < count; ++i) {
            const std::int64_t axis = axes[static_cast<int>(i)];
            Dim& extent = y[static_cast<std::size_t>(axis)];
            extent = c.in[2].constant ? scaled(extent, static_cast<float>(c.in[2].constant->get(static_cast<std::int64_t>(i)))) : unknown(axis);
        }
    } else {
        check_elements(c, 3, "the sizes", count);
        const std::vector<Dim> sizes = tercet::sizes(c, 3, "the sizes", count);
        for (std::size_t i = 0; i < count; ++i) {
            const std::int64_t axis = axes[static_cast<int>(i)];
            const Dim& extent = y[static_cast<std::size_t>(axis)];
            const auto in = extent.constant(), size = sizes[i].constant();
            if ((size && (*size < 0 || *size > std::int64_t{1} << 40)) || (in && *in == 0 && !(size && *size == 0)))
                throw Error({.what = fmt::format("axis {} of {} elements resized to {}", axis, extent.text(), sizes[i].text()),
                             .fix = "check the model's sizes"});
        }
        if (aspect == Aspect::stretch)
            for (std::size_t i = 0; i < count; ++i) y[static_cast<std::size_t>(axes[static_cast<int>(i)])] = sizes[i];
        else if (std::ranges::any_of(sizes, is_open))
            for (std::int64_t axis : axes) y[static_cast<std::size_t>(axis)] = unknown(axis);
        else
            fit_aspect(aspect, y, axes, sizes);
    }
    c.set(0, c.dtype(0), std::move(y));
}

}  // namespace

std::array<ResampleAxis, max_rank> resample_axes(const Call& call) {
    const View &x = call.in[0], &y = call.out[0];
    const auto present = [&](std::size_t i) { return call.has(i) && call.in[i].count() > 0; };
    const Aspect aspect = aspect_of(call.attributes());
    const Dims named = resized_axes(call.attributes(), x.rank());
    std::array<ResampleAxis, max_rank> axes{};
    for (int a = 0; a < x.rank(); ++a) {
        ResampleAxis& axis = axes[static_cast<std::size_t>(a)];
        axis.in = x.shape[a];
        axis.out = y.shape[a];
        axis.exact_out = static_cast<double>(axis.out);
    }
    const bool by_scale = present(2);
    require_at_run(call.in[by_scale ? 2 : 3].count() == named.size(), "scales or sizes do not fit the input's axes");
    double common = 0;
    for (int i = 0; i < named.size(); ++i) {
        ResampleAxis& axis = axes[static_cast<std::size_t>(named[i])];
        axis.scale = by_scale ? call.in[2].get({i}) : call.in[3].get({i}) / static_cast<double>(axis.in);
        if (by_scale) axis.exact_out = axis.scale * static_cast<double>(axis.in);
        require_at_run(axis.out == 0 || (axis.scale > 0 && axis.scale <= largest_scale * 0x1p20), "a scale is not positive, or extreme");
        common = i == 0 ? axis.scale : common_scale(aspect, common, axis.scale);
    }
    if (!by_scale && aspect != Aspect::stretch)
        for (std::int64_t a : named) {
            ResampleAxis& axis = axes[static_cast<std::size_t>(a)];
            axis.scale = common;
            axis.exact_out = common * static_cast<double>(axis.in);
        }
    if (call.attributes().text("coordinate_transformation_mode", "") == "tf_crop_and_resize") {
        require_at_run(call.in[1].count() == 2 * named.size(), "the rois do not fit the input's axes");
        for (int i = 0; i < named.size(); ++i) {
            axes[static_cast<std::size_t>(named[i])].roi_begin = call.in[1].get({i});
            axes[static_cast<std::size_t>(named[i])].roi_end = call.in[1].get({named.size() + i});
        }
    }
    return axes;
}

namespace {

void reference(const Call& call) {
    const View &x = call.in[0], &y = call.out[0];
    if (y.count() == 0) return;
    require_at_run(x.count() > 0, "an empty input cannot be resized");
    const auto settings = ResampleSettings::of(call.attributes());
    const auto axes = resample_axes(call);
    const double extrapolation = call.attributes().real("extrapolation_value", 0);
    std::array<Samples, max_rank> samples{};
    Dims sampled = Dims::filled(x.rank(), -1), counts = sampled;
    for (const Dims& i : indices(y.shape)) {
        bool outside = false;
        for (int a = 0; a < x.rank(); ++a) {
            Samples& s = samples[static_cast<std::size_t>(a)];
            if (i[a] != sampled[a]) s = Samples(settings, axes[static_cast<std::size_t>(a)], i[a]);
            counts[a] = s.count();
            outside = outside || s.outside();
        }
        sampled = i;
        if (outside) {
            y.set(i, extrapolation);
            continue;
        }
        Dims at = i;
        if (settings.mode == Interpolation::nearest) {
            for (int a = 0; a < x.rank(); ++a) at[a] = samples[static_cast<std::size_t>(a)].element(0);
            std::memcpy(y.address(i), x.address(at), y.element_bytes());
            continue;
        }
        double sum = 0;
        for (const Dims& k : indices(counts)) {
            double weight = 1;
            for (int a = 0; a < x.rank(); ++a) {
                at[a] = samples[static_cast<std::size_t>(a)].element(k[a]);
                weight *= samples[static_cast<std::size_t>(a)].weight(k[a]);
            }
            if (weight != 0) sum += weight * x.get(at);
        }
        y.set(i, is_float(y.dtype) ? sum : std::nearbyint(sum));
    }
}

// Operator set 10 knows one rule: x_original = x_resized/scale; `nearest` takes the element before it, behind it when shrinking.
void from_opset_10(Graph& g, NodeId id) {
    const ValueId scales = g.input(id, 1);
    std::string nearest = "floor";
    if (const Tensor* t = scales == ValueId::none ? nullptr : g.constant(scales); t && is_float(t->dtype())) {
        bool shrinks = false, grows = false;
        for (std::int64_t i = 0; i < t->count(); ++i) {
            shrinks = shrinks || t->get(i) < 1;
            grows = grows || t->get(i) > 1;
        }
        if (shrinks && grows && g.node(id).attributes.text("mode", "nearest") == "nearest")
            throw Error({.what = "unsupported: shrinks one axis and enlarges another", .fix = "export with operator set 11 or newer"});
        if (shrinks) nearest = "ceil";
    }
    g.set_input(id, 2, scales);
    g.set_input(id, 1, ValueId::none);
    g.attributes(id).set("coordinate_transformation_mode", std::string("asymmetric"));
    g.attributes(id).set("nearest_mode", nearest);
}

void scales_to_input(Graph& g, NodeId id) {
    const auto list = g.node(id).attributes.reals("scales");
    const std::vector<float> scales(list.begin(), list.end());
    g.attributes(id).erase("scales");
    g.set_input(id, 1, g.add_constant("", Tensor::of<float>(DType::f32, {static_cast<std::int64_t>(scales.size())}, scales)));
}

void factors_to_scales(Graph& g, NodeId id) {  // of images [N, C, H, W]
    std::vector<float> scales{1, 1};
    for (const char* name : {"height_scale", "width_scale"}) {
        if (!g.node(id).attributes.has(name))
            throw Error({.what = fmt::format("attribute '{}' is missing", name), .fix = "check the model with onnx.checker"});
        scales.push_back(g.node(id).attributes.real(name, 1));
        g.attributes(id).erase(name);
    }
    g.attributes(id).set("scales", std::move(scales));
}

void upsample_to_resize(Graph& g, NodeId id) { g.set_op(id, "Resize"); }  // whose upgrades follow

const RegisteredOp resize{{.name = "Resize", .versions = {{10}, {11, from_opset_10}, {13}, {18}, {19}}, .inputs = {1, 4},
                           .attributes = {{"antialias", AttributeKind::integer}, {"axes", AttributeKind::integers},
                                          {"coordinate_transformation_mode", AttributeKind::text}, {"cubic_coeff_a", AttributeKind::real},
                                          {"exclude_outside", AttributeKind::integer}, {"extrapolation_value", AttributeKind::real},
                                          {"keep_aspect_ratio_policy", AttributeKind::text}, {"mode", AttributeKind::text},
                                          {"nearest_mode", AttributeKind::text}},
                           .infer = infer, .reference = reference, .channels = true}};

void refuse_upsample(Inference&) {
    throw Error({.what = "operator Upsample ended with operator set 9", .fix = "export with operator set 10 or newer, which has Resize"});
}

const RegisteredOp upsample{{.name = "Upsample", .versions = {{1}, {7, factors_to_scales}, {9, scales_to_input}, {10, upsample_to_resize}}, .inputs = {1, 2},
                             .attributes = {{"mode", AttributeKind::text}, {"scales", AttributeKind::reals},
                                            {"height_scale", AttributeKind::real}, {"width_scale", AttributeKind::real}},
                             .infer = refuse_upsample, .reference = reference}};

}  // namespace
}  // namespace tercet
