// SPDX-License-Identifier: Apache-2.0
// Output 0: the k greatest elements along `axis` (the k least if `largest` is 0); output 1: their places, i64. Among equals the
// lower place comes first. A NaN counts as greater than all numbers. They are sorted whatever `sorted` says: without it any
// order will do.
#include "ops/elementwise.h"
#include "ops/extents.h"

#include <fmt/format.h>

#include <algorithm>

namespace tercet {
namespace {

void infer(Inference& c) {
    check_dtype(c, 0, is_number);
    refuse_old_attribute(c, "k");
    const auto axis = static_cast<std::size_t>(checked_axis(c.attributes().integer("axis", -1), c.rank(0)));
    Shape y = c.shape(0);
    const Dim n = y[axis];
    const auto count = product(c.shape(1)).constant();
    if (c.dtype(1) != DType::i64 || c.rank(1) > 1 || (count && *count != 1))
        throw Error({.what = fmt::format("k (input 1) is of type {}", text_of(c.in[1].type)), .fix = "it must be one i64"});
    const auto given = c.content(1);
    y[axis] = given && !given->empty() && !is_open(given->front()) ? given->front() : c.unknown("k", n);
    const auto k = y[axis].constant();
    if ((k && *k < 0) || ((n - y[axis]).is_constant() && *(n - y[axis]).constant() < 0))
        throw Error({.what = fmt::format("the first {} of {} elements", y[axis].text(), n.text()), .fix = "k must lie in [0, elements along the axis]"});
    give(c, 0, c.dtype(0), y);
    give(c, 1, DType::i64, y);
}

// The places along one line of x, to be put in order.
std::size_t scratch_bytes(const Call& call) {
    return static_cast<std::size_t>(call.in[0].shape[checked_axis(call.attributes().integer("axis", -1), call.in[0].rank())]) * sizeof(std::int64_t);
}

void reference(const Call& call) {
    const View &x = call.in[0], &y = call.out[0];
    const int axis = checked_axis(call.attributes().integer("axis", -1), x.rank());
    const bool largest = call.attributes().integer("largest", 1) != 0;
    const std::int64_t n = x.shape[axis], k = y.shape[axis], step = x.strides[axis];
    require_at_run(k <= n, "k is greater than the number of elements along the axis");
    auto* const places = reinterpret_cast<std::int64_t*>(call.scratch.data());
    Dims lines = x.shape;
    lines[axis] = 1;
    with_type(x.dtype, [&]<class T>(TypeTag<T>) {
        for (const Dims& line : indices(lines)) {
            const std::int64_t start = x.offset(line), to = y.offset(line);
            const auto greater = [](Wide<T> a, Wide<T> b) { return a != a ? b == b : a > b; };
            const auto before = [&](std::int64_t i, std::int64_t j) {
                const auto a = load_at<T>(x, start + i * step), b = load_at<T>(x, start + j * step);
                if (greater(a, b)) return largest;
                if (greater(b, a)) return !largest;
                return i < j;
            };
            for (std::int64_t i = 0; i < n; ++i) places[i] = i;
            std::partial_sort(places, places + k, places + n, before);
            for (std::int64_t i = 0; i < k; ++i) {
                store<T>(y.address(to + i * y.strides[axis]), load<T>(x.address(start + places[i] * step)));
                if (call.wants(1)) call.out[1].set_int_at(to + i * y.strides[axis], places[i]);
            }
        }
    });
}

// k was an attribute before operator set 10.
void k_to_input(Graph& g, NodeId id) {
    if (!g.node(id).attributes.has("k")) return;
    const std::int64_t k[] = {g.node(id).attributes.integer("k", 0)};
    g.attributes(id).erase("k");
    g.set_input(id, 1, g.add_constant(fmt::format("{}_k", g.label(id)), Tensor::ints(k)));
}

const RegisteredOp top_k{{.name = "TopK", .versions = {{1}, {10, k_to_input}, {11}, {24}}, .inputs = {2, 2}, .outputs = {1, 2},
                          .attributes = {{"axis", AttributeKind::integer}, {"k", AttributeKind::integer}, {"largest", AttributeKind::integer},
                                         {"sorted", AttributeKind::integer}},
                          .infer = infer, .reference = reference, .scratch_bytes = scratch_bytes}};

}  // namespace
}  // namespace tercet
