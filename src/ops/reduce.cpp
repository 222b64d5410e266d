// SPDX-License-Identifier: Apache-2.0
// y[i] = f(x[i, j] over all j), i: the indices of the axes that stay, j: those of `axes` (all if none are given, unless
// noop_with_empty_axes, where j is a single point). Floats accumulate in double; integers in 64 bits, and wrap.
//
//     ReduceSum sum x        ReduceMean sum x / n     ReduceMax, ReduceMin   ReduceProd         ReduceSumSquare sum x^2
//     ReduceL1 sum |x|       ReduceL2 sqrt(sum x^2)   ReduceLogSum log(sum x)                   ReduceLogSumExp log(sum exp(x))
#include "ops/reduce.h"

#include "ops/elementwise.h"
#include "ops/extents.h"

#include <cmath>

namespace tercet {

Shape reduced_shape(const Shape& shape, const AxisSet& axes, bool keep_dims) {
    Shape s;
    for (std::size_t i = 0; i < shape.size(); ++i) {
        if (!axes[i]) s.push_back(shape[i]);
        else if (keep_dims) s.emplace_back(1);
    }
    return s;
}

SplitView::SplitView(const View& v, const AxisSet& axes) {
    kept.dtype = reduced.dtype = v.dtype;
    kept.data = reduced.data = v.data;
    for (int i = 0; i < v.rank(); ++i) {
        View& part = axes[static_cast<std::size_t>(i)] ? reduced : kept;
        part.shape.push_back(v.shape[i]);
        part.strides.push_back(v.strides[i]);
    }
}

View kept_output(const View& y, const AxisSet& axes, bool keep_dims) { return keep_dims ? SplitView(y, axes).kept : y; }

namespace {

enum class Kind { sum, mean, max, min, prod, l1, l2, log_sum, log_sum_exp, sum_square };

bool is_element(DType t) { return computes(t); }

AxisSet axes_of(const Attributes& attributes, std::span<const std::int64_t> given, int rank) {
    AxisSet set;
    for (std::int64_t a : given) set.set(static_cast<std::size_t>(checked_axis(a, rank)));
    if (given.empty() && attributes.integer("noop_with_empty_axes", 0) == 0)
        for (int i = 0; i < rank; ++i) set.set(static_cast<std::size_t>(i));
    return set;
}

// What is left where only the run tells the axes: each extent is 1, or one of x's; without keepdims as many fewer as there are axes.
Shape shape_for_any_axes(Inference& c, bool keep_dims) {
    const Shape& x = c.shape(0);
    Shape y;
    if (keep_dims) {
        for (std::size_t i = 0; i < x.size(); ++i) y.push_back(x[i] == Dim(1) ? Dim(1) : c.unknown(axis_name(i), greater(x[i], Dim(1))));
        return y;
    }
    const auto count = c.rank(1) == 1 ? c.shape(1)[0].constant() : std::nullopt;
    if (!count || *count > c.rank(0)) c.integers(1, "the axes");  // throws the Error that says so
    for (std::size_t i = 0; i + static_cast<std::size_t>(*count) < x.size(); ++i) {
        Dim most = x[i];
        for (std::size_t k = 1; k <= static_cast<std::size_t>(*count); ++k) most = greater(most, x[i + k]);
        y.push_back(c.unknown(axis_name(i), most));
    }
    return y;
}

template <Kind kind>
void infer(Inference& c) {
    check_dtype(c, 0, kind == Kind::max || kind == Kind::min ? is_element : is_number);
    refuse_old_attribute(c, "axes");
    const bool keep_dims = c.attributes().integer("keepdims", 1) != 0;
    const auto given = c.has(1) ? c.numbers(1) : std::vector<std::int64_t>{};
    if (!given) return c.set(0, c.dtype(0), shape_for_any_axes(c, keep_dims));
    const AxisSet axes = axes_of(c.attributes(), *given, c.rank(0));
    c.set(0, c.dtype(0), reduced_shape(c.shape(0), axes, keep_dims));
    // The number of elements of a shape: the product, or the only one, of a followed vector.
    if (c.rank(0) != 1 || !axes[0] || !is_integer(c.dtype(0))) return;
    const auto content = known_elements(c, 0);
    if (!content || content->empty() || Dim(static_cast<std::int64_t>(content->size())) != c.shape(0)[0] || (kind != Kind::prod && kind != Kind::sum && kind != Kind::max && kind != Kind::min)) return;
    try {
        Dim r = (*content)[0];
        for (std::size_t i = 1; i < content->size(); ++i) {
            const Dim& x = (*content)[i];
            r = kind == Kind::prod ? r * x : kind == Kind::sum ? r + x : kind == Kind::max ? greater(r, x) : lesser(r, x);
        }
        c.set_content(0, {r});
    } catch (const Error&) {
        return;  // beyond 64 bits: not followed
    }
}

// f(x) over all x of one result.
template <class T, class F>
void for_each_reduced(const View& reduced, std::int64_t start, F&& f) {
    for_each_offset(reduced.shape, std::array{reduced}, [&](const std::array<std::int64_t, 1>& o) { f(load_at<T>(reduced, start + o[0])); });
}

template <Kind kind, class T>
Wide<T> reduce_integers(const View& x, std::int64_t start) {
    using W = Wide<T>;
    using Limits = std::numeric_limits<T>;
    W r = kind == Kind::prod  ? W{1}
          : kind == Kind::max ? static_cast<W>(Limits::min())
          : kind == Kind::min ? static_cast<W>(Limits::max())
                              : W{0};
    for_each_reduced<T>(x, start, [&](W v) {
        if constexpr (kind == Kind::prod) r = wrap_mul(r, v);
        else if constexpr (kind == Kind::max) r = std::max(r, v);
        else if constexpr (kind == Kind::min) r = std::min(r, v);
        else if constexpr (kind == Kind::l1) r = wrap_add(r, std::is_signed_v<W> && v < 0 ? wrap_sub(W{0}, v) : v);
        else if constexpr (kind == Kind::sum_square) r = wrap_add(r, wrap_mul(v, v));
        else r = wrap_add(r, v);
    });
    return kind == Kind::mean ? wrap_div(r, static_cast<W>(x.count())) : r;
}

template <Kind kind, class T>
double reduce_floats(const View& x, std::int64_t start) {
    if constexpr (kind == Kind::log_sum_exp) {  // scaled by the largest, so that no exponential overflows
        double largest = -HUGE_VAL, sum = 0;
        for_each_reduced<T>(x, start, [&](auto w) { largest = std::fmax(largest, static_cast<double>(w)); });
        const double shift = std::isfinite(largest) ? largest : 0;
        for_each_reduced<T>(x, start, [&](auto w) { sum += std::exp(static_cast<double>(w) - shift); });
        return std::log(sum) + shift;
    }
    double r = kind == Kind::prod ? 1 : kind == Kind::max ? -HUGE_VAL : kind == Kind::min ? HUGE_VAL : 0;
    for_each_reduced<T>(x, start, [&](auto w) {
        const auto v = static_cast<double>(w);
        if constexpr (kind == Kind::prod) r *= v;
        else if constexpr (kind == Kind::max) r = std::isnan(v) || v > r ? v : r;  // NaN stays: nothing is greater
        else if constexpr (kind == Kind::min) r = std::isnan(v) || v < r ? v : r;
        else if constexpr (kind == Kind::l1) r += std::fabs(v);
        else if constexpr (kind == Kind::l2 || kind == Kind::sum_square) r += v * v;
        else r += v;
    });
    if constexpr (kind == Kind::mean) return r / static_cast<double>(x.count());
    else if constexpr (kind == Kind::l2) return std::sqrt(r);
    else if constexpr (kind == Kind::log_sum) return std::log(r);
    else return r;
}

template <Kind kind>
void reference(const Call& c) {
    std::array<std::int64_t, max_rank> given{};
    const std::int64_t n = c.has(1) ? std::min<std::int64_t>(max_rank, c.in[1].count()) : 0;
    for (std::int64_t i = 0; i < n; ++i) given[static_cast<std::size_t>(i)] = c.in[1].get_int_at(i);
    const AxisSet axes = axes_of(c.attributes(), std::span(given).first(static_cast<std::size_t>(n)), c.in[0].rank());
    const SplitView x(c.in[0], axes);
    const View y = kept_output(c.out[0], axes, c.attributes().integer("keepdims", 1) != 0);
    require_at_run(y.shape == x.kept.shape, "the axes do not fit the output");
    constexpr bool fraction = kind == Kind::l2 || kind == Kind::log_sum || kind == Kind::log_sum_exp;
    with_type(y.dtype, [&]<class T>(TypeTag<T>) {
        for (const Dims& index : indices(x.kept.shape)) {
            const std::int64_t start = x.kept.offset(index);
            std::byte* to = y.address(index);
            if constexpr (std::is_integral_v<T> && !fraction) store<T>(to, static_cast<T>(reduce_integers<kind, T>(x.reduced, start)));
            else store<T>(to, to_element<T>(reduce_floats<kind, T>(x.reduced, start)));
        }
    });
}

// A bool is a byte, but its greatest value is 1.
template <Kind kind>
void reference_of_any(const Call& c) {
    reference<kind>(c);
    if (c.out[0].dtype != DType::boolean) return;
    for_each_offset(c.out[0].shape, std::array{c.out[0]}, [&](const auto& o) {
        store_at<std::uint8_t>(c.out[0], o[0], load_at<std::uint8_t>(c.out[0], o[0]) != 0);
    });
}

void axes_to_input(Graph& g, NodeId id) {
    attribute_to_input(g, id, "axes", 1);
}

template <Kind kind>
OpDef def(std::string_view name, std::vector<OpVersion> versions) {
    return {.name = name, .versions = std::move(versions), .inputs = {1, 2},
            .attributes = {{"axes", AttributeKind::integers}, {"keepdims", AttributeKind::integer},
                           {"noop_with_empty_axes", AttributeKind::integer}},
            .infer = infer<kind>, .reference = reference_of_any<kind>};
}

const OpVersion with_input{18, axes_to_input};
const RegisteredOp sum_op{def<Kind::sum>("ReduceSum", {{1}, {11}, {13, axes_to_input}})};
const RegisteredOp mean_op{def<Kind::mean>("ReduceMean", {{1}, {11}, {13}, with_input})};
const RegisteredOp max_op{def<Kind::max>("ReduceMax", {{1}, {11}, {12}, {13}, with_input, {20}})};
const RegisteredOp min_op{def<Kind::min>("ReduceMin", {{1}, {11}, {12}, {13}, with_input, {20}})};
const RegisteredOp prod_op{def<Kind::prod>("ReduceProd", {{1}, {11}, {13}, with_input})};
const RegisteredOp l1_op{def<Kind::l1>("ReduceL1", {{1}, {11}, {13}, with_input})};
const RegisteredOp l2_op{def<Kind::l2>("ReduceL2", {{1}, {11}, {13}, with_input})};
const RegisteredOp log_sum_op{def<Kind::log_sum>("ReduceLogSum", {{1}, {11}, {13}, with_input, {28}})};
const RegisteredOp log_sum_exp_op{def<Kind::log_sum_exp>("ReduceLogSumExp", {{1}, {11}, {13}, with_input, {28}})};
const RegisteredOp sum_square_op{def<Kind::sum_square>("ReduceSumSquare", {{1}, {11}, {13}, with_input})};

}  // namespace
}  // namespace tercet
