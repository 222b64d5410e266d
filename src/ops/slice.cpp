// SPDX-License-Identifier: Apache-2.0
// y[.., i, ..] = x[.., start + i*step, ..] on each axis named, from start up to end (exclusive). Both count from the end if
// negative and are clamped to what exists: for step > 0 to [0, n], for step < 0 start to [0, n-1] and end to [-1, n-1].
//
// Extents are exact for symbolic n, too. A constant bound c clamps to min(c, n), or n - min(-c, n) from the end; the second
// rather than max(n + c, 0), so that x[:c] and x[c:] have n elements together, as in a roll by Slice and Concat.
#include "ops/extents.h"
#include "ops/moves.h"
#include "ops/require.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace tercet {
namespace {

constexpr std::int64_t endless = std::numeric_limits<std::int32_t>::max();  // exporters write "up to the end" as this or more

// min(c, n), c >= 0
Dim at_most(std::int64_t c, const Dim& n) { return c >= endless && !n.is_constant() ? n : lesser(Dim(c), n); }

std::int64_t negated(std::int64_t c) { return c == INT64_MIN ? INT64_MAX : -c; }

Dim mirrored(const Dim& bound) {  // -1 - bound, for the smallest integer, too
    const auto c = bound.constant();
    return c ? Dim(~*c) : Dim(-1) - bound;
}

Dim clamped(const Dim& bound, const Dim& n) {
    if (const auto c = bound.constant()) return *c >= 0 ? at_most(*c, n) : n - at_most(negated(*c), n);
    if (at_least(mirrored(bound), 0, 1)) return n - lesser(Dim(0) - bound, n);
    return lesser(bound, n);  // a symbolic bound counts from the start, unless it is surely negative
}

// The number of elements from start up to end on an axis of n, step 1. `reversed`: start cannot lie behind the last element.
Dim length(const Dim& start, const Dim& end, const Dim& n, bool reversed) {
    Dim s = clamped(start, n);
    const Dim e = clamped(end, n);
    const auto a = start.constant(), b = end.constant();
    if (reversed && start != Dim(0) && !(a && *a < 0)) {
        s = lesser(s, n - at_most(1, n));
    } else if (a && b && !n.is_constant()) {  // where max(e - s, 0) can be told from the signs
        if ((*a >= 0) == (*b >= 0)) return *a < *b ? e - s : Dim(0);
        std::int64_t cut = 0;
        if (*a >= 0) return __builtin_sub_overflow(*a, *b, &cut) ? Dim(0) : n - at_most(cut, n);
    }
    if (e == n) return n - s;
    if (s == Dim(0)) return e;
    return greater(e - s, Dim(0));
}

Dim extent_of(Dim start, Dim end, std::int64_t step, const Dim& n) {
    if (step < 0) {  // seen from the end, element i is at -1 - i, and the step is positive
        start = mirrored(start);
        end = mirrored(end);
    }
    const Dim all = length(start, end, n, step < 0);
    const std::int64_t by = step == INT64_MIN ? INT64_MAX : std::abs(step);
    if (const auto count = all.constant()) return *count == 0 ? 0 : (*count - 1) / by + 1;
    return by == 1 ? all : ceil_div(all, Dim(std::min(by, endless)));
}

void infer(Inference& c) {
    for (const char* old : {"starts", "ends", "axes"}) refuse_old_attribute(c, old);
    Shape y = c.shape(0);
    const auto named = c.has(3) ? c.content(3) : std::nullopt;
    const std::size_t most = named ? named->size() : y.size();  // of axes
    const std::vector<Dim> starts = sizes(c, 1, "the starts", most), ends = sizes(c, 2, "the ends", most);
    const std::size_t count = starts.size();
    std::vector<Dim> axes, steps(count, 1);
    for (std::size_t i = 0; i < count; ++i) axes.emplace_back(static_cast<std::int64_t>(i));
    if (c.has(3)) axes = sizes(c, 3, "the axes", count);
    if (c.has(4)) steps = sizes(c, 4, "the steps", count);
    if (ends.size() != count || axes.size() != count || steps.size() != count)
        throw Error({.what = fmt::format("has {} starts, {} ends, {} axes and {} steps", count, ends.size(), axes.size(), steps.size()),
                     .fix = "there must be as many of each"});
    if (!std::ranges::all_of(axes, &Dim::is_constant)) {  // any axis may be cut
        for (std::size_t i = 0; i < y.size(); ++i) y[i] = c.unknown(axis_name(i), y[i]);
        return give(c, 0, c.dtype(0), y);
    }
    std::vector<bool> seen(y.size());
    for (std::size_t i = 0; i < count; ++i) {
        const auto axis = static_cast<std::size_t>(checked_axis(*axes[i].constant(), c.rank(0)));
        if (seen[axis])
            throw Error({.what = fmt::format("axis {} stands twice in the axes", axes[i].text()),
                         .fix = "name each axis once"});
        if (steps[i] == Dim(0))
            throw Error({.what = fmt::format("the step on axis {} is 0", axes[i].text()),
                         .fix = "it must be positive or negative"});
        seen[axis] = true;
        const Dim& n = c.shape(0)[axis];
        const auto step = steps[i].constant();
        y[axis] = step ? extent_of(starts[i], ends[i], *step, n) : c.unknown(axis_name(axis), n);
        if (is_open(y[axis])) y[axis] = c.unknown(axis_name(axis), n);
    }
    give(c, 0, c.dtype(0), y);

    const auto content = small_content(c, 0);
    if (!content || c.rank(0) != 1 || !y[0].is_constant()) return;
    if (count == 0) return note_content(c, 0, content);
    const auto start = starts[0].constant(), step = steps[0].constant();
    if (!start || !step) return;
    const auto n = static_cast<std::int64_t>(content->size());
    std::vector<Dim> picked;
    std::int64_t at = *start >= 0 ? *start : n - std::min(negated(*start), n);
    at = std::min(at, *step < 0 ? n - 1 : n);
    for (std::int64_t k = *y[0].constant(); k > 0; --k) {
        picked.push_back((*content)[static_cast<std::size_t>(at)]);
        if (k > 1) at += *step;
    }
    note_content(c, 0, std::move(picked));
}

void reference(const Call& call) {
    View from = call.in[0];
    const View& y = call.out[0];
    if (y.count() == 0) return;
    std::int64_t first = 0;
    for (std::int64_t i = 0; i < call.in[1].count(); ++i) {
        const int axis = checked_axis(call.has(3) ? call.in[3].get_int_at(i) : i, from.rank());
        const std::int64_t n = from.shape[axis], count = y.shape[axis], start = call.in[1].get_int_at(i);
        const std::int64_t step = std::max<std::int64_t>(call.has(4) ? call.in[4].get_int_at(i) : 1, -INT64_MAX);
        const std::int64_t at = std::clamp<std::int64_t>(start < 0 ? start + n : start, 0, step < 0 ? n - 1 : n);
        const std::int64_t room = step < 0 ? at : n - 1 - at;  // elements that follow
        require_at_run(step != 0 && room >= 0 && count - 1 <= room / std::abs(step), "the slice has fewer elements than its symbolic bounds promise");
        first += at * from.strides[axis];
        if (count > 1) from.strides[axis] *= step;
    }
    from.data = call.in[0].address(first);
    copy_view(from, y);
}

void upgrade_10(Graph& g, NodeId id) {
    attribute_to_input(g, id, "starts", 1);
    attribute_to_input(g, id, "ends", 2);
    attribute_to_input(g, id, "axes", 3);
}

const RegisteredOp slice{{.name = "Slice", .versions = {{1}, {10, upgrade_10}, {11}, {13}}, .inputs = {3, 5},
                          .attributes = {{"axes", AttributeKind::integers}, {"ends", AttributeKind::integers}, {"starts", AttributeKind::integers}},
                          .infer = infer, .reference = reference}};

}  // namespace
}  // namespace tercet
