// SPDX-License-Identifier: Apache-2.0
// Rows of attention scores: see ScaledSoftmax.
#include "cpu/simd/exp.h"
#include "cpu/simd/loops.h"
#include "cpu/simd/parts.h"

namespace tercet::simd {
namespace {

void scaled(float* x, const float* addend, float scale, std::int64_t n) noexcept {
    const Floats none = all(-__builtin_inff());

    Floats most = none;
    for_vectors(n, [&](std::int64_t i, std::int64_t k) {
        Floats v = load(x + i, k);
        v = addend ? fma(v, all(scale), load(addend + i, k)) : v * scale;
        store(x + i, v, k);
        most = max(most, k < lanes ? filled(v, k, none) : v);
    });
    most = over_lanes(most, greater);
    if (most[0] == none[0]) {  // nothing is seen
        for_vectors(n, [&](std::int64_t i, std::int64_t k) { store(x + i, Floats{}, k); });
        return;
    }
    Sums sums;
    for_parts(n, [&](int p, std::int64_t i, std::int64_t k) {
        Floats e = exp(load(x + i, k) - most);
        if (k < lanes) e = filled(e, k, Floats{});
        store(x + i, e, k);
        sums.part[p] += e;
    });
    const Floats share = 1.0f / total_of(sums);
    for_vectors(n, [&](std::int64_t i, std::int64_t k) { store(x + i, load(x + i, k) * share, k); });
}

}  // namespace

namespace TERCET_LEVEL {
const ScaledSoftmax scaled_softmax = scaled;
}  // namespace TERCET_LEVEL

}  // namespace tercet::simd
