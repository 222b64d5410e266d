// SPDX-License-Identifier: Apache-2.0
// y[i] = x[i + offset] in the shape asked for, 0 where x has no element; on each axis named, offset = floor((in - out)/2) where it
// is cut, -floor((out - in)/2) where it is padded: the odd element goes, or comes, at the end.
#include "ops/extents.h"
#include "ops/moves.h"

#include <fmt/format.h>

#include <vector>

namespace tercet {
namespace {

void infer(Inference& c) {
    std::vector<std::int64_t> axes;
    for (std::int64_t axis : c.attributes().integers("axes")) axes.push_back(checked_axis(axis, c.rank(0)));
    if (!c.attributes().has("axes"))
        for (int i = 0; i < c.rank(0); ++i) axes.push_back(i);
    const std::vector<Dim> target = sizes(c, 1, "the shape", axes.size());
    if (axes.size() != target.size())
        throw Error({.what = fmt::format("a shape of {} extents for {} axes", target.size(), axes.size()), .fix = "there must be as many of each"});
    Shape y = c.shape(0);
    std::vector<bool> seen(y.size());
    for (std::size_t i = 0; i < axes.size(); ++i) {
        const auto axis = static_cast<std::size_t>(axes[i]);
        if (seen[axis]) throw Error({.what = fmt::format("axis {} stands twice in the axes", axis), .fix = "name each axis once"});
        seen[axis] = true;
        y[axis] = target[i];
    }
    give(c, 0, c.dtype(0), std::move(y));
}

void reference(const Call& call) {
    View x = call.in[0], y = call.out[0];
    if (y.count() == 0) return;
    std::memset(y.data, 0, static_cast<std::size_t>(y.count()) * y.element_bytes());
    std::int64_t from = 0, to = 0;
    for (int i = 0; i < y.rank(); ++i) {
        const std::int64_t in = x.shape[i], out = y.shape[i];
        if (in > out) from += (in - out) / 2 * x.strides[i];
        else to += (out - in) / 2 * y.strides[i];
        x.shape[i] = y.shape[i] = std::min(in, out);
    }
    if (x.count() == 0) return;
    x.data = x.address(from);
    y.data = y.address(to);
    copy_view(x, y);
}

const RegisteredOp center_crop_pad{{.name = "CenterCropPad", .versions = {{18}}, .inputs = {2, 2}, .attributes = {{"axes", AttributeKind::integers}},
                                    .infer = infer, .reference = reference}};

}  // namespace
}  // namespace tercet
