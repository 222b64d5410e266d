// SPDX-License-Identifier: Apache-2.0
// Models that are FP16 or BF16 themselves: they run on the kernels of f32, and give what the reference gives on 16 bits.
#include "onnx/testing.h"
#include "ops/testing.h"
#include "target/isa.h"
#include "tercet/build.h"
#include "tercet/engine.h"
#include "tercet/export.h"
#include "tercet/inputs.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>

namespace tercet::testing {
namespace {

const std::filesystem::path fashion = std::filesystem::path(TERCET_SOURCE_DIR) / "examples/fashion_mnist/model.onnx";

// Attention over 7 places of 16 features in two heads, a residual, normalization, and two layers with Gelu between.
std::string transformer() {
    ModelFile file;
    file.opset = 20;
    file.inputs = {value_message("x", DType::f32, {"N", "7", "16"})};
    int next = 0;
    const auto constant = [&](const Tensor& t) {
        file.initializers.push_back(tensor_message("c" + std::to_string(next), t));
        return "c" + std::to_string(next++);
    };
    const auto weights = [&](const Dims& shape, double scale) {
        Tensor t = random_tensor(DType::f32, shape, static_cast<unsigned>(next + 11));
        for (std::int64_t i = 0; i < t.count(); ++i) t.writable().set_at(i, t.get(i) * scale);
        return constant(t);
    };
    const auto node = [&](std::string_view op, const std::vector<std::string>& in, const std::vector<std::string>& attributes = {}) {
        const std::string name = "t" + std::to_string(next++);
        file.nodes.push_back(node_message(op, in, {name}, attributes, name + "_node"));
        return name;
    };
    const auto integers = [](std::string_view name, const std::vector<std::int64_t>& values) {
        return attribute_message(name, onnx::attribute_type::integers, [&](protozero::pbf_writer& w) {
            for (std::int64_t v : values) w.add_int64(onnx::attribute_field::ints, v);
        });
    };
    const std::string ones = weights({16}, 0.3), heads = constant(Tensor::ints(std::vector<std::int64_t>{0, 7, 2, 8})), joined = constant(Tensor::ints(std::vector<std::int64_t>{0, 7, 16}));
    const std::string n = node("LayerNormalization", {"x", ones, ones});
    const auto head = [&](const std::vector<std::int64_t>& order) {
        return node("Transpose", {node("Reshape", {node("Add", {node("MatMul", {n, weights({16, 16}, 0.25)}), weights({16}, 0.1)}), heads})}, {integers("perm", order)});
    };
    const std::string q = head({0, 2, 1, 3}), k = head({0, 2, 3, 1}), v = head({0, 2, 1, 3});
    const std::string p = node("Softmax", {node("Mul", {node("MatMul", {q, k}), constant(Tensor::scalar(DType::f32, 0.35))})}, {integer_attribute("axis", -1)});
    const std::string a = node("Reshape", {node("Transpose", {node("MatMul", {p, v})}, {integers("perm", {0, 2, 1, 3})}), joined});
    const std::string r = node("Add", {"x", node("MatMul", {a, weights({16, 16}, 0.25)})});
    const std::string hidden = node("Gelu", {node("MatMul", {node("LayerNormalization", {r, ones, ones}), weights({16, 64}, 0.25)})});
    const std::string y = node("ReduceMean", {node("Add", {r, node("MatMul", {hidden, weights({64, 16}, 0.125)})}), constant(Tensor::ints(std::vector<std::int64_t>{1}))}, {integer_attribute("keepdims", 0)});
    file.outputs = {value_message(y, DType::f32, {"N", "16"})};
    return file.bytes();
}

struct Net {
    const char* name;
    const char* precision;
    const char* input;
    std::vector<std::int64_t> shape;
    friend std::ostream& operator<<(std::ostream& out, const Net& n) { return out << n.name << ' ' << n.precision; }
};

class HalfModels : public ::testing::TestWithParam<Net> {
protected:
    HalfModels() {
        if (std::string_view(GetParam().name) == "transformer") std::ofstream(model_, std::ios::binary) << transformer();
        else std::filesystem::copy_file(fashion, model_);
        ExportSettings s;
        s.precision = GetParam().precision;
        s.output = half_;
        export_model(model_, s);
    }
    BuildResult build(const std::filesystem::path& model, std::string_view precision = "fp32", std::string_view level = {}, bool with_passes = true) {
        BuildSettings s;
        s.precision = precision;
        s.isa = level;
        if (!with_passes) s.disabled_passes = {"all"};
        s.output = folder_.path() / "e.engine";
        s.tune = Tune::none;
        return tercet::build(model, s);
    }
    std::vector<float> run(const std::filesystem::path& engine) {
        const Array x = random_array(DType::f32, GetParam().shape, 3);
        Context context(Engine::open(engine), 1);
        const InputView in{x.dtype, x.shape, x.data.data()};
        const ResultView y = context.run({&in, 1})[0];
        std::int64_t count = 1;
        for (std::int64_t d : y.shape) count *= d;
        std::vector<float> values(static_cast<std::size_t>(count));
        std::memcpy(values.data(), y.data, values.size() * sizeof(float));
        return values;
    }
    bool is_bf16() const { return std::string_view(GetParam().precision) == "bf16"; }

    TemporaryFolder folder_;
    std::filesystem::path model_ = folder_.path() / "model.onnx", half_ = folder_.path() / "half.onnx";
};

TEST_P(HalfModels, RunOnTheKernelsOfFloatsAndGiveWhatTheReferenceGives) {
    const double digits = is_bf16() ? 0x1p-8 : 0x1p-11;
    const std::vector<float> plain = run(build(model_).path);
    const BuildResult r = build(half_, "fp32", "reference", false);
    EXPECT_EQ(r.reference_steps, r.steps);
    const std::vector<float> expected = run(r.path);
    for (const char* level : {"baseline", "avx2", "avx512"}) {
        if (!host_isa().has(isa_named(level)->level)) continue;
        const BuildResult half = build(half_, "fp32", level);
        EXPECT_EQ(half.reference_steps, 0) << level;
        const std::vector<float> y = run(half.path);
        ASSERT_EQ(y.size(), expected.size());
        // A sum in another order rounds to the next number here and there, which the layers behind pass on.
        double largest = 0;
        for (float e : expected) largest = std::max(largest, std::fabs(static_cast<double>(e)));
        for (std::size_t i = 0; i < y.size(); ++i) {
            EXPECT_NEAR(y[i], expected[i], 4 * digits * largest) << level;
            EXPECT_NEAR(y[i], plain[i], 20 * digits * largest) << level;
        }
    }
}

TEST_P(HalfModels, KeepTheirWeightsInSixteenBits) {
    const auto own = build(half_).bytes, asked = build(model_, GetParam().precision).bytes, plain = build(model_).bytes;
    EXPECT_LT(own, asked + 12000);  // a longer plan
    if (plain > 100000) { EXPECT_LT(own, plain * 6 / 10); }
}

TEST_P(HalfModels, SayWhichLayersTheyHaveSo) {
    const BuildResult r = build(half_);
    EXPECT_EQ(r.layers.count(is_bf16() ? "fp16" : "bf16"), 0u);
    EXPECT_GT(r.layers.at(GetParam().precision), 12);
    EXPECT_TRUE(r.fallbacks.empty());
    EXPECT_TRUE(r.warnings.empty());
    EXPECT_TRUE(build(half_, GetParam().precision).fallbacks.empty());
}

TEST_P(HalfModels, AreCalibratedAndQuantizedAsFloatOnesAre) {
    const Array samples = random_array(DType::f32, std::vector<std::int64_t>{8, GetParam().shape[1], GetParam().shape[2], GetParam().shape.size() > 3 ? GetParam().shape[3] : 1}, 1);
    const auto data = folder_.path() / "samples.npy";
    save_array(data, samples.dtype, std::span(samples.shape).first(GetParam().shape.size()), samples.data);
    BuildSettings s;
    s.precision = "int8";
    s.calibration.data = data;
    s.calibration.calibrator = Calibrator::minmax;
    s.output = folder_.path() / "e.engine";
    s.tune = Tune::none;
    const BuildResult plain = tercet::build(model_, s), half = tercet::build(half_, s);
    EXPECT_EQ(half.layers.at("int8"), plain.layers.at("int8"));
    EXPECT_LT(half.bytes, plain.bytes + 12000);
}

INSTANTIATE_TEST_SUITE_P(Nets, HalfModels, ::testing::Values(Net{"fashion_mnist", "fp16", "image", {4, 28, 28, 1}}, Net{"fashion_mnist", "bf16", "image", {4, 28, 28, 1}},
                                                             Net{"transformer", "fp16", "x", {3, 7, 16}}, Net{"transformer", "bf16", "x", {3, 7, 16}}));

}  // namespace
}  // namespace tercet::testing
