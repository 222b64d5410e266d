// SPDX-License-Identifier: Apache-2.0
#include "tercet/calibrate.h"

#include "api/activations.h"
#include "onnx/read_model.h"
#include "onnx/testing.h"
#include "ops/testing.h"
#include "precision/calibrators.h"
#include "system/temporary_folder.h"
#include "tensor/testing.h"
#include "tercet/data.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <random>

namespace tercet {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using testing::error_of;
using testing::typed_graph;

const std::filesystem::path fashion = std::filesystem::path(TERCET_SOURCE_DIR) / "examples/fashion_mnist/model.onnx";

std::vector<float> random_floats(std::size_t n, float most = 1) {
    std::mt19937 random(1);
    std::vector<float> v(n);
    for (float& x : v) x = static_cast<float>(random() >> 8) * 0x1p-24f * most;
    return v;
}

class Calibrations : public ::testing::Test {
protected:
    std::filesystem::path save(const std::vector<std::int64_t>& shape, const std::vector<float>& values, std::string_view name = "data.npy") {
        const auto file = folder_.path() / name;
        save_array(file, DType::f32, shape, std::as_bytes(std::span(values)));
        return file;
    }
    Calibration run(CalibrationSettings settings) {
        settings.warn = [this](const std::string& line) { warnings_.push_back(line); };
        return calibrate(fashion, settings);
    }
    TemporaryFolder folder_;
    std::vector<std::string> warnings_;
};

TEST_F(Calibrations, EveryTensorHasTheScaleOfItsValues) {
    const std::vector<float> pixels = random_floats(5 * 784);
    const Calibration c = run({.data = save({5, 28, 28, 1}, pixels), .calibrator = Calibrator::minmax});
    Graph g = read_model(fashion).graph;
    std::vector<GraphOutput> all;
    for (ValueId v : activations_of(g)) all.push_back({g.value(v).name, v});
    g.set_outputs(all);
    const Tensor batch = Tensor::of<float>(DType::f32, {5, 28, 28, 1}, pixels);
    const std::vector<Tensor> expected = evaluate(g, std::span(&batch, 1));
    ASSERT_EQ(c.scales.size(), all.size());
    EXPECT_EQ(c.samples, 5);
    for (std::size_t i = 0; i < all.size(); ++i) {
        double amax = 0;
        for (std::int64_t k = 0; k < expected[i].count(); ++k) amax = std::max(amax, std::fabs(expected[i].get(k)));
        ASSERT_TRUE(c.scales.contains(all[i].name)) << all[i].name;
        EXPECT_NEAR(c.scales.at(all[i].name), amax / 127, 1e-4 * amax / 127) << all[i].name;
    }
}

TEST_F(Calibrations, DoNotDependOnThreads) {
    CalibrationSettings s{.data = save({70, 28, 28, 1}, random_floats(70 * 784)), .samples = 50};
    s.threads = 1;
    const Calibration one = run(s);
    s.threads = 3;
    const Calibration three = run(s);
    EXPECT_EQ(one.scales, three.scales);
    EXPECT_EQ(one.spread, three.spread);
}

TEST_F(Calibrations, TheSeedChoosesTheSamples) {
    CalibrationSettings s{.data = save({70, 28, 28, 1}, random_floats(70 * 784)), .samples = 10};
    const Calibration one = run(s), again = run(s);
    s.seed = 2;
    EXPECT_EQ(one.scales, again.scales);
    EXPECT_NE(one.scales, run(s).scales);
}

TEST_F(Calibrations, ArraysOfOtherLayoutsAreTold) {
    const std::string error = error_of([&] { run({.data = save({4, 3, 28, 28}, random_floats(4 * 3 * 784))}); });
    EXPECT_THAT(error, HasSubstr("a sample is [3, 28, 28]"));
    EXPECT_THAT(error_of([&] { run({.data = save({4, 1, 32, 32}, random_floats(4096))}); }), HasSubstr("--resize"));
    EXPECT_EQ(run({.data = save({4, 1, 28, 28}, random_floats(4 * 784))}).samples, 4);  // of one channel, both are the same
}

TEST_F(Calibrations, PixelsThatAreNotScaledAreTold) {
    run({.data = save({40, 28, 28, 1}, random_floats(40 * 784, 255))});
    EXPECT_THAT(warnings_, Contains(HasSubstr("0 to 1")));
    warnings_.clear();
    run({.data = save({40, 28, 28, 1}, random_floats(40 * 784))});
    EXPECT_THAT(warnings_, ::testing::Not(Contains(HasSubstr("0 to 1"))));
}

TEST_F(Calibrations, ConstantSamplesAreNamed) {
    std::vector<float> pixels = random_floats(20 * 784);
    std::fill_n(pixels.begin() + 5 * 784, 784, 0.5F);
    run({.data = save({20, 28, 28, 1}, pixels)});
    EXPECT_THAT(warnings_, Contains(::testing::AllOf(HasSubstr("1 of the samples have one value throughout"), HasSubstr("sample 5"))));
}

TEST_F(Calibrations, SamplesThatAreNoNumbersAreLeftOutUpToOnePercent) {
    std::vector<float> pixels = random_floats(100 * 784);
    pixels[3 * 784] = std::nanf("");
    const Calibration c = run({.data = save({100, 28, 28, 1}, pixels)});
    EXPECT_EQ(c.samples, 99);
    EXPECT_EQ(c.skipped, 1);
    EXPECT_THAT(warnings_, Contains(HasSubstr("sample 3")));
    pixels[4 * 784] = INFINITY;
    EXPECT_THAT(error_of([&] { run({.data = save({100, 28, 28, 1}, pixels)}); }), HasSubstr("2 of 100 samples cannot be used"));
}

TEST_F(Calibrations, FewSamplesAreTold) {
    run({.data = save({1, 28, 28, 1}, random_floats(784))});
    EXPECT_THAT(warnings_, Contains(HasSubstr("one sample")));
    std::vector<float> pixels = random_floats(8 * 784);
    for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] *= static_cast<float>(std::pow(2.0, -static_cast<double>(i / 784)));
    warnings_.clear();
    EXPECT_GT(run({.data = save({8, 28, 28, 1}, pixels)}).spread, 0.05);
    EXPECT_THAT(warnings_, Contains(HasSubstr("--calib-samples")));
}

TEST_F(Calibrations, TensorFilesAreSamples) {
    for (int i = 0; i < 5; ++i) write_tensor(folder_.path() / fmt::format("{}.pb", i), "image", Tensor::of<float>(DType::f32, {1, 28, 28, 1}, random_floats(784)));
    EXPECT_EQ(run({.data = folder_.path()}).samples, 5);
}

TEST_F(Calibrations, RefuseSettingsWithoutSense) {
    const auto data = save({4, 28, 28, 1}, random_floats(4 * 784));
    EXPECT_THAT(error_of([&] { run({.data = data, .samples = 0}); }), HasSubstr("at least one"));
    EXPECT_THAT(error_of([&] { run({.data = data, .percentile = 0}); }), HasSubstr("percentile"));
    EXPECT_THAT(error_of([&] { run({}); }), HasSubstr("no data"));
}

// A graph as text, on all its activations.
TEST(ActivationsOfAModel, AreThoseOfTheGraphAsRead) {
    const Graph g = typed_graph(R"((f32[N,3,5,5] x) => (f32[N,8] y) {
        c = Conv<pads = [1, 1, 1, 1]>(x, random[8,3,3,3])
        n = BatchNormalization(c, random[8], random[8], random[8], positive[8])
        r = Relu(n)
        t = Transpose<perm = [0, 2, 3, 1]>(r)
        p = GlobalAveragePool(r)
        y = Flatten(p) })");
    std::vector<std::string> names;
    std::vector<GraphOutput> all;
    for (ValueId v : activations_of(g)) {
        names.push_back(g.value(v).name);
        all.push_back({names.back(), v});
    }
    EXPECT_THAT(names, ::testing::ElementsAre("x", "c", "n", "r", "t", "p", "y"));
    Activations a(g, {{"N", {1, 4, 4}}}, "N", host_isa(), 2);
    Graph whole = g;
    whole.set_outputs(all);
    for (const std::int64_t n : {4, 1}) {
        const std::int64_t shape[] = {n, 3, 5, 5};
        const Tensor x = Tensor::of<float>(DType::f32, {n, 3, 5, 5}, random_floats(static_cast<std::size_t>(n) * 75));
        const std::vector<Tensor> expected = evaluate(whole, std::span(&x, 1));
        const InputView view{DType::f32, shape, x.data()};
        const auto& seen = a.run({&view, 1});
        ASSERT_EQ(seen.size(), names.size());
        for (std::size_t i = 0; i < seen.size(); ++i) {
            SCOPED_TRACE(names[i]);
            std::vector<float> got(seen[i].values.begin(), seen[i].values.end()), want(reinterpret_cast<const float*>(expected[i].data()), reinterpret_cast<const float*>(expected[i].data()) + expected[i].count());
            EXPECT_TRUE(seen[i].by_sample);
            std::ranges::sort(got);
            std::ranges::sort(want);
            ASSERT_EQ(got.size(), want.size());
            for (std::size_t k = 0; k < got.size(); ++k) ASSERT_NEAR(got[k], want[k], 1e-5);
        }
    }
}

}  // namespace
}  // namespace tercet
