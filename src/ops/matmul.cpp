// SPDX-License-Identifier: Apache-2.0
// y[..., m, n] = sum over k of a[..., m, k] * b[..., k, n], as numpy's matmul: leading axes broadcast; a vector on the left
// is a row, one on the right a column, and the result lacks that axis.
#include "ops/matmul.h"

#include "ops/dot.h"
#include "ops/require.h"

#include <fmt/format.h>

namespace tercet {
namespace {

// The view with an axis of extent 1 put in at `axis`, counted from the end of the result.
View with_axis(const View& v, int from_end) {
    View r = v;
    r.shape = r.strides = {};
    for (int i = 0; i <= v.rank(); ++i) {
        if (i == v.rank() + 1 - from_end) {
            r.shape.push_back(1);
            r.strides.push_back(0);
        }
        if (i == v.rank()) break;
        r.shape.push_back(v.shape[i]);
        r.strides.push_back(v.strides[i]);
    }
    return r;
}

// A stack of matrices repeated to have these leading axes.
View stacked(const View& v, const Dims& leading) {
    Dims shape = leading;
    shape.push_back(v.shape[v.rank() - 2]);
    shape.push_back(v.shape.back());
    return checked_broadcast(v, shape, "the leading axes do not broadcast");
}

}  // namespace

Shape matmul_shape(const Inference& c, std::size_t left, std::size_t right) {
    for (std::size_t i : {left, right}) require_rank(c, i, 1);
    const Shape &a = c.shape(left), &b = c.shape(right);
    const Dim &ka = a.back(), &kb = b.size() == 1 ? b[0] : b[b.size() - 2];
    if (!may_equal(ka, kb))
        throw Error({.what = fmt::format("shapes [{}] and [{}] cannot be multiplied: {} columns, {} rows", text_of(a), text_of(b), ka.text(), kb.text()),
                     .fix = "compare the inputs' shapes"});
    const auto leading = [](const Shape& s) { return s.size() > 2 ? Shape(s.begin(), s.end() - 2) : Shape{}; };
    Shape y = broadcast(leading(a), leading(b));
    if (a.size() > 1) y.push_back(a[a.size() - 2]);
    if (b.size() > 1) y.push_back(b.back());
    return y;
}

Matrices::Matrices(const View& left, const View& right, const View& out) {
    const bool row = left.rank() == 1, column = right.rank() == 1;
    a = row ? with_axis(left, 2) : left;
    b = column ? with_axis(right, 1) : right;
    y = column ? with_axis(out, 1) : out;
    if (row) y = with_axis(y, 2);
    const Dims leading = y.shape.part(0, y.rank() - 2);
    a = stacked(a, leading);
    b = stacked(b, leading);
    require_at_run(a.shape.back() == b.shape[b.rank() - 2], "the matrices' shapes do not fit");
}

namespace {

void infer(Inference& c) {
    if (const DType t = c.dtype(0); t != DType::i32 && t != DType::i64 && t != DType::u32 && t != DType::u64) require_float(c, 0);
    require_same_type(c, 1);
    c.set(0, c.dtype(0), matmul_shape(c, 0, 1));
}

void reference(const Call& call) {
    const Matrices m(call.in[0], call.in[1], call.out[0]);
    const View &a = m.a, &b = m.b, &y = m.y;
    const int r = y.rank() - 2, c = r + 1;
    with_type(y.dtype, [&]<class T>(TypeTag<T>) {
        for (const Dims& i : indices(y.shape)) {
            Dims in_a = i, in_b = i;
            in_a[c] = in_b[r] = 0;
            const Sum<T> sum = dot<T>(a, a.offset(in_a), a.strides[c], b, b.offset(in_b), b.strides[r], a.shape[c]);
            if constexpr (std::is_integral_v<T>) y.set_int(i, static_cast<std::int64_t>(sum));
            else y.set(i, sum);
        }
    });
}

const RegisteredOp matmul{{.name = "MatMul", .versions = {{1}, {9}, {13}}, .inputs = {2, 2}, .infer = infer, .reference = reference, .stores = true}};

}  // namespace
}  // namespace tercet
