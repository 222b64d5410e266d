// SPDX-License-Identifier: Apache-2.0
#include "graph/dim.h"

#include "tercet/error.h"

#include <gtest/gtest.h>

#include <random>

namespace tercet {
namespace {

const Dim n = Dim::symbol("N"), h = Dim::symbol("H");

TEST(Dim, EqualExpressionsHaveOneForm) {
    EXPECT_EQ(n + n, n * 2);
    EXPECT_EQ(n * h, h * n);
    EXPECT_EQ((n + 1) * (n - 1), n * n - 1);
    EXPECT_EQ(n - n, Dim(0));
    EXPECT_EQ(floor_div(n * 4 + 2, 2), n * 2 + 1);
    EXPECT_EQ(floor_div(n * h * 49, n * 7), h * 7);
    EXPECT_EQ(floor_div(floor_div(h + 1, 2), 3), floor_div(h + 1, 6));
    EXPECT_EQ(max(n, n + 3), n + 3);
    EXPECT_EQ(min(n, h), min(h, n));
    EXPECT_EQ(max(n, min(n, h)), n);
    EXPECT_EQ(min(max(h, n), n), n);
    EXPECT_EQ(max(max(n, h), h), max(n, h));
}

TEST(Dim, PrintsAndParsesBack) {
    for (const Dim& d : {Dim(7), Dim(-7), n, n * 49, n * 2 - 1, floor_div(h + 1, 2) * n + 3, min(n, h) - max(n, Dim(4)), Dim(0) - n})
        EXPECT_EQ(Dim::parse(d.text()), d) << d.text();
    EXPECT_EQ((n * 2 + 1).text(), "2*N + 1");
    EXPECT_EQ(floor_div(h - 3, 2).text(), "floor((H + 1)/(2)) - 2");
}

TEST(Dim, EvaluatesLikeIntegersAndStaysWithinItsBounds) {
    std::mt19937 random(1);
    const auto pick = [&](int lo, int hi) { return static_cast<std::int64_t>(random() % static_cast<unsigned>(hi - lo + 1)) + lo; };
    for (int round = 0; round < 500; ++round) {
        const std::int64_t nv = pick(1, 9), hv = pick(1, 40), c = pick(-5, 5), k = pick(1, 4);
        const Dim d = floor_div(h * 2 + c, k) * n + max(n, h + c);
        const auto floor = [](std::int64_t a, std::int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); };
        const std::int64_t expected = floor(hv * 2 + c, k) * nv + std::max(nv, hv + c);
        EXPECT_EQ(d.evaluate({{"N", nv}, {"H", hv}}), expected);
        const Range r = d.bounds({{"N", {1, 9}}, {"H", {1, 40}}});
        EXPECT_LE(r.min, expected);
        EXPECT_GE(r.max, expected);
    }
}

TEST(Dim, RefusesWhatHasNoValue) {
    EXPECT_THROW(n.evaluate({}), Error);
    EXPECT_THROW(floor_div(n, h).evaluate({{"N", 1}, {"H", 0}}), Error);
    EXPECT_THROW((n * n).evaluate({{"N", std::int64_t{1} << 40}}), Error);
    EXPECT_THROW(Dim::parse("N +"), Error);
    EXPECT_THROW(Dim::parse("99999999999999999999"), Error);
    EXPECT_THROW(Dim::parse(std::string(1000, '(')), Error);
}

}  // namespace
}  // namespace tercet
