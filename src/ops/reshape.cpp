// SPDX-License-Identifier: Apache-2.0
// Reshape, Squeeze, Unsqueeze: y has x's elements in their order, under another shape.
//
// Reshape's target may hold one -1, the extent that makes the counts equal, and 0: x's extent there (unless allowzero).
// Squeeze leaves out axes of extent 1, Unsqueeze adds some; its axes are those of y.
#include "ops/extents.h"
#include "ops/moves.h"
#include "ops/old_forms.h"
#include "ops/require.h"

#include <fmt/format.h>

#include <algorithm>

namespace tercet {
namespace {

void reference(const Call& call) {
    require_at_run(call.in[0].count() == call.out[0].count(), "the input has another number of elements than its new shape");
    copy_elements(call);
}

// Makes those extents of y unknown: of x's elements, what the others leave is the most for the first, what that leaves for the next.
// (Where x has none, an extent beside one of 0 may be any: there is nothing to make room for.)
void bound_by_count(Inference& c, Shape& y, const std::vector<bool>& unknown) {
    Dim known = 1;
    for (std::size_t i = 0; i < y.size(); ++i)
        if (!unknown[i]) known = known * y[i];
    Dim most = floor_div(product(c.shape(0)), greater(known, Dim(1)));
    for (std::size_t i = 0; i < y.size(); ++i) {
        if (!unknown[i]) continue;
        y[i] = c.unknown(axis_name(i), most);
        most = floor_div(most, greater(y[i], Dim(1)));
    }
}

// The same for a y of that rank, whose axes only the run tells.
void give_any(Inference& c, std::int64_t rank) {
    if (rank < 0) throw Error({.what = fmt::format("as many axes as {} for a value of rank {}", text_of(c.in[1].type), c.rank(0)), .fix = "compare the axes with the input's shape"});
    if (rank > max_rank)
        throw Error({.what = fmt::format("unsupported: the output has rank {}, at most {} is supported", rank, max_rank),
                     .fix = "reshape it in the export"});
    Shape y(static_cast<std::size_t>(rank), Dim(1));
    bound_by_count(c, y, std::vector<bool>(y.size(), true));
    if (y.empty()) c.examine_when_run();
    give(c, 0, c.dtype(0), y);
}

[[noreturn]] void misfit(const Shape& x, const std::vector<Dim>& target) {
    throw Error({.what = fmt::format("[{}] cannot be reshaped to [{}]", text_of(x), text_of(target)),
                 .fix = "the numbers of elements must be equal"});
}

void infer_reshape(Inference& c) {
    refuse_old_attribute(c, "shape");
    const std::vector<Dim> target = sizes(c, 1, "the target shape");
    const Shape& x = c.shape(0);
    const bool zero_copies = c.attributes().integer("allowzero", 0) == 0;
    if (target.size() > static_cast<std::size_t>(max_rank))
        throw Error({.what = fmt::format("unsupported: the target shape has rank {}, at most {} is supported", target.size(), max_rank),
                     .fix = "reshape it in the export"});
    const auto computed = std::ranges::count_if(target, is_open);
    const bool follows = computed == 1 && std::ranges::find(target, Dim(-1)) == target.end();  // from the others, as that of -1
    Shape y;
    Dim left = 1, right = 1;  // products of the extents that are not copied from x to the same place of y
    std::optional<std::size_t> open;
    bool copies_nothing = false;  // an extent of 0 is copied: the count is 0, whatever the others are
    for (std::size_t i = 0; i < target.size(); ++i) {
        const auto d = target[i].constant();
        if (d && *d < -1)
            throw Error({.what = fmt::format("extent {} in the target shape [{}]", *d, text_of(target)),
                         .fix = "only -1 may be negative"});
        if (d == -1 || (follows && is_open(target[i]))) {
            if (open)
                throw Error({.what = fmt::format("several -1 in the target shape [{}]", text_of(target)),
                             .fix = "one extent at most follows from the others"});
            open = i;
            y.emplace_back(1);
            if (i < x.size()) left = left * x[i];
        } else if (d == 0 && zero_copies) {
            if (i >= x.size())
                throw Error({.what = fmt::format("0 in the target shape [{}] at axis {} of a value of rank {}", text_of(target), i, x.size()),
                             .fix = "0 takes over the input's extent of that axis"});
            y.push_back(x[i]);
            copies_nothing = copies_nothing || x[i] == Dim(0);
        } else {
            y.push_back(target[i]);
            right = right * target[i];
            if (i < x.size()) left = left * x[i];
        }
    }
    for (std::size_t i = target.size(); i < x.size(); ++i) left = left * x[i];
    if (computed > 1 || (computed == 1 && !follows) || (follows && right == Dim(0))) {
        std::vector<bool> unknown;
        for (std::size_t i = 0; i < target.size(); ++i) unknown.push_back(target[i] == Dim(-1) || is_open(target[i]));
        bound_by_count(c, y, unknown);
    } else if (open) {
        if (right == Dim(0))
            throw Error({.what = fmt::format("-1 beside an extent of 0 in the target shape [{}]", text_of(target)),
                         .fix = "write the extent itself"});
        y[*open] = floor_div(left, right);
        if (follows) c.examine_when_run();
        if (!copies_nothing && left.is_constant() && right.is_constant() && y[*open] * right != left) misfit(x, target);
    } else if (!copies_nothing && left != right && (left - right).is_constant()) {
        misfit(x, target);
    }
    give(c, 0, c.dtype(0), y);
    pass_content(c);
}

std::vector<bool> marked_axes(const std::vector<std::int64_t>& axes, int rank) {
    std::vector<bool> marked(static_cast<std::size_t>(rank));
    for (std::int64_t a : axes) {
        const auto i = static_cast<std::size_t>(checked_axis(a, rank));
        if (marked[i]) throw Error({.what = fmt::format("axis {} stands twice in the axes", a), .fix = "name each axis once"});
        marked[i] = true;
    }
    return marked;
}

// Empty where only the run tells them, of which there are so many. Error if not even that is known.
std::optional<std::vector<std::int64_t>> given_axes(const Inference& c, std::int64_t& count) {
    count = static_cast<std::int64_t>(sizes(c, 1, "the axes").size());
    return c.numbers(1);
}

void infer_squeeze(Inference& c) {
    refuse_old_attribute(c, "axes");
    const Shape& x = c.shape(0);
    Shape y;
    if (c.has(1)) {
        std::int64_t count = 0;
        const auto axes = given_axes(c, count);
        if (!axes) return give_any(c, c.rank(0) - count);
        const std::vector<bool> gone = marked_axes(*axes, c.rank(0));
        for (std::size_t i = 0; i < x.size(); ++i) {
            if (!gone[i]) y.push_back(x[i]);
            else if (x[i] != Dim(1))
                throw Error({.what = fmt::format("axis {} of [{}] is not 1 and cannot be squeezed", i, text_of(x)),
                             .fix = x[i].is_constant() ? "compare the axes with the input's shape" : "fix that size of the model's input"});
        }
    } else {
        for (const Dim& d : x) {
            if (!d.is_constant())
                throw Error({.what = fmt::format("unsupported: without axes, the rank of [{}] squeezed depends on {}", text_of(x), d.text()),
                             .fix = "give the axes, or fix that size of the model's input"});
            if (d != Dim(1)) y.push_back(d);
        }
    }
    give(c, 0, c.dtype(0), y);
    pass_content(c);
}

void infer_unsqueeze(Inference& c) {
    refuse_old_attribute(c, "axes");
    std::int64_t count = 0;
    const auto axes = given_axes(c, count);
    if (!axes) return give_any(c, c.rank(0) + count);
    const std::size_t rank = c.shape(0).size() + axes->size();
    if (rank > static_cast<std::size_t>(max_rank))
        throw Error({.what = fmt::format("unsupported: the output has rank {}, at most {} is supported", rank, max_rank),
                     .fix = "reshape it in the export"});
    const std::vector<bool> added = marked_axes(*axes, static_cast<int>(rank));
    Shape y;
    auto next = c.shape(0).begin();
    for (std::size_t i = 0; i < rank; ++i) y.push_back(added[i] ? Dim(1) : *next++);
    give(c, 0, c.dtype(0), y);
    pass_content(c);
}

void shape_to_input(Graph& g, NodeId id) {
    drop_consumed_inputs(g, id);
    attribute_to_input(g, id, "shape", 1);
}

void axes_to_input(Graph& g, NodeId id) { attribute_to_input(g, id, "axes", 1); }

const RegisteredOp reshape{{.name = "Reshape", .versions = {{1}, {5, shape_to_input}, {13}, {14}, {19}, {21}, {23}, {24}, {25}}, .inputs = {2, 2},
                            .attributes = {{"allowzero", AttributeKind::integer}, {"shape", AttributeKind::integers}},
                            .infer = infer_reshape, .reference = reference, .pure_view = true}};
const RegisteredOp squeeze{{.name = "Squeeze", .versions = {{1}, {11}, {13, axes_to_input}, {21}, {23}, {24}, {25}}, .inputs = {1, 2},
                            .attributes = {{"axes", AttributeKind::integers}}, .infer = infer_squeeze, .reference = reference, .pure_view = true}};
const RegisteredOp unsqueeze{{.name = "Unsqueeze", .versions = {{1}, {11}, {13, axes_to_input}, {21}, {23}, {24}, {25}}, .inputs = {2, 2},
                              .attributes = {{"axes", AttributeKind::integers}}, .infer = infer_unsqueeze, .reference = reference, .pure_view = true}};

}  // namespace
}  // namespace tercet
