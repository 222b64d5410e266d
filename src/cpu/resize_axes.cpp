// SPDX-License-Identifier: Apache-2.0
#include "cpu/resize_axes.h"

#include <utility>

namespace tercet {
namespace {

bool channels_last(const Step& s) { return s.attributes().text("layout", "NCHW") == "NHWC" && s.inputs[0].shape.size() > 2; }

// Of each axis of [N, C, spatial...], where it lies in memory.
Dims places_of(const Step& s) {
    const int rank = s.inputs[0].shape.size();
    Dims places;
    for (int i = 0; i < rank; ++i) places.push_back(!channels_last(s) || i == 0 ? i : i == 1 ? rank - 1 : i - 1);
    return places;
}

}  // namespace

Refusal refuse_resize(const Step& s, const Isa& isa) {
    if (isa.level == Isa::Level::reference) return "is more than a reference";
    if (!s.is("Resize")) return "no resizing";
    if (s.attributes().text("coordinate_transformation_mode", "") == "tf_crop_and_resize") return "reads beside the input";
    for (std::size_t i = 2; i < s.inputs.size() && i < 4; ++i)
        if (s.has(i) && !s.inputs[i].constant) return "its sizes are computed";
    if (count_of(s.inputs[0].shape) == 0) return "its input is empty";
    return {};
}

std::vector<std::vector<Samples>> resize_samples(const Step& s) {
    const Dims places = places_of(s);
    std::vector<View> in;
    for (const auto& x : s.inputs) in.push_back(!x ? View() : x.constant ? x.constant->view() : View(x.dtype, x.shape, nullptr));
    in[0] = in[0].permuted(places);
    const View out = View(s.outputs[0].dtype, s.outputs[0].shape, nullptr).permuted(places);
    const auto axes = resample_axes({*s.node, in, {&out, 1}});
    const auto settings = ResampleSettings::of(s.attributes());
    std::vector<std::vector<Samples>> samples(static_cast<std::size_t>(places.size()));
    for (int a = 0; a < places.size(); ++a)
        for (std::int64_t i = 0; i < out.shape[a]; ++i) samples[static_cast<std::size_t>(places[a])].emplace_back(settings, axes[static_cast<std::size_t>(a)], i);
    return samples;
}

bool stays(const std::vector<Samples>& axis, std::int64_t extent) {
    for (std::size_t i = 0; i < axis.size(); ++i)
        if (axis[i].count() != 1 || std::cmp_not_equal(axis[i].element(0), i)) return false;
    return std::cmp_equal(axis.size(), extent);
}

}  // namespace tercet
