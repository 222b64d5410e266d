// SPDX-License-Identifier: Apache-2.0
// sum[..., m, n] = sum over k of (a[..., m, k] - a_zero[..., m]) * (b[..., k, n] - b_zero[..., n]), exact; shapes as MatMul
//     MatMulInteger  y = sum, modulo 2^32               inputs a, b, a_zero, b_zero
//     QLinearMatMul  y = saturate(round(float(sum) * float(a_scale[..., m] * b_scale[..., n] / y_scale)) + y_zero)
//                                                       inputs a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero
// A zero point or scale is a scalar, or there is one per row of a: [M] or [..., M, 1], or per column of b: [N] or [..., 1, N].
#include "ops/matmul.h"
#include "ops/quantized.h"
#include "ops/require.h"

#include <fmt/format.h>

namespace tercet {
namespace {

enum class Per { row, column };

// Input i has one element, or one per row or column of input `matrix`.
void require_per(const Inference& c, std::size_t i, std::size_t matrix, Per per, std::string_view what) {
    if (!c.has(i) || c.rank(i) == 0) return;
    const Shape &s = c.shape(i), &m = c.shape(matrix);
    if (s.size() == 1 && may_equal(s[0], Dim(1))) return;
    bool fits = m.size() >= 2 && s.size() <= m.size();
    if (fits && s.size() == 1) fits = may_equal(s[0], per == Per::row ? m[m.size() - 2] : m.back());
    const std::size_t missing = fits ? m.size() - s.size() : 0;
    for (std::size_t k = 0; fits && s.size() > 1 && k < s.size(); ++k) {
        const std::size_t single = per == Per::row ? m.size() - 1 : m.size() - 2;  // the axis that is summed over
        fits = missing + k == single ? may_equal(s[k], Dim(1)) : may_equal(s[k], Dim(1)) || may_equal(s[k], m[missing + k]);
    }
    if (!fits)
        throw Error({.what = fmt::format("{} (input {}) has the shape [{}] for [{}]", what, i, text_of(s), text_of(m)),
                     .fix = per == Per::row ? "give one number, or one per row" : "give one number, or one per column"});
}

// One element per matrix element of the stack, constant along the axis that is summed over; absent stays absent.
View spread(const View& v, const View& stack, Per per) {
    if (!v) return v;
    View r = v;
    if (v.count() == 1) {
        r.shape = r.strides = {};
    } else if (v.rank() == 1 && per == Per::row) {
        r.shape = {v.shape[0], 1};
        r.strides = {v.strides[0], 0};
    }
    r = checked_broadcast(r, stack.shape, "zero points or scales do not fit the matrices");
    require_at_run(r.strides[r.rank() - (per == Per::row ? 1 : 2)] == 0, "zero points or scales do not fit the matrices");
    return r;
}

View input(const Call& call, std::size_t i) { return call.has(i) ? call.in[i] : View(); }

// f(index in y, index in a, index in b, sum); the views are stacks of matrices, the zero points spread over a and b.
template <class F>
void for_each_sum(const Matrices& m, const View& a_zero, const View& b_zero, F&& f) {
    const int r = m.y.rank() - 2, c = r + 1;
    for (const Dims& i : indices(m.y.shape)) {
        Dims in_a = i, in_b = i;
        in_a[c] = in_b[r] = 0;
        const std::int64_t za = a_zero ? a_zero.get_int(in_a) : 0, zb = b_zero ? b_zero.get_int(in_b) : 0;
        const std::int64_t at_a = m.a.offset(in_a), at_b = m.b.offset(in_b);
        std::int64_t sum = 0;
        for (std::int64_t k = 0; k < m.a.shape[c]; ++k)
            sum += (m.a.get_int_at(at_a + k * m.a.strides[c]) - za) * (m.b.get_int_at(at_b + k * m.b.strides[r]) - zb);
        f(i, in_a, in_b, sum);
    }
}

void infer_integer(Inference& c) {
    for (std::size_t i : {0, 1}) require_bytes(c, i);
    require_same_type(c, 2, 0);
    require_same_type(c, 3, 1);
    Shape y = matmul_shape(c, 0, 1);
    require_per(c, 2, 0, Per::row, "the zero point of a");
    require_per(c, 3, 1, Per::column, "the zero point of b");
    c.set(0, DType::i32, std::move(y));
}

void reference_integer(const Call& call) {
    const Matrices m(call.in[0], call.in[1], call.out[0]);
    for_each_sum(m, spread(input(call, 2), m.a, Per::row), spread(input(call, 3), m.b, Per::column),
                 [&](const Dims& i, const Dims&, const Dims&, std::int64_t sum) { m.y.set_int(i, sum); });
}

void infer_quantized(Inference& c) {
    for (std::size_t i : {0, 3, 7}) require_bytes(c, i);
    for (std::size_t i : {1, 4, 6}) require_float(c, i);
    require_same_type(c, 2, 0);
    require_same_type(c, 5, 3);
    Shape y = matmul_shape(c, 0, 3);
    require_per(c, 1, 0, Per::row, "the scale of a");
    require_per(c, 2, 0, Per::row, "the zero point of a");
    require_per(c, 4, 3, Per::column, "the scale of b");
    require_per(c, 5, 3, Per::column, "the zero point of b");
    require_single(c, 6, "the scale of y");
    require_single(c, 7, "the zero point of y");
    c.set(0, c.dtype(7), std::move(y));
}

void reference_quantized(const Call& call) {
    const Matrices m(call.in[0], call.in[3], call.out[0]);
    const View a_scale = spread(call.in[1], m.a, Per::row), b_scale = spread(call.in[4], m.b, Per::column);
    const double y_scale = only_element(call.in[6]).get_at(0);
    const std::int64_t y_zero = only_element(call.in[7]).get_int_at(0);
    for_each_sum(m, spread(call.in[2], m.a, Per::row), spread(call.in[5], m.b, Per::column),
                 [&](const Dims& i, const Dims& in_a, const Dims& in_b, std::int64_t sum) {
                     m.y.set_int(i, requantized(sum, a_scale.get(in_a), b_scale.get(in_b), y_scale, y_zero, m.y.dtype));
                 });
}

const RegisteredOp matmul_integer{{.name = "MatMulInteger", .versions = {{10}}, .inputs = {2, 4}, .infer = infer_integer, .reference = reference_integer}};
const RegisteredOp qlinear_matmul{{.name = "QLinearMatMul", .versions = {{10}, {21}}, .inputs = {8, 8}, .infer = infer_quantized, .reference = reference_quantized}};

}  // namespace
}  // namespace tercet
