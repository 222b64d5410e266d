// SPDX-License-Identifier: Apache-2.0
// y = x, but with y[at] = f(y[at], update) for each update in row-major order, f being `reduction` (none: the update itself):
//   ScatterElements  at = i with index[i] at `axis`, update = updates[i]; Scatter is its first name
//   ScatterND        at = index[k..][0], index[k..][1], .., and all that follows; update = updates[k..]
//
// Indices count from the end if negative. One that lies outside at run writes to the nearest element that exists.
#include "ops/extents.h"
#include "ops/moves.h"
#include "ops/require.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace tercet {
namespace {

enum class Reduction { none, add, mul, min, max, unknown };

Reduction reduction_of(const Attributes& a) {
    const std::string_view name = a.text("reduction", "none");
    return name == "none" ? Reduction::none : name == "add" ? Reduction::add : name == "mul" ? Reduction::mul
         : name == "min"  ? Reduction::min  : name == "max" ? Reduction::max : Reduction::unknown;
}

void check(const Inference& c) {
    if (c.dtype(1) != DType::i32 && c.dtype(1) != DType::i64)
        throw Error({.what = fmt::format("the indices (input 1) are of type {}, should be i64 or i32", name_of(c.dtype(1))),
                     .fix = "check the model with onnx.checker"});
    if (c.dtype(2) != c.dtype(0))
        throw Error({.what = fmt::format("data is of type {}, updates are of type {}", name_of(c.dtype(0)), name_of(c.dtype(2))),
                     .fix = "they must be of one type"});
    const Reduction f = reduction_of(c.attributes());
    if (f == Reduction::unknown)
        throw Error({.what = fmt::format("unknown reduction '{}'", c.attributes().text("reduction", "")),
                     .fix = "none, add, mul, min and max exist"});
    if (f != Reduction::none && !computes(c.dtype(0)))
        throw Error({.what = fmt::format("unsupported: reduction of elements of type {}", name_of(c.dtype(0))),
                     .fix = "cast them before"});
}

template <class T>
T reduce(Reduction f, T a, T b) {  // integers wrap; NaN wins
    if constexpr (std::is_integral_v<T>) {
        const auto x = static_cast<std::uint64_t>(a), y = static_cast<std::uint64_t>(b);
        switch (f) {
            case Reduction::add: return static_cast<T>(x + y);
            case Reduction::mul: return static_cast<T>(x * y);
            case Reduction::min: return std::min(a, b);
            case Reduction::max: return std::max(a, b);
            default: return b;
        }
    } else {
        const auto x = static_cast<double>(a), y = static_cast<double>(b);
        switch (f) {
            case Reduction::add: return static_cast<T>(x + y);
            case Reduction::mul: return static_cast<T>(x * y);
            case Reduction::min: return std::isnan(x) || x < y ? a : b;
            case Reduction::max: return std::isnan(x) || x > y ? a : b;
            default: return b;
        }
    }
}

// y[at], y[at + 1], .. with `count` updates
void update(Reduction f, const View& y, std::int64_t at, const View& updates, std::int64_t from, std::int64_t count) {
    if (f == Reduction::none) {
        std::memcpy(y.address(at), updates.address(from), static_cast<std::size_t>(count) * y.element_bytes());
        return;
    }
    with_type(y.dtype, [&]<class T>(TypeTag<T>) {
        for (std::int64_t i = 0; i < count; ++i) {
            T v = reduce(f, load<T>(y.address(at + i)), load<T>(updates.address(from + i)));
            if constexpr (std::is_same_v<T, std::uint8_t>)
                if (y.dtype == DType::boolean) v = v != 0;
            store(y.address(at + i), v);
        }
    });
}

void infer_elements(Inference& c) {
    check(c);
    const int axis = checked_axis(c.attributes().integer("axis", 0), c.rank(0));
    const Shape &x = c.shape(0), &index = c.shape(1);
    check_indices(c, 1, x[static_cast<std::size_t>(axis)]);
    bool fits = x.size() == index.size() && c.rank(2) == c.rank(1);
    for (std::size_t i = 0; fits && i < x.size(); ++i) {
        fits = static_cast<int>(i) == axis || !(x[i] - index[i]).is_constant() || at_least(x[i] - index[i], 0);
        fits = fits && (index[i] == c.shape(2)[i] || !(index[i] - c.shape(2)[i]).is_constant());
    }
    if (!fits)
        throw Error({.what = fmt::format("indices of shape [{}], updates of shape [{}] and data of shape [{}] do not fit", text_of(index), text_of(c.shape(2)), text_of(x)),
                     .fix = "indices and updates have one shape, and lie within the data but for the axis"});
    give(c, 0, c.dtype(0), x);
}

void elements(const Call& call) {
    const View &index = call.in[1], &updates = call.in[2], &y = call.out[0];
    copy_view(call.in[0], y);
    if (y.count() == 0) return;
    const int axis = checked_axis(call.attributes().integer("axis", 0), y.rank());
    const Reduction f = reduction_of(call.attributes());
    require_at_run(index.shape == updates.shape, "indices and updates differ in shape");
    for (int k = 0; k < y.rank(); ++k) require_at_run(k == axis || index.shape[k] <= y.shape[k], "the indices reach over the data");
    for (const Dims& i : indices(index.shape)) {
        Dims at = i;
        at[axis] = position(index.get_int(i), y.shape[axis]);
        update(f, y, y.offset(at), updates, updates.offset(i), 1);
    }
}

void infer_nd(Inference& c) {
    check(c);
    const Shape &x = c.shape(0), &index = c.shape(1), &updates = c.shape(2);
    const auto depth = index.empty() ? std::optional<std::int64_t>(0) : index.back().constant();
    if (!depth)
        throw Error({.what = fmt::format("unsupported: the last extent of the indices [{}] is not known while building", text_of(index)),
                     .fix = "fix the sizes of the model's inputs"});
    if (*depth < 1 || *depth > c.rank(0))
        throw Error({.what = fmt::format("indices of {} numbers each, into data of rank {}", *depth, c.rank(0)),
                     .fix = "compare the inputs' shapes"});
    Shape wanted(index.begin(), index.end() - 1);
    wanted.insert(wanted.end(), x.begin() + *depth, x.end());
    bool fits = wanted.size() == updates.size();
    for (std::size_t i = 0; fits && i < wanted.size(); ++i) fits = wanted[i] == updates[i] || !(wanted[i] - updates[i]).is_constant();
    if (!fits)
        throw Error({.what = fmt::format("updates have the shape [{}], should have [{}]", text_of(updates), text_of(wanted)),
                     .fix = "compare the inputs' shapes"});
    give(c, 0, c.dtype(0), x);
}

void nd(const Call& call) {
    const View &index = call.in[1], &updates = call.in[2], &y = call.out[0];
    copy_view(call.in[0], y);
    if (y.count() == 0 || updates.count() == 0) return;
    const Reduction f = reduction_of(call.attributes());
    const int depth = static_cast<int>(index.shape.back());
    const std::int64_t block = count_of(y.shape.part(depth)), entries = index.count() / depth;
    require_at_run(updates.count() == entries * block, "indices and updates differ in number");
    for (std::int64_t k = 0; k < entries; ++k) {
        std::int64_t at = 0;
        for (int i = 0; i < depth; ++i) at += position(index.get_int_at(k * depth + i), y.shape[i]) * y.strides[i];
        update(f, y, at, updates, k * block, block);
    }
}

void rename(Graph& g, NodeId id) { g.set_op(id, "ScatterElements"); }

const RegisteredOp scatter_op{{.name = "Scatter", .versions = {{9}, {11, rename}}, .inputs = {3, 3}, .attributes = {{"axis", AttributeKind::integer}},
                               .infer = infer_elements, .reference = elements}};
const RegisteredOp scatter_elements_op{{.name = "ScatterElements", .versions = {{11}, {13}, {16}, {18}}, .inputs = {3, 3},
                                        .attributes = {{"axis", AttributeKind::integer}, {"reduction", AttributeKind::text}},
                                        .infer = infer_elements, .reference = elements}};
const RegisteredOp scatter_nd_op{{.name = "ScatterND", .versions = {{11}, {13}, {16}, {18}}, .inputs = {3, 3}, .attributes = {{"reduction", AttributeKind::text}},
                                  .infer = infer_nd, .reference = nd}};

}  // namespace
}  // namespace tercet
