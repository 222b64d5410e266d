// SPDX-License-Identifier: Apache-2.0
#include "precision/calibrators.h"

#include "tensor/testing.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace tercet {
namespace {

// 16 bits of a linear congruential generator, over 2^16: the same here and in tests/interop/entropy_thresholds.py.
class Uniform {
public:
    explicit Uniform(std::uint32_t seed) : state_(seed) {}
    double operator()() {
        state_ = state_ * 1664525U + 1013904223U;
        return (state_ >> 16) / 65536.0;
    }

private:
    std::uint32_t state_;
};

std::vector<float> bell(std::uint32_t seed, std::size_t n, double factor = 1) {
    Uniform uniform(seed);
    std::vector<float> v(n);
    for (float& x : v) {
        double sum = -3;
        for (int i = 0; i < 6; ++i) sum += uniform();
        x = static_cast<float>(sum * factor);
    }
    return v;
}

std::vector<float> joined(std::vector<float> a, const std::vector<float>& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

std::vector<float> long_tail() {
    Uniform uniform(2);
    std::vector<float> v(20000);
    for (float& x : v) {
        const double u = uniform();
        x = static_cast<float>(u / (1.01 - u));
    }
    return v;
}

std::vector<float> two_bells() {
    std::vector<float> v = bell(1, 100000);
    for (std::size_t i = 0; i < 50000; ++i) v[i] /= 8;
    return v;
}

Histogram histogram_of(std::span<const float> values) {
    Histogram h;
    h.add(values);
    return h;
}

// Each count multiplied by 1000.
Histogram thousand_times(const Histogram& h) {
    Histogram sum;
    for (int i = 0; i < 1000; ++i) sum.add(h);
    return sum;
}

double threshold(const Histogram& h, Calibrator c, double percentile = 99.99) { return threshold_of(h, c, percentile); }

// Thresholds by onnxruntime 1.32's HistogramCollector.get_entropy_threshold on the same histograms, mirrored, at 256 quantized bins,
// which are 128 levels of |x|. tests/interop/entropy_thresholds.py prints them. Those of the far outliers are what it finds
// with its divergences in double: they are equal to six digits from 4 to 5.4, where its float32 takes 4.9375 and 4.0625.
TEST(EntropyCalibrator, AgreesWithOnnxruntimeOnTheSameHistogram) {
    struct Case {
        const char* name;
        std::vector<float> values;
        double amax, once, thousandfold;
    };
    const std::vector<float> x = bell(1, 100000);
    const std::vector<Case> cases{{"a bell", x, 2.6318, 2.5010, 2.5010},
                                  {"a bell with outliers", joined(x, bell(3, 50, 8)), 12.1490, 3.0391, 3.0391},
                                  {"a bell with a few far outliers", joined(x, {25, -31, 40}), 40, 5.3750, 5.3750},
                                  {"a long tail", long_tail(), 99.6927, 64.3438, 80.3438},
                                  {"two bells", two_bells(), 2.5765, 2.3779, 2.5195}};
    for (const Case& c : cases) {
        SCOPED_TRACE(c.name);
        const Histogram h = histogram_of(c.values);
        EXPECT_NEAR(h.amax(), c.amax, 1e-4);
        EXPECT_NEAR(threshold(h, Calibrator::entropy), c.once, 0.02 * c.once);
        EXPECT_NEAR(threshold(thousand_times(h), Calibrator::entropy), c.thousandfold, 0.02 * c.thousandfold);
        EXPECT_LT(threshold(h, Calibrator::entropy), h.amax());
    }
}

TEST(EntropyCalibrator, KeepsTheWholeRangeWhereNothingIsRare) {
    std::vector<float> values(100000);
    Uniform uniform(5);
    for (float& x : values) x = static_cast<float>(uniform());
    EXPECT_GT(threshold(histogram_of(values), Calibrator::entropy), 0.99);
}

TEST(EntropyCalibrator, ZerosTakeNoPart) {
    const std::vector<float> x = joined(bell(1, 100000), bell(3, 50, 8));
    EXPECT_EQ(threshold(histogram_of(joined(x, std::vector<float>(500000, 0))), Calibrator::entropy), threshold(histogram_of(x), Calibrator::entropy));
}

TEST(Calibrators, OneValueIsItsOwnThreshold) {
    for (const auto c : {Calibrator::entropy, Calibrator::minmax, Calibrator::mse})
        for (const std::size_t n : {1, 100, 100000})
            for (const float x : {3.0F, -1.0F, 1e-42F, std::numeric_limits<float>::max()}) {
                SCOPED_TRACE(std::string(name_of(c)) + " " + std::to_string(n) + " " + std::to_string(x));
                const double t = threshold(histogram_of(std::vector<float>(n, x)), c);
                EXPECT_LE(t, std::fabs(x));
                EXPECT_GE(t, 0.99 * std::fabs(x));
            }
}

TEST(Calibrators, FewValuesKeepTheGreatest) {
    const std::vector<float> values{0.1F, -0.2F, 5.0F};
    EXPECT_EQ(threshold(histogram_of(values), Calibrator::entropy), 5.0);
    EXPECT_EQ(threshold(histogram_of(values), Calibrator::minmax), 5.0);
}

TEST(Calibrators, NothingButZerosLeavesAUsableScale) {
    for (const auto c : {Calibrator::entropy, Calibrator::minmax, Calibrator::percentile, Calibrator::mse}) {
        EXPECT_EQ(threshold(histogram_of(std::vector<float>(100, 0)), c), 0);
        EXPECT_EQ(threshold(Histogram{}, c), 0);
    }
    EXPECT_EQ(scale_of(0), 1.0F / 127);
    EXPECT_EQ(scale_of(1e-42), std::numeric_limits<float>::min());
    EXPECT_EQ(scale_of(127), 1.0F);
}

TEST(PercentileCalibrator, IsWhatSoManyDoNotExceed) {
    std::vector<float> values;
    for (int i = 1; i <= 1000; ++i) values.push_back(static_cast<float>(i) * (i % 2 ? 1.0F : -1.0F));
    const Histogram h = histogram_of(values);
    for (const double p : {1.0, 50.0, 90.0, 99.0, 99.9}) EXPECT_NEAR(threshold(h, Calibrator::percentile, p), 10 * p, 1.01) << p;
    EXPECT_EQ(threshold(h, Calibrator::percentile, 100), 1000);
}

TEST(PercentileCalibrator, CountsZerosAndIsNeverZero) {
    std::vector<float> values(9000, 0.0F);
    for (int i = 1; i <= 1000; ++i) values.push_back(static_cast<float>(i));
    const Histogram h = histogram_of(values);
    EXPECT_NEAR(threshold(h, Calibrator::percentile, 95), 500, 1.01);
    EXPECT_GT(threshold(h, Calibrator::percentile, 10), 0);
}

TEST(MseCalibrator, FindsTheLeastSquaredError) {
    const std::vector<float> values = joined(bell(1, 100000), bell(3, 50, 8));
    const auto error = [&](double t) {
        const double scale = t / 127;
        double sum = 0;
        for (float x : values) {
            const double q = std::clamp(std::nearbyint(x / scale), -127.0, 127.0) * scale;
            sum += (x - q) * (x - q);
        }
        return sum;
    };
    const Histogram h = histogram_of(values);
    const double found = error(threshold(h, Calibrator::mse));
    EXPECT_LT(threshold(h, Calibrator::mse), h.amax());
    for (double t = 1; t <= h.amax(); t += 0.05) EXPECT_LE(found, 1.01 * error(t)) << t;
}

TEST(Calibrators, AreFoundByName) {
    for (const auto c : {Calibrator::entropy, Calibrator::minmax, Calibrator::percentile, Calibrator::mse}) EXPECT_EQ(calibrator_named(name_of(c)), c);
    EXPECT_NE(testing::error_of([] { calibrator_named("max"); }).find("entropy, minmax, percentile, mse"), std::string::npos);
}

}  // namespace
}  // namespace tercet
