// SPDX-License-Identifier: Apache-2.0
#include "ops/extents.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace tercet {
namespace {

constexpr std::size_t followed_elements = 64;

bool followed(const Type& t) {
    if (t.dtype != DType::i32 && t.dtype != DType::i64) return false;
    if (t.shape.size() > 1) return false;
    if (t.shape.empty()) return true;
    const auto n = t.shape[0].constant();
    return n && *n <= static_cast<std::int64_t>(followed_elements);
}

}  // namespace

std::optional<std::vector<Dim>> small_content(const Inference& c, std::size_t i) {
    if (!followed(c.in[i].type)) return std::nullopt;
    return c.content(i);
}

void note_content(Inference& c, std::size_t i, std::optional<std::vector<Dim>> elements) {
    if (i >= c.out.size() || !elements || !followed(c.out[i])) return;
    if (product(c.out[i].shape) == Dim(static_cast<std::int64_t>(elements->size()))) c.set_content(i, std::move(*elements));
}

std::optional<std::int64_t> whole_number(const Tensor& t) {
    if (t.count() != 1) return std::nullopt;
    if (!is_float(t.dtype())) return t.get_int(0);
    const double v = t.get(0);
    return v == std::floor(v) && std::fabs(v) < 0x1p53 ? std::optional(static_cast<std::int64_t>(v)) : std::nullopt;
}

void pass_content(Inference& c) {
    if (const auto same = c.uniform(0)) c.set_content(0, {*same});
    else note_content(c, 0, small_content(c, 0));
}

std::vector<Dim> sizes(const Inference& c, std::size_t i, std::string_view what, std::optional<std::size_t> expected) {
    if (!is_integer(c.dtype(i)))
        throw Error({.what = fmt::format("{} (input {}) is of type {}, should be i64", what, i, name_of(c.dtype(i))),
                     .fix = "check the model with onnx.checker"});
    if (c.rank(i) > 1)
        throw Error({.what = fmt::format("{} (input {}) has rank {}, should be a list", what, i, c.rank(i)),
                     .fix = "check the model with onnx.checker"});
    if (auto known = c.content(i)) return *known;
    if (expected && c.rank(i) == 1 && !c.shape(i)[0].is_constant()) {
        std::vector<Dim> open;
        for (std::size_t k = 0; k < *expected; ++k) open.push_back(c.open_input(i, k));
        return open;
    }
    const std::vector<std::int64_t> none = c.integers(i, what);  // throws the Error that says so
    return {none.begin(), none.end()};
}

Dim single(const Inference& c, std::size_t i, std::string_view what) {
    const std::vector<Dim> all = sizes(c, i, what);
    if (all.size() != 1)
        throw Error({.what = fmt::format("{} (input {}) has {} elements, should have one", what, i, all.size()),
                     .fix = "check the model with onnx.checker"});
    return all[0];
}

void give(Inference& c, std::size_t i, DType dtype, Shape shape) {
    if (bits_of(dtype) < 8)
        throw Error({.what = fmt::format("unsupported: elements of type {} cannot be moved", name_of(dtype)),
                     .fix = "cast or dequantize them before"});
    std::int64_t bytes = bits_of(dtype) / 8;
    for (const Dim& d : shape)
        if (const auto n = d.constant(); n && *n > 0 && __builtin_mul_overflow(bytes, *n, &bytes))
            throw Error({.what = fmt::format("output {} would have the shape [{}], more than fits into 64 bits", i, text_of(shape)),
                         .fix = "check the model's shapes"});
    c.set(i, dtype, std::move(shape));
}

Dim product(std::span<const Dim> dims) {
    Dim p = 1;
    for (const Dim& d : dims) p = p * d;
    return p;
}

std::string axis_name(std::size_t axis) { return fmt::format("axis{}", axis); }

void unify(Dim& extent, const Dim& with, std::string_view what) {
    if (extent == with) return;
    if ((extent - with).is_constant())
        throw Error({.what = fmt::format("{}: {} and {}", what, extent.text(), with.text()),
                     .fix = "compare the shapes of the inputs"});
    if (with.is_constant()) extent = with;
}

bool at_least(const Dim& d, std::int64_t bound, std::int64_t symbol_min) {
    if (const auto c = d.constant()) return *c >= bound;
    std::vector<std::string> names;
    d.collect_symbols(names);
    // Products of several symbols leave 64 bits when each may be large, so smaller ceilings are tried, too.
    for (const std::int64_t symbol_max : {std::int64_t{1} << 40, std::int64_t{1} << 30, std::int64_t{1} << 20}) {
        SymbolRanges ranges;
        for (const std::string& n : names) ranges[n] = {is_open(Dim::symbol(n)) ? -symbol_max : symbol_min, symbol_max};
        try {
            return d.bounds(ranges).min >= bound;
        } catch (const Error&) {
            continue;
        }
    }
    return false;
}

namespace {

bool orders(const Dim& a, const Dim& b) {  // a <= b for sure
    std::int64_t far = 0;
    if (a.is_constant() && b.is_constant()) return *a.constant() <= *b.constant();
    if (const auto c = a.constant(); c && __builtin_sub_overflow(std::int64_t{0}, *c, &far)) return true;
    return at_least(b - a, 0);
}

}  // namespace

Dim lesser(const Dim& a, const Dim& b) { return orders(a, b) ? a : orders(b, a) ? b : min(a, b); }
Dim greater(const Dim& a, const Dim& b) { return orders(a, b) ? b : orders(b, a) ? a : max(a, b); }

void refuse_old_attribute(const Inference& c, std::string_view attribute) {
    if (c.attributes().has(attribute))
        throw Error({.what = fmt::format("attribute '{}' is an input in this operator set", attribute),
                     .fix = "check the model with onnx.checker"});
}

void attribute_to_input(Graph& g, NodeId id, std::string_view attribute, std::size_t input) {
    if (!g.attributes(id).has(attribute)) return;
    const Tensor values = Tensor::ints(g.attributes(id).integers(attribute));
    g.attributes(id).erase(attribute);
    g.set_input(id, input, g.add_constant(fmt::format("{}_{}", g.label(id), attribute), values));
}

void check_indices(const Inference& c, std::size_t i, const Dim& n) {
    const Tensor* t = c.in[i].constant;
    const auto extent = n.constant();
    if (!t || !extent || !is_integer(t->dtype())) return;
    for (std::int64_t k = 0; k < t->count(); ++k)
        if (const std::int64_t index = t->get_int(k); index < -*extent || index >= *extent)
            throw Error({.what = fmt::format("index {} on an axis of {} elements", index, *extent),
                         .fix = "compare the indices with the shape of the data"});
}

}  // namespace tercet
