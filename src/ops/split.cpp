// SPDX-License-Identifier: Apache-2.0
// The inverse of Concat: output k has the elements of x from first(k) on along `axis`, as many as input `split` says, or
// ceil(extent/n) of n outputs, the last one fewer if that is not even.
#include "ops/extents.h"
#include "ops/moves.h"
#include "ops/require.h"

#include <fmt/format.h>

#include <algorithm>

namespace tercet {
namespace {

// A single part that only the run tells is what the others leave.
void close_parts(Inference& c, std::vector<Dim>& parts, const Dim& extent) {
    const bool follows = std::ranges::count_if(parts, is_open) == 1;
    if (follows) c.examine_when_run();
    Dim left = extent;
    for (const Dim& p : parts)
        if (!is_open(p)) left = left - p;
    for (std::size_t k = 0; k < parts.size(); ++k)
        if (is_open(parts[k])) parts[k] = follows ? left : c.unknown(fmt::format("part{}", k), extent);
}

void infer(Inference& c) {
    refuse_old_attribute(c, "split");
    const auto axis = static_cast<std::size_t>(checked_axis(c.attributes().integer("axis", 0), c.rank(0)));
    const Dim& extent = c.shape(0)[axis];
    const auto outputs = static_cast<std::int64_t>(c.out.size());
    const std::int64_t n = c.attributes().integer("num_outputs", outputs);
    std::vector<Dim> parts;
    if (c.has(1)) {
        if (c.attributes().has("num_outputs"))
            throw Error({.what = "has both 'num_outputs' and the input 'split'", .fix = "check the model with onnx.checker"});
        parts = sizes(c, 1, "the sizes of the parts", c.out.size());
        close_parts(c, parts, extent);
        Dim sum = 0;
        for (const Dim& p : parts) {
            if (const auto s = p.constant(); s && *s < 0)
                throw Error({.what = fmt::format("a part of {} elements", *s),
                             .fix = "compare 'split' with the input's shape"});
            sum = sum + p;
        }
        if (sum != extent && (sum - extent).is_constant())
            throw Error({.what = fmt::format("the parts [{}] have {} elements together, the axis has {}", text_of(parts), sum.text(), extent.text()),
                         .fix = "compare 'split' with the input's shape"});
    } else if (n == outputs) {
        const Dim each = ceil_div(extent, n);
        parts.assign(c.out.size(), each);
        parts.back() = extent - each * Dim(n - 1);
        if (const auto last = parts.back().constant(); last && *last < 0)
            throw Error({.what = fmt::format("{} elements cannot be split in {} parts of {}", extent.text(), n, each.text()),
                         .fix = "give the sizes of the parts"});
    }
    if (parts.size() != c.out.size())
        throw Error({.what = fmt::format("is split in {} parts, has {} outputs", c.has(1) ? static_cast<std::int64_t>(parts.size()) : n, outputs),
                     .fix = "check the model with onnx.checker"});
    const auto content = small_content(c, 0);
    std::int64_t first = 0;
    for (std::size_t k = 0; k < parts.size(); ++k) {
        Shape y = c.shape(0);
        y[axis] = parts[k];
        give(c, k, c.dtype(0), y);
        if (!content || c.rank(0) != 1) continue;
        const auto size = parts[k].constant();
        if (!size) break;
        note_content(c, k, std::vector<Dim>(content->begin() + first, content->begin() + first + *size));
        first += *size;
    }
}

void reference(const Call& call) {
    const View& x = call.in[0];
    const int axis = checked_axis(call.attributes().integer("axis", 0), x.rank());
    const auto n = static_cast<std::int64_t>(call.out.size());
    const std::int64_t extent = x.shape[axis], each = (extent + n - 1) / n;
    std::int64_t first = 0;
    for (std::size_t k = 0; k < call.out.size(); ++k) {
        const auto i = static_cast<std::int64_t>(k);
        const std::int64_t claimed = call.has(1) && i < call.in[1].count() ? call.in[1].get_int_at(i) : each;
        const std::int64_t size = std::clamp<std::int64_t>(claimed, 0, extent - first);
        if (call.wants(k)) {
            View part = x;
            part.shape[axis] = size;
            part.data = x.address(first * x.strides[axis]);
            require_at_run(part.shape == call.out[k].shape, "the parts do not add up to the input");
            copy_view(part, call.out[k]);
        }
        first += size;
    }
}

// The sizes of the parts could be an input, of the data's type. The axis had no default that all agreed on.
void upgrade_2(Graph& g, NodeId id) {
    if (!g.node(id).attributes.has("axis"))
        throw Error({.what = "has no axis, which operator set 1 leaves open", .fix = "export it with operator set 2 or newer"});
    const ValueId parts = g.input(id, 1);
    if (parts == ValueId::none) return;
    const Tensor* known = g.constant(parts);
    if (!known || known->shape().size() != 1)
        throw Error({.what = "unsupported: the sizes of the parts (input 1) are computed while the model runs",
                     .fix = "make them a constant in the export"});
    g.set_input(id, 1, g.add_constant(g.value(parts).name, Tensor::ints(known->to_ints())));
}

void upgrade_13(Graph& g, NodeId id) { attribute_to_input(g, id, "split", 1); }

void upgrade_18(Graph& g, NodeId id) {
    if (g.input(id, 1) == ValueId::none) g.attributes(id).set("num_outputs", static_cast<std::int64_t>(g.node(id).outputs.size()));
}

const RegisteredOp split{{.name = "Split", .versions = {{1}, {2, upgrade_2}, {11}, {13, upgrade_13}, {18, upgrade_18}}, .inputs = {1, 2}, .outputs = {1, unlimited},
                          .attributes = {{"axis", AttributeKind::integer}, {"num_outputs", AttributeKind::integer}, {"split", AttributeKind::integers}},
                          .infer = infer, .reference = reference}};

}  // namespace
}  // namespace tercet
