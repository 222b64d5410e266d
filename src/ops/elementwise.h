// SPDX-License-Identifier: Apache-2.0
// What element-wise operators share: checks of types and shapes, symbolic contents, and loops over broadcast elements.
// Floats are computed in double and rounded once; integers in 64 bits of their own signedness, and wrap to their type.
#pragma once

#include "ops/op.h"
#include "ops/require.h"

#include <algorithm>
#include <array>
#include <optional>
#include <type_traits>
#include <utility>

namespace tercet {

/// Error unless the type of input i is one that `allowed` accepts.
void check_dtype(const Inference& c, std::size_t i, bool (*allowed)(DType));
bool is_number(DType);   // floats and integers
bool is_boolean(DType);

/// The one type of inputs first, first + 1, ... Error if they differ.
DType common_dtype(const Inference& c, std::size_t first = 0);
/// Sets output 0: all inputs' shapes broadcast together.
void set_broadcast(Inference& c, DType dtype);

/// Elements of input i where it is small enough to follow (at most 64), some perhaps open; bools as 0 and 1. One, where all are that.
std::optional<std::vector<Dim>> known_elements(const Inference& c, std::size_t i);

/// Sets the content of output 0, open where an element is left out.
void set_elements(Inference& c, const std::vector<std::optional<Dim>>& elements);

using Follow = std::optional<Dim> (*)(const Dim& a, const Dim& b);  // empty: only the run tells
/// Sets the content of output 0, whose type is set, where all inputs' contents are known: f(f(in0, in1), in2) ...
void follow_contents(Inference& c, Follow f);

/// The type in which a T is computed.
template <class T>
using Wide = std::conditional_t<!std::is_integral_v<T>, double,
                                std::conditional_t<std::is_same_v<T, std::uint64_t>, std::uint64_t, std::int64_t>>;

/// Calls f(o) for all indices of `shape` in order: o[k] is the offset, in elements, of views[k] broadcast to `shape`.
/// Error if one does not fit: extents that were symbols may turn out to differ.
template <std::size_t N, class F>
void for_each_offset(const Dims& shape, const std::array<View, N>& views, F&& f) {
    std::array<View, N> v;
    for (std::size_t k = 0; k < N; ++k) v[k] = checked_broadcast(views[k], shape, "an input does not broadcast to the shape of the output");
    const int inner = shape.size() - 1;
    for (const Dims& outer : indices(inner < 0 ? shape : shape.part(0, inner))) {
        std::array<std::int64_t, N> o;
        for (std::size_t k = 0; k < N; ++k) o[k] = v[k].offset(outer);
        for (std::int64_t i = 0; i < (inner < 0 ? 1 : shape[inner]); ++i) {
            f(std::as_const(o));
            if (inner < 0) break;
            for (std::size_t k = 0; k < N; ++k) o[k] += v[k].strides[inner];
        }
    }
}

template <class T>
Wide<T> load_at(const View& v, std::int64_t offset) {
    return static_cast<Wide<T>>(load<T>(v.data + offset * static_cast<std::int64_t>(sizeof(T))));
}

template <class T>
void store_at(const View& v, std::int64_t offset, Wide<T> x) {
    store<T>(v.data + offset * static_cast<std::int64_t>(sizeof(T)), static_cast<T>(x));
}

/// y[i] = f(in[0][i], in[1][i], ...): inputs of y's type, broadcast to y; f takes and gives double, int64 or uint64.
template <std::size_t N, class F>
void map_elements(const std::array<View, N>& in, const View& y, F&& f) {
    with_type(y.dtype, [&]<class T>(TypeTag<T>) {
        std::array<View, N + 1> views;
        std::copy(in.begin(), in.end(), views.begin());
        views[N] = y;
        for_each_offset(y.shape, views, [&](const std::array<std::int64_t, N + 1>& o) {
            [&]<std::size_t... K>(std::index_sequence<K...>) {
                store_at<T>(y, o[N], f(load_at<T>(in[K], o[K])...));
            }(std::make_index_sequence<N>());
        });
    });
}

/// y[i] = f(in[0][i], in[1][i], ...), bool, of inputs of one type.
template <std::size_t N, class F>
void test_elements(const std::array<View, N>& in, const View& y, F&& f) {
    with_type(in[0].dtype, [&]<class T>(TypeTag<T>) {
        std::array<View, N + 1> views;
        std::copy(in.begin(), in.end(), views.begin());
        views[N] = y;
        for_each_offset(y.shape, views, [&](const std::array<std::int64_t, N + 1>& o) {
            [&]<std::size_t... K>(std::index_sequence<K...>) {
                store_at<std::uint8_t>(y, o[N], f(load_at<T>(in[K], o[K])...) ? 1 : 0);
            }(std::make_index_sequence<N>());
        });
    });
}

/// A function of up to two integers, for both kinds of arithmetic. Never undefined: see the wrap_ functions.
struct IntegerFunction {
    std::int64_t (*whole)(std::int64_t, std::int64_t) = nullptr;      // all types but u64
    std::uint64_t (*natural)(std::uint64_t, std::uint64_t) = nullptr;  // u64

    template <class F>
    static constexpr IntegerFunction of(F) {  // a generic lambda without captures
        return {[](std::int64_t a, std::int64_t b) { return F{}(a, b); }, [](std::uint64_t a, std::uint64_t b) { return F{}(a, b); }};
    }
    std::int64_t operator()(std::int64_t a, std::int64_t b = 0) const { return whole(a, b); }
    std::uint64_t operator()(std::uint64_t a, std::uint64_t b = 0) const { return natural(a, b); }
    explicit operator bool() const { return whole != nullptr; }
};

// 64-bit arithmetic modulo 2^64, where the built-in operators would be undefined.
template <class W> constexpr W wrap_add(W a, W b) { return static_cast<W>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b)); }
template <class W> constexpr W wrap_sub(W a, W b) { return static_cast<W>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b)); }
template <class W> constexpr W wrap_mul(W a, W b) { return static_cast<W>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b)); }
/// Truncated towards zero; 0 where b is 0.
template <class W> constexpr W wrap_div(W a, W b) {
    if (b == 0) return 0;
    return std::is_signed_v<W> && b == static_cast<W>(-1) ? wrap_sub(W{0}, a) : a / b;
}
/// The remainder of wrap_div, with the sign of a; 0 where b is 0.
template <class W> constexpr W wrap_rem(W a, W b) { return b == 0 || (std::is_signed_v<W> && b == static_cast<W>(-1)) ? 0 : a % b; }

}  // namespace tercet
