// SPDX-License-Identifier: Apache-2.0
// y = alpha * a' * b' + beta * c      a' [M, K], b' [K, N]: a and b, transposed if transA, transB say so; c broadcasts to [M, N]
#include "ops/dot.h"
#include "ops/old_forms.h"
#include "ops/op.h"
#include "ops/require.h"

#include <fmt/format.h>

namespace tercet {
namespace {

void infer(Inference& c) {
    if (const DType t = c.dtype(0); t != DType::i32 && t != DType::i64 && t != DType::u32 && t != DType::u64) require_float(c, 0);
    for (std::size_t i : {1, 2}) require_same_type(c, i);
    for (std::size_t i : {0, 1}) require_rank(c, i, 2, 2);
    const bool ta = c.attributes().integer("transA", 0) != 0, tb = c.attributes().integer("transB", 0) != 0;
    const Dim &m = c.shape(0)[ta], &ka = c.shape(0)[!ta], &kb = c.shape(1)[tb], &n = c.shape(1)[!tb];
    if (!may_equal(ka, kb))
        throw Error({.what = fmt::format("a matrix with {} columns times one with {} rows", ka.text(), kb.text()),
                     .fix = "compare 'transA' and 'transB' with the shapes"});
    if (c.has(2)) {
        bool fits = c.rank(2) <= 2;
        for (std::size_t i = 0; fits && i < c.shape(2).size(); ++i) {
            const Dim& d = c.shape(2)[i];
            fits = d == Dim(1) || may_equal(d, i + 1 == c.shape(2).size() ? n : m);
        }
        if (!fits)
            throw Error({.what = fmt::format("input 2 of shape [{}] does not broadcast to [{}]", text_of(c.shape(2)), text_of({m, n})),
                         .fix = "compare the inputs' shapes"});
    }
    c.set(0, c.dtype(0), {m, n});
}

void reference(const Call& call) {
    const Attributes& attributes = call.attributes();
    const View& y = call.out[0];
    const View a = attributes.integer("transA", 0) != 0 ? call.in[0].permuted({1, 0}) : call.in[0];
    const View b = attributes.integer("transB", 0) != 0 ? call.in[1].permuted({1, 0}) : call.in[1];
    const View c = call.has(2) ? checked_broadcast(call.in[2], y.shape, "input 2 does not broadcast to the product") : View();
    const double alpha = attributes.real("alpha", 1), beta = attributes.real("beta", 1);
    require_at_run(a.shape[1] == b.shape[0], "the matrices' shapes do not fit");
    with_type(y.dtype, [&]<class T>(TypeTag<T>) {
        for (const Dims& i : indices(y.shape)) {
            const Sum<T> product = dot<T>(a, i[0] * a.strides[0], a.strides[1], b, i[1] * b.strides[1], b.strides[0], a.shape[1]);
            if constexpr (std::is_integral_v<T>) {
                if (alpha == 1 && (beta == 1 || !c))
                    y.set_int(i, static_cast<std::int64_t>(product + static_cast<std::uint64_t>(c ? c.get_int(i) : 0)));
                else
                    y.set(i, alpha * static_cast<double>(static_cast<T>(product)) + (c ? beta * c.get(i) : 0));
            } else {
                y.set(i, alpha * product + (c ? beta * c.get(i) : 0));
            }
        }
    });
}

// Without it, c had to have the product's shape already.
void drop_broadcast(Graph& g, NodeId id) { take_integer(g, id, "broadcast"); }

const RegisteredOp gemm{{.name = "Gemm", .versions = {{1}, {6}, {7, drop_broadcast}, {9}, {11}, {13}}, .inputs = {2, 3},
                         .attributes = {{"alpha", AttributeKind::real}, {"beta", AttributeKind::real}, {"transA", AttributeKind::integer},
                                        {"transB", AttributeKind::integer}},
                         .infer = infer, .reference = reference, .stores = true}};

}  // namespace
}  // namespace tercet
