// SPDX-License-Identifier: Apache-2.0
// Means per channel that calibration finds, and what biases that are corrected by them gain.
#include "api/activations.h"
#include "onnx/testing.h"
#include "ops/testing.h"
#include "system/temporary_folder.h"
#include "tensor/testing.h"
#include "tercet/build.h"
#include "tercet/calibrate.h"
#include "tercet/data.h"
#include "tercet/engine.h"
#include "tercet/inputs.h"
#include "tercet/inspect.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace tercet {
namespace {

using testing::ModelFile;
using testing::node_message;
using testing::random_tensor;
using testing::tensor_message;
using testing::value_message;

const std::filesystem::path fashion = std::filesystem::path(TERCET_SOURCE_DIR) / "examples/fashion_mnist/model.onnx";

// x [batch, 6, 5, 5] -> Conv -> c -> Relu -> r -> Conv -> y, and m = a * u along the last axis of a = |x|.
ModelFile two_convolutions(const std::string& batch) {
    return {.inputs = {value_message("x", DType::f32, {batch, "6", "5", "5"})},
            .outputs = {value_message("y", DType::f32, {batch, "4", "3", "3"}), value_message("m", DType::f32, {batch, "6", "5", "2"})},
            .initializers = {tensor_message("w", random_tensor(DType::f32, {8, 6, 3, 3}, 1)), tensor_message("v", random_tensor(DType::f32, {4, 8, 1, 1}, 2)),
                             tensor_message("u", random_tensor(DType::f32, {5, 2}, 3))},
            .nodes = {node_message("Conv", {"x", "w"}, {"c"}), node_message("Relu", {"c"}, {"r"}), node_message("Conv", {"r", "v"}, {"y"}),
                      node_message("Abs", {"x"}, {"a"}), node_message("MatMul", {"a", "u"}, {"m"})}};
}

class BiasesOfEngines : public ::testing::Test {
protected:
    std::filesystem::path save(const Array& a) {
        const auto file = folder_.path() / "data.npy";
        save_array(file, a.dtype, a.shape, a.data);
        return file;
    }
    std::filesystem::path pictures(std::int64_t n) { return save(random_array(DType::f32, std::vector<std::int64_t>{n, 28, 28, 1}, 1)); }
    std::string calibrator(BuildSettings s) {
        s.precision = "int8";
        s.tune = Tune::none;
        s.output = folder_.path() / "e.engine";
        build(fashion, s);
        return inspect_engine(s.output).plan.calibrator;
    }
    TemporaryFolder folder_;
};

TEST_F(BiasesOfEngines, MeansAreThoseOfTheChannelsThatProductsRead) {
    constexpr std::int64_t n = 37;
    const Array pixels = random_array(DType::f32, std::vector<std::int64_t>{n, 28, 28, 1}, 1);
    const Calibration c = calibrate(fashion, {.data = save(pixels)});
    Graph g = read_model(fashion).graph;
    for (NodeId id : g.order()) {
        if (!g.is(id, "Conv") && !g.is(id, "Gemm")) continue;
        ValueId v = g.input(id, 0);
        if (g.is(g.producer(v), "Flatten")) v = g.input(g.producer(v), 0);
        EXPECT_TRUE(c.means.contains(g.value(v).name)) << g.label(id);
    }
    std::vector<GraphOutput> all;
    for (ValueId v : activations_of(g))
        if (c.means.contains(g.value(v).name)) all.push_back({g.value(v).name, v});
    ASSERT_EQ(all.size(), c.means.size());
    g.set_outputs(all);
    Tensor x = Tensor::zeros(DType::f32, {n, 28, 28, 1});
    std::ranges::copy(pixels.data, x.writable().data);
    const std::vector<Tensor> values = evaluate(g, std::span(&x, 1));
    for (std::size_t i = 0; i < all.size(); ++i) {
        const auto& means = c.means.at(all[i].name);
        const Dims shape = values[i].shape();
        ASSERT_EQ(std::ssize(means), shape[1]) << all[i].name;
        const std::int64_t inner = count_of(shape.part(2));
        std::vector<double> sums(means.size()), magnitudes(means.size());
        for (std::int64_t k = 0; k < values[i].count(); ++k) {
            const auto channel = static_cast<std::size_t>(k / inner % shape[1]);
            sums[channel] += values[i].get(k);
            magnitudes[channel] += std::fabs(values[i].get(k));
        }
        const auto count = static_cast<double>(n * inner);
        for (std::size_t m = 0; m < means.size(); ++m) EXPECT_NEAR(means[m], sums[m] / count, 1e-5 * magnitudes[m] / count + 1e-6) << all[i].name << " " << m;
    }
}

TEST_F(BiasesOfEngines, MeansDoNotDependOnThreadsOrBatches) {
    const auto data = save(random_array(DType::f32, std::vector<std::int64_t>{41, 6, 5, 5}, 1));
    const auto open = folder_.write("open.onnx", two_convolutions("N").bytes()), single = folder_.write("single.onnx", two_convolutions("1").bytes());
    const Calibration one = calibrate(open, {.data = data, .threads = 1});
    EXPECT_EQ(one.means.size(), 3u);
    EXPECT_EQ(one.means.at("r").size(), 8u);
    EXPECT_EQ(one.means.at("a").size(), 5u);  // a matrix: its last axis
    EXPECT_EQ(one.means, calibrate(open, {.data = data, .threads = 3}).means);
    EXPECT_EQ(one.means, calibrate(single, {.data = data, .threads = 2}).means);
}

TEST_F(BiasesOfEngines, CorrectedOnesMissTheMeanOfAChannelByLess) {
    constexpr std::int64_t n = 32, channels = 8, places = 9;
    Tensor x = Tensor::zeros(DType::f32, {n, 6, 5, 5});  // far from 0 on average
    const Tensor noise = random_tensor(DType::f32, x.shape(), 5);
    for (std::int64_t i = 0; i < x.count(); ++i) x.writable().set_at(i, 3 + noise.get(i));
    const std::int64_t shape[] = {n, 6, 5, 5};
    const auto data = folder_.path() / "far.npy";
    save_array(data, DType::f32, shape, std::span(x.data(), x.bytes()));
    ModelFile model = two_convolutions("N");
    model.outputs = {value_message("c", DType::f32, {"N", "8", "3", "3"})};
    model.nodes.resize(1);
    model.initializers.resize(1);
    const auto file = folder_.write("model.onnx", model.bytes());
    const auto means = [&](const std::string& precision, bool corrected) {
        BuildSettings s;
        s.output = folder_.path() / "e.engine";
        s.precision = precision;
        s.bias_correction = corrected;
        s.tune = Tune::none;
        s.calibration = {.data = data, .calibrator = Calibrator::minmax};
        build(file, s);
        Context context(Engine::open(s.output), 2);
        const InputView in{DType::f32, shape, x.data()};
        const auto* y = static_cast<const float*>(context.run({&in, 1})[0].data);
        std::vector<double> sums(channels);
        for (std::int64_t i = 0; i < n * channels * places; ++i) sums[static_cast<std::size_t>(i / places % channels)] += static_cast<double>(y[i]) / (n * places);
        return sums;
    };
    const auto full = means("fp32", true), plain = means("int8", false), corrected = means("int8", true);
    double plain_error = 0, corrected_error = 0;
    for (std::size_t m = 0; m < full.size(); ++m) {
        plain_error += std::fabs(plain[m] - full[m]);
        corrected_error += std::fabs(corrected[m] - full[m]);
    }
    EXPECT_LT(corrected_error, plain_error / 4);
}

TEST_F(BiasesOfEngines, ThePlanSaysWhetherTheyAreCorrected) {
    BuildSettings s;
    s.calibration.data = pictures(8);
    EXPECT_EQ(calibrator(s), "entropy, 8 samples, biases corrected");
    const auto plan = folder_.write("plan.json", inspect_engine(folder_.path() / "e.engine").plan.json);
    s.bias_correction = false;
    EXPECT_EQ(calibrator(s), "entropy, 8 samples");
    BuildSettings planned;  // a plan holds scales, but no means
    planned.plan = plan;
    EXPECT_EQ(calibrator(planned), "entropy, 8 samples");
}

}  // namespace
}  // namespace tercet
