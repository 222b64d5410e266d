// SPDX-License-Identifier: Apache-2.0
// The different slices of x along `axis` (its different elements, as a line, without it): ascending, the first axis of a slice
// deciding before the later ones, or with sorted = 0 as they first come. Outputs: the slices; the place at which each first
// stands in x; for each slice of x, its place among them; how often each stands in x. All NaNs are one value, above the others.
#include "ops/extents.h"
#include "ops/slices.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace tercet {
namespace {

// In the scratch memory: what was found, by slice of x or by different slice.
struct Found {
    std::span<std::int64_t> order, group, first, times;
    Found(std::span<std::byte> scratch, std::int64_t n) {
        auto* at = reinterpret_cast<std::int64_t*>(scratch.data());
        for (auto* part : {&order, &group, &first, &times}) *part = {at, static_cast<std::size_t>(n)}, at += n;
    }
};

std::size_t scratch_bytes(const Call& call) { return static_cast<std::size_t>(Slices(call.attributes(), call.in[0].shape).n) * 4 * sizeof(std::int64_t); }

template <class T>
int compare(T a, T b) {
    if constexpr (!std::is_integral_v<T>) {
        const auto x = static_cast<double>(a), y = static_cast<double>(b);
        if (x != x || y != y) return static_cast<int>(x != x) - static_cast<int>(y != y);
        return x < y ? -1 : x > y;
    } else {
        return a < b ? -1 : a > b;
    }
}

template <class T>
int compare_slices(const View& x, const Slices& s, std::int64_t i, std::int64_t j) {
    for (std::int64_t b = 0; b < s.before; ++b)
        for (std::int64_t k = 0; k < s.block; ++k)
            if (const int c = compare(load<T>(x.address((b * s.n + i) * s.block + k)), load<T>(x.address((b * s.n + j) * s.block + k)))) return c;
    return 0;
}

void measure(const Call& call, std::span<std::int64_t> extents) {
    const View& x = call.in[0];
    const Slices s(call.attributes(), x.shape);
    const Found f(call.scratch, s.n);
    std::int64_t groups = 0;
    with_type(x.dtype, [&]<class T>(TypeTag<T>) {
        std::iota(f.order.begin(), f.order.end(), 0);
        std::sort(f.order.begin(), f.order.end(), [&](std::int64_t i, std::int64_t j) {
            const int c = compare_slices<T>(x, s, i, j);
            return c != 0 ? c < 0 : i < j;
        });
        for (std::int64_t k = 0; k < s.n; ++k) {
            const auto i = f.order[static_cast<std::size_t>(k)];
            if (k == 0 || compare_slices<T>(x, s, f.order[static_cast<std::size_t>(k - 1)], i) != 0) {
                f.first[static_cast<std::size_t>(groups)] = i;
                f.times[static_cast<std::size_t>(groups++)] = 0;
            }
            f.group[static_cast<std::size_t>(i)] = groups - 1;
            ++f.times[static_cast<std::size_t>(groups - 1)];
        }
    });
    if (!extents.empty()) extents[0] = groups;
}

void reference(const Call& call) {
    const View &x = call.in[0], &y = call.out[0];
    const Slices s(call.attributes(), x.shape);
    const Found f(call.scratch, s.n);
    const std::int64_t groups = call.attributes().has("axis") ? y.shape[checked_axis(call.attributes().integer("axis", 0), x.rank())] : y.count();
    // Where each group comes to stand; `order` has served.
    const auto rank = f.order.first(static_cast<std::size_t>(groups));
    std::iota(rank.begin(), rank.end(), 0);
    if (call.attributes().integer("sorted", 1) == 0) {
        std::int64_t next = 0;
        for (std::int64_t i = 0; i < s.n; ++i)
            if (const auto g = static_cast<std::size_t>(f.group[static_cast<std::size_t>(i)]); f.first[g] == i) rank[g] = next++;
    }
    const std::size_t bytes = static_cast<std::size_t>(s.block) * x.element_bytes();
    for (std::int64_t g = 0; g < groups; ++g) {
        const std::int64_t to = rank[static_cast<std::size_t>(g)], from = f.first[static_cast<std::size_t>(g)];
        for (std::int64_t b = 0; b < s.before && bytes > 0; ++b) std::memcpy(y.address((b * groups + to) * s.block), x.address((b * s.n + from) * s.block), bytes);
        if (call.wants(1)) call.out[1].set_int_at(to, from);
        if (call.wants(3)) call.out[3].set_int_at(to, f.times[static_cast<std::size_t>(g)]);
    }
    for (std::int64_t i = 0; call.wants(2) && i < s.n; ++i) call.out[2].set_int_at(i, rank[static_cast<std::size_t>(f.group[static_cast<std::size_t>(i)])]);
}

void infer(Inference& c) {
    if (!computes(c.dtype(0))) throw Error({.what = fmt::format("unsupported: elements of type {}", name_of(c.dtype(0))), .fix = "cast them before"});
    const bool flat = !c.attributes().has("axis");
    const auto axis = flat ? 0 : static_cast<std::size_t>(checked_axis(c.attributes().integer("axis", 0), c.rank(0)));
    Shape y = flat ? Shape{product(c.shape(0))} : c.shape(0);
    const Dim n = y[axis];
    const Dim different = n == Dim(0) ? Dim(0) : c.unknown("different", n);
    y[axis] = different;
    give(c, 0, c.dtype(0), y);
    give(c, 1, DType::i64, {different});
    give(c, 2, DType::i64, {n});
    give(c, 3, DType::i64, {different});
}

const RegisteredOp unique{{.name = "Unique", .versions = {{11}}, .outputs = {1, 4}, .attributes = {{"axis", AttributeKind::integer}, {"sorted", AttributeKind::integer}},
                           .infer = infer, .reference = reference, .scratch_bytes = scratch_bytes, .measure = measure}};

}  // namespace
}  // namespace tercet
