// SPDX-License-Identifier: Apache-2.0
// Models that hold QuantizeLinear and DequantizeLinear already, in the ways in which tools write them: zero points of both types,
// weights of -128 or around 128, biases of 32 bits. What they become is as exact as calibrated INT8, and needs no data.
#include "engine/engine_file.h"
#include "onnx/testing.h"
#include "ops/op.h"
#include "ops/testing.h"
#include "passes/pass.h"
#include "plan/plan.h"
#include "target/isa.h"
#include "tercet/build.h"
#include "tercet/engine.h"
#include "tercet/inspect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>

namespace tercet::testing {
namespace {

constexpr std::int64_t most_samples = 16, answers = 10;

// Writes a model node by node.
class Writer {
public:
    Writer() {
        file_.inputs = {value_message("x", DType::f32, {"N", "5", "9", "11"})};
    }
    std::string constant(const Tensor& t) {
        const std::string name = "c" + std::to_string(next_++);
        file_.initializers.push_back(tensor_message(name, t));
        return name;
    }
    std::string node(std::string_view op, const std::vector<std::string>& in, const std::vector<std::string>& attributes = {}) {
        const std::string name = "t" + std::to_string(next_++);
        file_.nodes.push_back(node_message(op, in, {name}, attributes, name + "_node"));
        return name;
    }
    std::string quantize(const std::string& x, float scale, DType type, std::int64_t zero) {
        const std::string s = constant(Tensor::scalar(DType::f32, scale)), z = constant(Tensor::scalar(type, static_cast<double>(zero)));
        return node("DequantizeLinear", {node("QuantizeLinear", {x, s, z}), s, z});
    }
    // All values of a byte occur.
    std::string weights(DType type, const Dims& shape, const std::vector<float>& scales, std::int64_t zero) {
        Tensor w = Tensor::zeros(type, shape);
        for (std::int64_t i = 0; i < w.count(); ++i) w.writable().set_int_at(i, i * 89 % 256 - (type == DType::i8 ? 128 : 0));
        const auto count = std::ssize(scales);
        if (count == 1) return node("DequantizeLinear", {constant(w), constant(Tensor::scalar(DType::f32, scales[0])), constant(Tensor::scalar(type, static_cast<double>(zero)))});
        return node("DequantizeLinear", {constant(w), constant(Tensor::of<float>(DType::f32, {count}, scales)), constant(Tensor::zeros(type, {count}))}, {integer_attribute("axis", 0)});
    }
    std::string bias(std::int64_t count, float scale) {
        std::vector<std::int32_t> values;
        for (std::int64_t i = 0; i < count; ++i) values.push_back(static_cast<std::int32_t>(i * 997 % 4001 - 2000));
        return node("DequantizeLinear", {constant(Tensor::of<std::int32_t>(DType::i32, {count}, values)), constant(Tensor::scalar(DType::f32, scale))});
    }
    std::string bytes(const std::string& y, DType type) {
        file_.outputs = {value_message(y, type, {"N", std::to_string(answers)})};
        return file_.bytes();
    }

private:
    ModelFile file_;
    int next_ = 0;
};

std::string integers_attribute(std::string_view name, const std::vector<std::int64_t>& values) {
    return attribute_message(name, onnx::attribute_type::integers, [&](protozero::pbf_writer& w) {
        for (std::int64_t v : values) w.add_int64(onnx::attribute_field::ints, v);
    });
}

// Two convolutions, a depthwise one among them, a residual, pools, a classifier.
std::string model(DType type, std::int64_t zero) {
    Writer m;
    const std::string x = m.quantize("x", 0.02f, type, zero);
    std::vector<float> scales;
    for (int c = 0; c < 12; ++c) scales.push_back(0.002f + 0.0005f * static_cast<float>(c));
    std::string a = m.node("Conv", {x, m.weights(DType::i8, {12, 5, 3, 3}, scales, 0), m.bias(12, 0.0001f)}, {integers_attribute("pads", {1, 1, 1, 1})});
    a = m.quantize(m.node("Relu", {a}), 0.05f, type, zero);
    const std::string b = m.quantize(m.node("Conv", {a, m.weights(DType::u8, {12, 1, 3, 3}, {0.004f}, 128)}, {integers_attribute("pads", {1, 1, 1, 1}), integer_attribute("group", 12)}), 0.1f, DType::u8, 131);
    std::string c = m.node("Conv", {b, m.weights(DType::i8, {12, 12, 1, 1}, {0.003f}, 0)});
    c = m.quantize(m.node("Relu", {m.node("Add", {c, a})}), 0.07f, type, zero);
    c = m.quantize(m.node("MaxPool", {c}, {integers_attribute("kernel_shape", {2, 2}), integers_attribute("strides", {2, 2})}), 0.07f, type, zero);
    c = m.quantize(m.node("GlobalAveragePool", {c}), 0.03f, DType::i8, -60);
    c = m.node("Flatten", {c});
    c = m.node("Gemm", {c, m.weights(DType::i8, {10, 12}, {0.01f}, 0), m.bias(10, 0.0003f)}, {integer_attribute("transB", 1)});
    const std::string y = m.node("QuantizeLinear", {c, m.constant(Tensor::scalar(DType::f32, 0.2f)), m.constant(Tensor::scalar(type, static_cast<double>(zero)))});
    return m.bytes(y, type);
}

class QuantizedModels : public ::testing::TestWithParam<std::pair<DType, int>> {
protected:
    QuantizedModels() : bytes_(model(GetParam().first, GetParam().second)), x_(random_tensor(DType::f32, {most_samples, 5, 9, 11}, 3)) {
        std::ofstream(file_, std::ios::binary) << bytes_;
    }
    BuildResult build(std::string_view precision, std::string_view level = {}) {
        BuildSettings s;
        s.precision = precision;
        s.isa = level;
        s.output = folder_.path() / "q.engine";
        s.tune = Tune::none;
        return tercet::build(file_, s);
    }
    std::vector<std::byte> run(const std::filesystem::path& engine, std::int64_t batch, int threads) {
        Context context(Engine::open(engine), threads);
        const std::int64_t shape[] = {batch, 5, 9, 11};
        const InputView in{DType::f32, shape, x_.data()};
        const auto* y = static_cast<const std::byte*>(context.run({&in, 1})[0].data);
        return {y, y + batch * answers};
    }

    TemporaryFolder folder_;
    std::filesystem::path file_ = folder_.path() / "q.onnx";
    std::string bytes_;
    Tensor x_;
};

TEST_P(QuantizedModels, GiveTheSameBitsEverywhereAndWhatOnnxSaysWithinAStep) {
    const Graph as_read = read(bytes_).graph;
    const Tensor expected = evaluate(as_read, std::span(&x_, 1))[0];
    std::vector<std::byte> first;
    for (const char* precision : {"int8", "fp32"}) {  // they are what they are, whatever is asked for
        for (const char* level : {"avx2", "avx512", "avx512vnni"}) {
            if (!host_isa().has(isa_named(level)->level)) continue;
            const auto engine = build(precision, level).path;
            for (int threads : {1, 2}) {
                for (std::int64_t batch : {most_samples, std::int64_t{1}, std::int64_t{3}}) {
                    const auto y = run(engine, batch, threads);
                    if (first.empty()) first = y;
                    EXPECT_EQ(y, std::vector(first.begin(), first.begin() + batch * answers)) << precision << ", " << level << ", " << threads << " threads, batch " << batch;
                }
            }
        }
    }
    Tensor y = Tensor::zeros(expected.dtype(), expected.shape());
    ASSERT_EQ(first.size(), y.bytes());
    std::memcpy(y.writable().data, first.data(), first.size());
    std::int64_t distinct = 0;
    for (std::int64_t i = 0; i < y.count(); ++i) {
        EXPECT_LE(std::abs(y.get_int(i) - expected.get_int(i)), 1) << "element " << i;
        distinct += i > 0 && expected.get_int(i) != expected.get_int(i - 1);
    }
    EXPECT_GT(distinct, 100);  // or nothing was compared
}

TEST_P(QuantizedModels, RunInBytesWithoutCalibrationAndByNoReferenceImplementation) {
    const BuildResult r = build("int8");
    EXPECT_EQ(r.reference_steps, 0);
    EXPECT_TRUE(r.fallbacks.empty());
    for (const LayerInfo& l : inspect_engine(r.path).plan.layers)
        EXPECT_TRUE((l.op != "Conv" && l.op != "Gemm" && l.op != "GlobalAveragePool") || l.chosen == "int8") << l.layer << ": " << l.reason;
}

TEST_P(QuantizedModels, SayThatTheyAreQuantizedWhereAnotherPrecisionIsAskedFor) {
    const BuildResult r = build("fp32");
    for (const LayerInfo& l : inspect_engine(r.path).plan.layers)
        if (l.op == "Conv") {
            EXPECT_EQ(l.chosen, "int8");
            EXPECT_THAT(l.reason, ::testing::HasSubstr("bytes"));
        }
}

TEST(QuantizedEngines, OperatorsOfBytesNeedNoCalibrationEither) {
    const TemporaryFolder folder;
    const ModelFile model{.inputs = {value_message("x", DType::u8, {"N", "2"})},
                          .outputs = {value_message("y", DType::u8, {"N", "1"})},
                          .initializers = {tensor_message("s", Tensor::scalar(DType::f32, 0.5)), tensor_message("z", Tensor::scalar(DType::u8, 1)), tensor_message("w", Tensor::of<std::uint8_t>(DType::u8, {2, 1}, std::vector<std::uint8_t>{3, 5}))},
                          .nodes = {node_message("QLinearMatMul", {"x", "s", "z", "w", "s", "z", "s", "z"}, {"y"}, {}, "product")}};
    std::ofstream(folder.path() / "m.onnx", std::ios::binary) << model.bytes();
    BuildSettings s;
    s.precision = "int8";
    s.output = folder.path() / "m.engine";
    EXPECT_EQ(build(folder.path() / "m.onnx", s).layers.at("int8"), 1);
}

// What such an engine computes in f32, functions behind it included, has one order of additions and one form, too.
TEST(QuantizedEngines, FloatStepsHaveTheSameBitsEverywhere) {
    const TemporaryFolder folder;
    for (const char* text : {"(f32[N,32,12,12] x) => (f32[N,40,12,12] y) { a = Conv<pads = [1, 1, 1, 1]>(x, random[40,32,3,3], random[40]) y = HardSwish(a) }",
                             "(f32[N,32,12,12] x) => (f32[N,32,12,12] y) { a = Sigmoid(x) b = Gelu(x) y = Mul(a, b) }",
                             "(f32[N,96] x) => (f32[N,40] y) { a = Gemm(x, random[96,40], random[40]) y = Tanh(a) }"}) {
        SCOPED_TRACE(text);
        const Graph read = typed_graph(text);
        Dims shape{4};
        for (const Dim& extent : std::span(read.value(read.inputs()[0]).type.shape).subspan(1)) shape.push_back(*extent.constant());
        const Tensor x = random_tensor(DType::f32, shape, 1);
        std::vector<std::byte> first;
        for (const char* level : {"avx2", "avx512", "avx512vnni"}) {
            if (!host_isa().has(isa_named(level)->level)) continue;
            Graph g = read;
            optimize(g, {});
            const auto file = folder.path() / "f.engine";
            write_engine(file, make_program(g, {.profile = {{"N", {1, 4, 4}}}, .isa = *isa_named(level), .threads = 2, .tune = Tune::none, .canonical = true}));
            for (std::int64_t batch : {4, 1}) {
                Context context(Engine::open(file), 2);
                std::vector<std::int64_t> extents(shape.begin(), shape.end());
                extents[0] = batch;
                const InputView in{DType::f32, extents, x.data()};
                const ResultView out = context.run({&in, 1})[0];
                const auto* bytes = static_cast<const std::byte*>(out.data);
                const std::vector y(bytes, bytes + count_of(Dims(out.shape)) * 4);
                if (first.empty()) first = y;
                EXPECT_TRUE(std::ranges::equal(y, std::span(first).first(y.size()))) << level << ", batch " << batch;
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(ZeroPoints, QuantizedModels, ::testing::Values(std::pair{DType::i8, 0}, std::pair{DType::i8, -37}, std::pair{DType::i8, -128}, std::pair{DType::u8, 0}, std::pair{DType::u8, 128}, std::pair{DType::u8, 93}));

}  // namespace
}  // namespace tercet::testing
