// SPDX-License-Identifier: Apache-2.0
// Rows of attention scores: see ScaledSoftmax.
#include "cpu/simd/exp.h"
#include "cpu/simd/parts.h"

namespace tercet::simd {
namespace {

void scaled(float* x, const float* addend, float scale, std::int64_t n) noexcept {
    const Floats none = all(-__builtin_inff());
    const auto part = [&](std::int64_t i) { return n - i < lanes ? n - i : static_cast<std::int64_t>(lanes); };
    const auto read = [](const float* p, std::int64_t k) { return k == lanes ? load(p) : load_part(p, k); };
    const auto write = [](float* p, Floats v, std::int64_t k) { k == lanes ? store(p, v) : store_part(p, v, k); };
    Ints index;
    for (int i = 0; i < lanes; ++i) index[i] = i;
    const auto filled = [&](Floats v, std::int64_t k, Floats fill) { return k == lanes ? v : index < static_cast<std::int32_t>(k) ? v : fill; };

    Floats most = none;
    for (std::int64_t i = 0; i < n; i += lanes) {
        const std::int64_t k = part(i);
        Floats v = read(x + i, k) * scale;
        if (addend) v += read(addend + i, k);
        write(x + i, v, k);
        most = max(most, filled(v, k, none));
    }
    most = over_lanes(most, [](Floats a, Floats b) { return max(a, b); });
    if (most[0] == none[0]) {  // nothing is seen
        for (std::int64_t i = 0; i < n; i += lanes) write(x + i, Floats{}, part(i));
        return;
    }
    Floats sum{};
    for (std::int64_t i = 0; i < n; i += lanes) {
        const std::int64_t k = part(i);
        const Floats e = filled(exp(read(x + i, k) - most), k, Floats{});
        write(x + i, e, k);
        sum += e;
    }
    const Floats share = 1.0f / over_lanes(sum, [](Floats a, Floats b) { return a + b; });
    for (std::int64_t i = 0; i < n; i += lanes) {
        const std::int64_t k = part(i);
        write(x + i, read(x + i, k) * share, k);
    }
}

}  // namespace

namespace TERCET_LEVEL {
const ScaledSoftmax scaled_softmax = scaled;
}  // namespace TERCET_LEVEL

}  // namespace tercet::simd
