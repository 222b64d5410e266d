// SPDX-License-Identifier: Apache-2.0
// GlobalAveragePool, GlobalMaxPool, GlobalLpPool: [N, C, spatial...] -> [N, C, 1...], one number out of every channel.
#include "ops/old_forms.h"
#include "ops/op.h"
#include "ops/require.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

namespace tercet {
namespace {

void infer(Inference& c) {
    require_float(c, 0);
    require_rank(c, 0, 2);
    if (const auto p = c.attributes().integer("p", 2); p < 1)
        throw Error({.what = fmt::format("attribute 'p' is {}", p), .fix = "it must be at least 1"});
    Shape y(c.shape(0).size(), Dim(1));
    y[0] = c.shape(0)[0];
    y[1] = c.shape(0)[1];
    c.set(0, c.dtype(0), std::move(y));
}

// y[n,c] = last(step(... step(start, x0) ..., xk), number of elements)
template <class Step, class Last>
void fold(const Call& call, double start, Step&& step, Last&& last) {
    const View &x = call.in[0], &y = call.out[0];
    const Dims spatial = x.shape.part(2);
    for (const Dims& o : indices(y.shape)) {
        double v = start;
        Dims at = o;
        for (const Dims& s : indices(spatial)) {
            for (int i = 0; i < s.size(); ++i) at[2 + i] = s[i];
            v = step(v, x.get(at));
        }
        y.set(o, last(v, static_cast<double>(count_of(spatial))));
    }
}

void reference_average(const Call& call) {
    fold(call, 0, [](double sum, double x) { return sum + x; }, [](double sum, double count) { return sum / count; });
}

void reference_max(const Call& call) {
    fold(call, -std::numeric_limits<double>::infinity(), [](double best, double x) { return std::isnan(best) || x <= best ? best : x; },
         [](double best, double) { return best; });
}

void reference_lp(const Call& call) {
    const auto p = static_cast<double>(call.attributes().integer("p", 2));
    fold(call, 0, [p](double sum, double x) { return sum + std::pow(std::fabs(x), p); }, [p](double sum, double) { return std::pow(sum, 1 / p); });
}

const RegisteredOp average{{.name = "GlobalAveragePool", .versions = {{1}, {22}}, .infer = infer, .reference = reference_average, .channels = true, .stores = true}};
const RegisteredOp maximum{{.name = "GlobalMaxPool", .versions = {{1}, {22}}, .infer = infer, .reference = reference_max, .channels = true}};
const RegisteredOp lp{{.name = "GlobalLpPool", .versions = {{1}, {2, whole_power}, {22}},
                       .attributes = {{"p", AttributeKind::integer}, {"p", AttributeKind::real}}, .infer = infer, .reference = reference_lp, .channels = true}};

}  // namespace
}  // namespace tercet
