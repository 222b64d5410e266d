// SPDX-License-Identifier: Apache-2.0
#include "precision/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

namespace tercet {
namespace {

constexpr float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();

std::vector<float> random_values(std::size_t n, unsigned seed, float most) {
    std::mt19937 random(seed);
    std::vector<float> v(n);
    for (float& x : v) x = (static_cast<float>(random() >> 8) * 0x1p-23F - 1) * most;
    return v;
}

Histogram histogram_of(std::span<const float> values) {
    Histogram h;
    h.add(values);
    return h;
}

TEST(HistogramOfMagnitudes, CountsEveryValueInItsBin) {
    const std::vector<float> values = random_values(10007, 1, 3.7F);
    const Histogram h = histogram_of(values);
    std::vector<std::uint64_t> expected(Histogram::bins);
    float amax = 0;
    for (float x : values) amax = std::max(amax, std::fabs(x));
    EXPECT_EQ(h.amax(), amax);
    EXPECT_EQ(h.width(), 4.0 / Histogram::bins);
    for (float x : values)
        if (x != 0) ++expected[static_cast<std::size_t>(std::fabs(static_cast<double>(x)) / h.width())];
    EXPECT_TRUE(std::ranges::equal(h.counts(), expected));
}

TEST(HistogramOfMagnitudes, IsTheSameInAnyOrderAndShare) {
    std::vector<float> values;
    for (const float most : {0.001F, 1.0F, 300.0F, 0.5F})
        for (float x : random_values(5000, 7, most)) values.push_back(x);
    values.insert(values.begin() + 3000, {0, -0.0F, nan, inf, -inf, 1e-42F});
    const Histogram whole = histogram_of(values);
    std::ranges::reverse(values);
    EXPECT_EQ(histogram_of(values), whole);
    Histogram shared;
    for (std::size_t i = 0; i < values.size(); i += 777) shared.add(histogram_of(std::span(values).subspan(i, std::min<std::size_t>(777, values.size() - i))));
    EXPECT_EQ(shared, whole);
    Histogram piecewise;
    for (float x : values) piecewise.add({&x, 1});
    EXPECT_EQ(piecewise, whole);
}

TEST(HistogramOfMagnitudes, TellsZerosAndWhatIsNoNumberApart) {
    std::vector<float> values(5000, 0.0F);
    values[10] = nan;
    values[4000] = -inf;
    values[4999] = -0.25F;
    const Histogram h = histogram_of(values);
    EXPECT_EQ(h.zeros(), 4997U);
    EXPECT_EQ(h.nans(), 1U);
    EXPECT_EQ(h.infinities(), 1U);
    EXPECT_EQ(h.nonzeros(), 1U);
    EXPECT_EQ(h.amax(), 0.25F);
    EXPECT_EQ(h.counts()[Histogram::bins / 2], 1U);
}

TEST(HistogramOfMagnitudes, WithoutNumbersIsEmpty) {
    const std::vector<float> values{nan, inf, 0, -0.0F};
    const Histogram h = histogram_of(values);
    EXPECT_EQ(h.amax(), 0);
    EXPECT_EQ(h.nonzeros(), 0U);
    EXPECT_EQ(h.zeros(), 2U);
    EXPECT_EQ(h.mean_square(), 0);
    EXPECT_EQ(histogram_of({}), Histogram{});
}

TEST(HistogramOfMagnitudes, HoldsTheWholeRangeOfFloat) {
    for (const float x : {std::numeric_limits<float>::denorm_min(), std::numeric_limits<float>::min(), 1.0F, std::numeric_limits<float>::max()}) {
        const Histogram h = histogram_of({&x, 1});
        EXPECT_EQ(h.amax(), x);
        EXPECT_EQ(h.nonzeros(), 1U);
        EXPECT_LT(x, Histogram::bins * h.width());
    }
    const std::vector<float> far{std::numeric_limits<float>::denorm_min(), std::numeric_limits<float>::max()};
    EXPECT_EQ(histogram_of(far).counts()[0], 1U);
    Histogram merged = histogram_of({far.data(), 1});
    merged.add(histogram_of({far.data() + 1, 1}));
    EXPECT_EQ(merged, histogram_of(far));
}

TEST(HistogramOfMagnitudes, CountsBeyondWhat32BitsHold) {
    Histogram h = histogram_of(std::vector<float>(1 << 20, 1.0F));
    for (int i = 0; i < 14; ++i) h.add(Histogram(h));  // doubled each time
    EXPECT_EQ(h.nonzeros(), std::uint64_t{1} << 34);
}

TEST(HistogramOfMagnitudes, MeanSquareIsThatOfTheValues) {
    const std::vector<float> values = random_values(20000, 3, 2.0F);
    const double exact = std::accumulate(values.begin(), values.end(), 0.0, [](double s, float x) { return s + x * x; }) / 20000;
    EXPECT_NEAR(histogram_of(values).mean_square(), exact, 1e-3 * exact);
}

TEST(HistogramOfMagnitudes, CoarserHasTwiceTheWidth) {
    const Histogram h = histogram_of(random_values(5000, 5, 2.0F)), c = h.coarser();
    EXPECT_EQ(c.width(), 2 * h.width());
    EXPECT_EQ(c.nonzeros(), h.nonzeros());
    EXPECT_EQ(c.amax(), h.amax());
}

}  // namespace
}  // namespace tercet
