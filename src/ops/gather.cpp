// SPDX-License-Identifier: Apache-2.0
// Gather          y[a.., k.., b..] = x[a.., index[k..], b..], where a are the axes before `axis`, b those behind it
// GatherElements  y[i] = x[i with index[i] at `axis`]
// GatherND        y[k.., b..] = x[k[:batch_dims].., index[k..][0], index[k..][1], .., b..]
//
// Indices count from the end if negative. One that lies outside at run reads the nearest element that exists.
#include "ops/extents.h"
#include "ops/require.h"

#include <fmt/format.h>

#include <algorithm>

namespace tercet {
namespace {

void check_index_type(const Inference& c, std::size_t i) {
    if (c.dtype(i) != DType::i32 && c.dtype(i) != DType::i64)
        throw Error({.what = fmt::format("the indices (input {}) are of type {}, should be i64 or i32", i, name_of(c.dtype(i))),
                     .fix = "check the model with onnx.checker"});
}

void copy_block(std::byte* to, const std::byte* from, std::int64_t elements, const View& type) {
    std::memcpy(to, from, static_cast<std::size_t>(elements) * type.element_bytes());
}

// Data without elements has nothing to read: such outputs become 0.
bool cleared_for_lack_of_data(const View& x, const View& y) {
    if (x.count() > 0 && y.count() > 0) return false;
    if (y.count() > 0) std::memset(y.data, 0, static_cast<std::size_t>(y.count()) * y.element_bytes());
    return true;
}

void infer_gather(Inference& c) {
    check_index_type(c, 1);
    const int axis = checked_axis(c.attributes().integer("axis", 0), c.rank(0));
    const Shape &x = c.shape(0), &index = c.shape(1);
    check_indices(c, 1, x[static_cast<std::size_t>(axis)]);
    Shape y(x.begin(), x.begin() + axis);
    y.insert(y.end(), index.begin(), index.end());
    y.insert(y.end(), x.begin() + axis + 1, x.end());
    give(c, 0, c.dtype(0), y);

    const auto data = small_content(c, 0), at = small_content(c, 1);
    if (!data || !at || c.rank(0) != 1) return;
    std::vector<Dim> picked;
    const auto n = static_cast<std::int64_t>(data->size());
    for (const Dim& d : *at) {
        const auto i = d.constant();
        if (!i || *i < -n || *i >= n) return;
        picked.push_back((*data)[static_cast<std::size_t>(position(*i, n))]);
    }
    note_content(c, 0, std::move(picked));
}

void gather(const Call& call) {
    const View &x = call.in[0], &index = call.in[1], &y = call.out[0];
    if (cleared_for_lack_of_data(x, y)) return;
    const int axis = checked_axis(call.attributes().integer("axis", 0), x.rank());
    const std::int64_t before = count_of(x.shape.part(0, axis)), n = x.shape[axis], block = count_of(x.shape.part(axis + 1)), many = index.count();
    for (std::int64_t a = 0; a < before; ++a)
        for (std::int64_t k = 0; k < many; ++k)
            copy_block(y.address((a * many + k) * block), x.address((a * n + position(index.get_int_at(k), n)) * block), block, x);
}

void infer_gather_elements(Inference& c) {
    check_index_type(c, 1);
    const int axis = checked_axis(c.attributes().integer("axis", 0), c.rank(0));
    const Shape &x = c.shape(0), &index = c.shape(1);
    check_indices(c, 1, x[static_cast<std::size_t>(axis)]);
    bool fits = x.size() == index.size();
    for (std::size_t i = 0; fits && i < x.size(); ++i)
        fits = static_cast<int>(i) == axis || !(x[i] - index[i]).is_constant() || at_least(x[i] - index[i], 0);
    if (!fits)
        throw Error({.what = fmt::format("indices of shape [{}] do not lie within data of shape [{}]", text_of(index), text_of(x)),
                     .fix = "compare the inputs' shapes"});
    give(c, 0, c.dtype(0), index);
}

void gather_elements(const Call& call) {
    const View &x = call.in[0], &index = call.in[1], &y = call.out[0];
    if (cleared_for_lack_of_data(x, y)) return;
    const int axis = checked_axis(call.attributes().integer("axis", 0), x.rank());
    for (int k = 0; k < x.rank(); ++k) require_at_run(k == axis || index.shape[k] <= x.shape[k], "the indices reach over the data");
    for (const Dims& i : indices(y.shape)) {
        Dims from = i;
        from[axis] = position(index.get_int(i), x.shape[axis]);
        copy_block(y.address(i), x.address(from), 1, x);
    }
}

void infer_gather_nd(Inference& c) {
    check_index_type(c, 1);
    const Shape &x = c.shape(0), &index = c.shape(1);
    const std::int64_t batch = c.attributes().integer("batch_dims", 0), r = c.rank(0), q = c.rank(1);
    if (batch < 0 || batch >= std::min(q, r))
        throw Error({.what = fmt::format("batch_dims {} with data of rank {} and indices of rank {}", batch, r, q),
                     .fix = "it must be less than both ranks"});
    const auto depth = index.back().constant();
    if (!depth)
        throw Error({.what = fmt::format("unsupported: the last extent of the indices [{}] is not known while building", text_of(index)),
                     .fix = "fix the sizes of the model's inputs"});
    if (*depth < 1 || *depth > r - batch)
        throw Error({.what = fmt::format("indices of {} numbers each, into data of rank {} behind {} batch axes", *depth, r, batch),
                     .fix = "compare the inputs' shapes"});
    Shape y;
    for (std::int64_t i = 0; i < q - 1; ++i) {
        y.push_back(index[static_cast<std::size_t>(i)]);
        if (i < batch) unify(y.back(), x[static_cast<std::size_t>(i)], fmt::format("data and indices differ in batch axis {}", i));
    }
    y.insert(y.end(), x.begin() + batch + *depth, x.end());
    give(c, 0, c.dtype(0), y);
}

void gather_nd(const Call& call) {
    const View &x = call.in[0], &index = call.in[1], &y = call.out[0];
    if (cleared_for_lack_of_data(x, y)) return;
    const int batch = static_cast<int>(call.attributes().integer("batch_dims", 0)), depth = static_cast<int>(index.shape.back());
    const std::int64_t block = count_of(x.shape.part(batch + depth));
    std::int64_t entry = 0;
    for (int i = 0; i < batch; ++i) require_at_run(index.shape[i] == x.shape[i], "data and indices differ in a batch axis");
    for (const Dims& k : indices(index.shape.part(0, index.rank() - 1))) {
        std::int64_t from = 0;
        for (int i = 0; i < batch; ++i) from += k[i] * x.strides[i];
        for (int i = 0; i < depth; ++i) from += position(index.get_int_at(entry * depth + i), x.shape[batch + i]) * x.strides[batch + i];
        copy_block(y.address(entry * block), x.address(from), block, x);
        ++entry;
    }
}

const RegisteredOp gather_op{{.name = "Gather", .versions = {{1}, {11}, {13}}, .inputs = {2, 2}, .attributes = {{"axis", AttributeKind::integer}},
                              .infer = infer_gather, .reference = gather}};
const RegisteredOp gather_elements_op{{.name = "GatherElements", .versions = {{11}, {13}}, .inputs = {2, 2}, .attributes = {{"axis", AttributeKind::integer}},
                                       .infer = infer_gather_elements, .reference = gather_elements}};
const RegisteredOp gather_nd_op{{.name = "GatherND", .versions = {{11}, {12}, {13}}, .inputs = {2, 2}, .attributes = {{"batch_dims", AttributeKind::integer}},
                                 .infer = infer_gather_nd, .reference = gather_nd}};

}  // namespace
}  // namespace tercet
