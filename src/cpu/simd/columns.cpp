// SPDX-License-Identifier: Apache-2.0
// Loops down the columns of a matrix whose rows lie at any distance: reductions, softmax, the place of the greatest.
#include "cpu/simd/exp.h"
#include "cpu/simd/loops.h"
#include "cpu/simd/parts.h"

namespace tercet::simd {
namespace {

// Calls strip(c, k, vectors<n>) for strips of n vectors, then of one (k: columns in use of the last).
template <int n>
struct Vectors {
    static constexpr int count = n;
};
template <class Strip>
inline void for_strips(std::int64_t columns, Strip strip) {
    std::int64_t c = 0;
    for (; c + 4 * lanes <= columns; c += 4 * lanes) strip(c, static_cast<std::int64_t>(lanes), Vectors<4>());
    for (; c < columns; c += lanes) strip(c, columns - c < lanes ? columns - c : static_cast<std::int64_t>(lanes), Vectors<1>());
}

// Blocks of rows are summed apart, so that long columns lose no more than short ones.
template <class Add>
inline void add_columns(float* y, const float* x, std::int64_t rows, std::int64_t step, std::int64_t columns, Add add) {
    constexpr std::int64_t block = 64;
    for_strips(columns, [&]<class V>(std::int64_t c, std::int64_t k, V) {
        Floats total[V::count];
        for (int v = 0; v < V::count; ++v) total[v] = load(y + c + v * lanes, k);
        for (std::int64_t first = 0; first < rows; first += block) {
            Floats part[V::count]{};
            for (std::int64_t r = first; r < (rows - first < block ? rows : first + block); ++r)
#pragma GCC unroll 4
                for (int v = 0; v < V::count; ++v) part[v] = add(part[v], load(x + r * step + c + v * lanes, k), c + v * lanes, k);
            for (int v = 0; v < V::count; ++v) total[v] += part[v];
        }
        for (int v = 0; v < V::count; ++v) store(y + c + v * lanes, total[v], k);
    });
}

template <class Better>
inline void choose_columns(float* y, const float* x, std::int64_t rows, std::int64_t step, std::int64_t columns, Better better) {
    for_strips(columns, [&]<class V>(std::int64_t c, std::int64_t k, V) {
        Floats m[V::count];
        for (int v = 0; v < V::count; ++v) m[v] = load(y + c + v * lanes, k);
        for (std::int64_t r = 0; r < rows; ++r)
#pragma GCC unroll 4
            for (int v = 0; v < V::count; ++v) m[v] = better(m[v], load(x + r * step + c + v * lanes, k));
        for (int v = 0; v < V::count; ++v) store(y + c + v * lanes, m[v], k);
    });
}

void sum(float* y, const float* x, std::int64_t rows, std::int64_t step, std::int64_t columns) noexcept {
    add_columns(y, x, rows, step, columns, [](Floats s, Floats v, std::int64_t, std::int64_t) { return s + v; });
}
void sum_magnitudes(float* y, const float* x, std::int64_t rows, std::int64_t step, std::int64_t columns) noexcept {
    add_columns(y, x, rows, step, columns, [](Floats s, Floats v, std::int64_t, std::int64_t) { return s + magnitude(v); });
}
void sum_squares(float* y, const float* x, std::int64_t rows, std::int64_t step, std::int64_t columns) noexcept {
    add_columns(y, x, rows, step, columns, [](Floats s, Floats v, std::int64_t, std::int64_t) { return fma(v, v, s); });
}
void sum_deviations(float* y, const float* x, const float* mean, std::int64_t rows, std::int64_t step, std::int64_t columns) noexcept {
    add_columns(y, x, rows, step, columns, [=](Floats s, Floats v, std::int64_t c, std::int64_t k) {
        const Floats d = v - load(mean + c, k);
        return fma(d, d, s);
    });
}
void maximum(float* y, const float* x, std::int64_t rows, std::int64_t step, std::int64_t columns) noexcept {
    choose_columns(y, x, rows, step, columns, greater);
}
void minimum(float* y, const float* x, std::int64_t rows, std::int64_t step, std::int64_t columns) noexcept {
    choose_columns(y, x, rows, step, columns, less);
}

void softmax(float* y, const float* x, std::int64_t n, std::int64_t step, std::int64_t columns) noexcept {
    for_strips(columns, [&]<class V>(std::int64_t c, std::int64_t k, V) {
        Floats most[V::count], total[V::count]{};
        for (int v = 0; v < V::count; ++v) most[v] = load(x + c + v * lanes, k);
        for (std::int64_t i = 1; i < n; ++i)
#pragma GCC unroll 4
            for (int v = 0; v < V::count; ++v) most[v] = max(most[v], load(x + i * step + c + v * lanes, k));
        for (std::int64_t i = 0; i < n; ++i)
            for (int v = 0; v < V::count; ++v) {
                const Floats e = exp(load(x + i * step + c + v * lanes, k) - most[v]);
                store(y + i * step + c + v * lanes, e, k);
                total[v] += e;
            }
        for (int v = 0; v < V::count; ++v) total[v] = 1.0f / total[v];
        for (std::int64_t i = 0; i < n; ++i)
#pragma GCC unroll 4
            for (int v = 0; v < V::count; ++v) {
                float* at = y + i * step + c + v * lanes;
                store(at, load(at, k) * total[v], k);
            }
    });
}

// Lanes where `a` takes the place of `b`, which stands before it; the least is the greatest of the negated.
inline Ints wins(Floats a, Floats b, bool last) { return last ? (a >= b) | (a != a) : (a > b) | ((a != a) & (b == b)); }

template <bool least>
inline Floats signed_load(const float* p, std::int64_t k) { return least ? -load(p, k) : load(p, k); }

template <bool least>
void arg_columns(std::int64_t* y, const float* x, std::int64_t n, std::int64_t step, std::int64_t columns, bool last) noexcept {
    for_vectors(columns, [&](std::int64_t c, std::int64_t k) {
        Floats most = signed_load<least>(x + c, k);
        Ints place{};
        for (std::int64_t i = 1; i < n; ++i) {
            const Floats v = signed_load<least>(x + i * step + c, k);
            const Ints better = wins(v, most, last);
            most = better ? v : most;
            place = better ? static_cast<std::int32_t>(i) - Ints{} : place;
        }
        for (std::int64_t i = 0; i < k; ++i) y[c + i] = place[i];
    });
}

template <bool least>
std::int64_t arg_row(const float* x, std::int64_t n, bool last) noexcept {
    const auto value = [&](std::int64_t i) { return least ? -x[i] : x[i]; };
    std::int64_t best = 0, done = 0;
    if (n >= 2 * lanes) {  // every lane's best of its own, then the best of these
        Floats most = signed_load<least>(x, lanes);
        Ints place, index;
        for (int i = 0; i < lanes; ++i) place[i] = index[i] = i;
        for (done = lanes; done + lanes <= n; done += lanes) {
            index += lanes;
            const Floats v = signed_load<least>(x + done, lanes);
            const Ints better = wins(v, most, last);
            most = better ? v : most;
            place = better ? index : place;
        }
        best = place[0];
        for (int i = 1; i < lanes; ++i) {
            const float a = most[i], b = value(best);
            const bool equal = a == b || (a != a && b != b);
            if (equal ? last == (place[i] > best) : a > b || (a != a && b == b)) best = place[i];
        }
    }
    for (std::int64_t i = done; i < n; ++i) {
        const float a = value(i), b = value(best);
        if (last ? a >= b || a != a : a > b || (a != a && b == b)) best = i;
    }
    return best;
}

}  // namespace

namespace TERCET_LEVEL {
const ColumnReductions column_reductions{sum, sum_magnitudes, sum_squares, maximum, minimum, sum_deviations};
const ArgReductions arg_reductions{arg_row<false>, arg_row<true>, arg_columns<false>, arg_columns<true>};
const SoftmaxColumns softmax_columns = softmax;
}  // namespace TERCET_LEVEL

}  // namespace tercet::simd
