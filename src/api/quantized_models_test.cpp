// SPDX-License-Identifier: Apache-2.0
// Models that are quantized already, in the ways in which tools write them: QuantizeLinear and DequantizeLinear, or operators on
// bytes; zero points of both types, weights of -128 or around 128, biases of 32 bits. What they become is as exact as calibrated INT8, and needs no data.
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
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <set>

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
    std::string node(std::string_view op, const std::vector<std::string>& in, const std::vector<std::string>& attributes = {}, std::string_view domain = {}) {
        const std::string name = "t" + std::to_string(next_++);
        file_.nodes.push_back(node_message(op, in, {name}, attributes, name_.empty() ? name + "_node" : name_, domain));
        name_.clear();
        return name;
    }
    void name_next(std::string_view name) { name_ = name; }
    std::string scale(float s) { return constant(Tensor::scalar(DType::f32, s)); }
    std::string zero(DType type, std::int64_t z) { return constant(Tensor::scalar(type, static_cast<double>(z))); }
    // A value in bytes, followed by its scale and zero point.
    struct Bytes {
        std::string q, scale, zero;
    };
    Bytes filter(DType type, const Dims& shape, const std::vector<float>& scales, std::int64_t at) {
        const auto count = std::ssize(scales);
        const std::string q = constant(filled(type, shape));
        return {q, constant(Tensor::of<float>(DType::f32, {count}, scales)), constant(count == 1 ? Tensor::scalar(type, static_cast<double>(at)).reshaped({1}) : Tensor::zeros(type, {count}))};
    }
    // An operator on bytes, of onnxruntime's if that has a name for it.
    Bytes on_bytes(std::string_view op, const std::vector<Bytes>& in, Bytes y, const std::vector<std::string>& more = {}, const std::vector<std::string>& attributes = {}, std::string_view domain = {}) {
        std::vector<std::string> inputs;
        for (const Bytes& b : in) inputs.insert(inputs.end(), {b.q, b.scale, b.zero});
        inputs.insert(inputs.end(), {y.scale, y.zero});
        inputs.insert(inputs.end(), more.begin(), more.end());
        y.q = node(op, inputs, attributes, domain);
        return y;
    }
    std::string quantize(const std::string& x, float scale, DType type, std::int64_t zero) {
        const std::string s = constant(Tensor::scalar(DType::f32, scale)), z = constant(Tensor::scalar(type, static_cast<double>(zero)));
        return node("DequantizeLinear", {node("QuantizeLinear", {x, s, z}), s, z});
    }
    // All values of a byte occur.
    std::string weights(DType type, const Dims& shape, const std::vector<float>& scales, std::int64_t zero) {
        const Tensor w = filled(type, shape);
        const auto count = std::ssize(scales);
        if (count == 1) return node("DequantizeLinear", {constant(w), constant(Tensor::scalar(DType::f32, scales[0])), constant(Tensor::scalar(type, static_cast<double>(zero)))});
        return node("DequantizeLinear", {constant(w), constant(Tensor::of<float>(DType::f32, {count}, scales)), constant(Tensor::zeros(type, {count}))}, {integer_attribute("axis", 0)});
    }
    std::string integers(std::int64_t count) {
        std::vector<std::int32_t> values;
        for (std::int64_t i = 0; i < count; ++i) values.push_back(static_cast<std::int32_t>(i * 997 % 4001 - 2000));
        return constant(Tensor::of<std::int32_t>(DType::i32, {count}, values));
    }
    std::string bias(std::int64_t count, float scale) { return node("DequantizeLinear", {integers(count), constant(Tensor::scalar(DType::f32, scale))}); }
    std::string bytes(const std::string& y, DType type) {
        file_.outputs = {value_message(y, type, {"N", std::to_string(answers)})};
        file_.more_model = [](protozero::pbf_writer& w) { 
            w.add_message(onnx::model_field::opset_import, message([](protozero::pbf_writer& o) {
                o.add_string(onnx::opset_field::domain, "com.microsoft");
                o.add_int64(onnx::opset_field::version, 1);
            }));
        };
        return file_.bytes();
    }

private:
    static Tensor filled(DType type, const Dims& shape) {
        Tensor t = Tensor::zeros(type, shape);
        for (std::int64_t i = 0; i < t.count(); ++i) t.writable().set_int_at(i, i * 89 % 256 - (type == DType::i8 ? 128 : 0));
        return t;
    }
    ModelFile file_;
    std::string name_;  // of the next node
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

// The same of operators on bytes; the third convolution's weights are around 120 and take nine bits.
std::string model_on_bytes(DType type, std::int64_t zero) {
    constexpr std::string_view ort = "com.microsoft";
    Writer m;
    const auto stored = [&](float scale, DType t, std::int64_t z) { return Writer::Bytes{"", m.scale(scale), m.zero(t, z)}; };
    Writer::Bytes x = stored(0.02f, type, zero);
    x.q = m.node("QuantizeLinear", {"x", x.scale, x.zero});
    std::vector<float> scales;
    for (int c = 0; c < 12; ++c) scales.push_back(0.002f + 0.0005f * static_cast<float>(c));
    const std::vector<std::string> padded{integers_attribute("pads", {1, 1, 1, 1})};
    const auto a = m.on_bytes("QLinearConv", {x, m.filter(DType::i8, {12, 5, 3, 3}, scales, 0)}, stored(0.05f, type, zero), {m.integers(12)}, padded);
    const auto b = m.on_bytes("QLinearConv", {a, m.filter(DType::u8, {12, 1, 3, 3}, {0.004f}, 128)}, stored(0.1f, DType::u8, 131), {}, {padded[0], integer_attribute("group", 12)});
    m.name_next("nine_bits");
    auto c = m.on_bytes("QLinearConv", {b, m.filter(DType::u8, {12, 12, 1, 1}, {0.003f}, 120)}, stored(0.5f, type, zero), {m.integers(12)});
    c = m.on_bytes("QLinearAdd", {c, a}, stored(0.4f, type, zero), {}, {}, ort);
    c.q = m.node("MaxPool", {c.q}, {integers_attribute("kernel_shape", {2, 2}), integers_attribute("strides", {2, 2})});
    auto d = m.on_bytes("QLinearGlobalAveragePool", {c}, stored(0.3f, DType::i8, -60), {}, {}, ort);
    d.q = m.node("Flatten", {d.q});
    const auto w = m.filter(DType::i8, {10, 12}, {0.01f}, 0);
    return m.bytes(m.node("QGemm", {d.q, d.scale, d.zero, w.q, w.scale, w.zero, m.integers(10), m.scale(0.2f), m.zero(type, zero)}, {integer_attribute("transB", 1)}, ort), type);
}

struct QuantizedModel {
    std::string (*model)(DType, std::int64_t);
    DType type;
    std::int64_t zero;
};

class QuantizedModels : public ::testing::TestWithParam<QuantizedModel> {
protected:
    QuantizedModels() : bytes_(GetParam().model(GetParam().type, GetParam().zero)), x_(random_tensor(DType::f32, {most_samples, 5, 9, 11}, 3)) {
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
    static std::set<std::string> floats() { return GetParam().model == model_on_bytes ? std::set<std::string>{"nine_bits"} : std::set<std::string>{}; }
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
    std::set<std::string> in_floats;
    for (const LayerInfo& l : inspect_engine(r.path).plan.layers)
        if (l.chosen != "int8" && l.op != "Relu" && l.op != "DequantizeLinear" && l.op != "QuantizeLinear") in_floats.insert(l.layer);
    EXPECT_EQ(in_floats, floats());
}

TEST_P(QuantizedModels, SayThatTheyAreQuantizedWhereAnotherPrecisionIsAskedFor) {
    const BuildResult r = build("fp32");
    for (const LayerInfo& l : inspect_engine(r.path).plan.layers)
        if ((l.op == "Conv" || l.op == "QLinearConv") && !floats().contains(l.layer)) {
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

// Engines of a graph with one input [N, ...], as INT8's are planned: at every level, and for two batches.
class Levels {
public:
    explicit Levels(const char* text) : read_(typed_graph(text)), shape_{4} {
        for (const Dim& extent : std::span(read_.value(read_.inputs()[0]).type.shape).subspan(1)) shape_.push_back(*extent.constant());
    }
    Tensor input() const { return random_tensor(DType::f32, shape_, 1); }
    const Graph& graph() const { return read_; }

    // The first output's bytes, which are the same everywhere. No step is left to a reference implementation.
    std::vector<std::byte> same_everywhere(const Tensor& x) const {
        std::vector<std::byte> first;
        for (const char* level : {"avx2", "avx512", "avx512vnni"}) {
            if (!host_isa().has(isa_named(level)->level)) continue;
            Graph g = read_;
            optimize(g, {});
            const Program program = make_program(g, {.profile = {{"N", {1, 4, 4}}}, .isa = *isa_named(level), .threads = 2, .tune = Tune::none, .canonical = true});
            for (const ProgramStep& s : program.steps) EXPECT_NE(s.choices[1].tactic, "reference") << s.node.op;
            const auto file = folder_.path() / "f.engine";
            write_engine(file, program);
            for (std::int64_t batch : {4, 1}) {
                Context context(Engine::open(file), 2);
                std::vector<std::int64_t> extents(shape_.begin(), shape_.end());
                extents[0] = batch;
                const InputView in{DType::f32, extents, x.data()};
                const ResultView out = context.run({&in, 1})[0];
                const auto* bytes = static_cast<const std::byte*>(out.data);
                const std::vector y(bytes, bytes + count_of(Dims(out.shape)) * bits_of(out.dtype) / 8);
                if (first.empty()) first = y;
                EXPECT_TRUE(std::ranges::equal(y, std::span(first).first(y.size()))) << level << ", batch " << batch;
            }
        }
        return first;
    }

private:
    Graph read_;
    Dims shape_;
    TemporaryFolder folder_;
};

// What such an engine computes in f32 has one order of additions and one form of functions, too.
TEST(QuantizedEngines, FloatStepsHaveTheSameBitsEverywhere) {
    for (const char* text : {"(f32[N,32,12,12] x) => (f32[N,40,12,12] y) { a = Conv<pads = [1, 1, 1, 1]>(x, random[40,32,3,3], random[40]) y = HardSwish(a) }",
                             "(f32[N,32,12,12] x) => (f32[N,32,12,12] y) { a = Sigmoid(x) b = Gelu(x) y = Mul(a, b) }",
                             "(f32[N,96] x) => (f32[N,40] y) { a = Gemm(x, random[96,40], random[40]) y = Tanh(a) }",
                             "(f32[N,33,150] x) => (f32[N,33,150] y) { y = LayerNormalization(x, random[150], random[150]) }",
                             "(f32[N,33,150] x) => (f32[N,33,150] y) { y = Softmax(x) }",
                             "(f32[N,33,150] x) => (f32[N,33,150] y) { y = Softmax<axis = 1>(x) }",
                             "(f32[N,33,150] x) => (f32[N,33] y) { y = ReduceMean<keepdims = 0>(x, i64[1]{2}) }",
                             "(f32[N,33,150] x) => (f32[N,150] y) { y = ReduceMean<keepdims = 0>(x, i64[1]{1}) }",
                             "(f32[N,32,9,7] x) => (f32[N,40,1,1] y) { a = Conv(x, random[40,32,1,1]) y = GlobalAveragePool(a) }",
                             "(f32[N,32,9,7] x) => (f32[N,40,8,6] y) { a = Conv(x, random[40,32,1,1]) y = AveragePool<kernel_shape = [2, 2]>(a) }",
                             "(f32[N,32,9,7] x) => (f32[N,32,9,7] y) { y = InstanceNormalization(x, random[32], random[32]) }",
                             "(f32[N,24,40] x) => (f32[N,24,24] y) { t = Transpose<perm = [0, 2, 1]>(x) y = MatMul(x, t) }",
                             "(f32[N,37,48] x) => (f32[N,37,48] y) { y = Attention<q_num_heads = 3, kv_num_heads = 3, is_causal = 1>(x, x, x) }"}) {
        SCOPED_TRACE(text);
        const Levels levels(text);
        const Tensor x = levels.input();
        EXPECT_FALSE(levels.same_everywhere(x).empty());
    }
}

TEST(QuantizedEngines, ATransformerHasTheSameBitsEverywhere) {
    const Levels levels(R"((f32[N,37,48] x) => (f32[N,10] y) {
        l = LayerNormalization(x, random[48], random[48]) lq = QuantizeLinear(l, f32{0.03}, i8{0}) ld = DequantizeLinear(lq, f32{0.03}, i8{0})
        w1 = DequantizeLinear(random i8[48,144], f32{0.05}) p = MatMul(ld, w1) pb = Add(p, random[144]) q, k, v = Split<axis = -1, num_outputs = 3>(pb)
        a = Attention<q_num_heads = 3, kv_num_heads = 3>(q, k, v) r = Add(x, a)
        m = LayerNormalization(r, random[48], random[48]) mq = QuantizeLinear(m, f32{0.03}, i8{0}) md = DequantizeLinear(mq, f32{0.03}, i8{0})
        w2 = DequantizeLinear(random i8[48,96], f32{0.05}) h = MatMul(md, w2) hb = Add(h, random[96]) g = Gelu(hb)
        gq = QuantizeLinear(g, f32{0.05}, i8{-20}) gd = DequantizeLinear(gq, f32{0.05}, i8{-20}) w3 = DequantizeLinear(random i8[96,48], f32{0.05}) o = MatMul(gd, w3)
        s = Add(r, o) t = Softmax(s) u = ReduceMean<keepdims = 0>(t, i64[1]{1}) y = MatMul(u, random[48,10]) })");
    const Tensor x = levels.input();
    const std::vector<std::byte> y = levels.same_everywhere(x);
    const Tensor expected = evaluate(levels.graph(), std::span(&x, 1))[0];
    ASSERT_EQ(y.size(), expected.bytes());
    for (std::int64_t i = 0; i < expected.count(); ++i) {
        float v = 0;
        std::memcpy(&v, &y[static_cast<std::size_t>(i) * sizeof v], sizeof v);
        EXPECT_NEAR(v, expected.get(i), 2e-3);  // a value at a border between two bytes may fall on either side
    }
}

// Sums of 40 products of bytes are whole numbers below 2^24, so that they are exact in f32.
TEST(QuantizedEngines, ProductsOfComputedMatricesOfBytesGiveTheOperatorsBits) {
    const Levels levels(R"((f32[N,24,40] x) => (u8[N,24,24] y) { q = QuantizeLinear(x, f32{0.0171}, u8{119}) p = QuantizeLinear(x, f32{0.0213}, i8{-7}) t = Transpose<perm = [0, 2, 1]>(p)
        y = QLinearMatMul(q, f32{0.0171}, u8{119}, t, f32{0.0213}, i8{-7}, f32{0.0931}, u8{101}) })");
    const Tensor x = levels.input();
    const std::vector<std::byte> y = levels.same_everywhere(x);
    const Tensor expected = evaluate(levels.graph(), std::span(&x, 1))[0];
    ASSERT_EQ(y.size(), expected.bytes());
    EXPECT_EQ(std::memcmp(y.data(), expected.data(), y.size()), 0);
}

TEST(QuantizedEngines, NanIsStoredAsTheZeroPoint) {
    for (const char* zero : {"i8{0}", "i8{-128}", "u8{93}"}) {
        const std::string q = "f32{0.0625}, " + std::string(zero);
        const Levels levels(("(f32[N,16,9,11] x) => (f32[N,20,9,11] y) { r = Relu(x) q = QuantizeLinear(r, " + q + ") d = DequantizeLinear(q, " + q + ")\n" +
                             "w = DequantizeLinear(random i8[20,16,3,3], f32{0.5}) y = Conv<pads = [1, 1, 1, 1]>(d, w) }").c_str());
        Tensor x = levels.input();
        for (std::int64_t i = 0; i < x.count(); i += 1 + i % 7) x.writable().set_at(i, i % 2 ? NAN : INFINITY);
        const std::vector<std::byte> y = levels.same_everywhere(x);
        const Tensor expected = evaluate(levels.graph(), std::span(&x, 1))[0];
        ASSERT_EQ(y.size(), expected.bytes());
        EXPECT_EQ(std::memcmp(y.data(), expected.data(), y.size()), 0) << zero;  // scales are powers of two: all is exact
    }
}

std::vector<QuantizedModel> all_models() {
    std::vector<QuantizedModel> all;
    for (const auto make : {model, model_on_bytes})
        for (const auto& [type, zero] : {std::pair{DType::i8, 0}, std::pair{DType::i8, -37}, std::pair{DType::i8, -128}, std::pair{DType::u8, 0}, std::pair{DType::u8, 128}, std::pair{DType::u8, 93}})
            all.push_back({make, type, zero});
    return all;
}

std::string name_of_model(const ::testing::TestParamInfo<QuantizedModel>& info) {
    const QuantizedModel& m = info.param;
    return std::string(m.model == model ? "QDQ_" : "OnBytes_") + std::string(name_of(m.type)) + "_" + std::to_string(m.zero < 0 ? -m.zero : m.zero);
}

INSTANTIATE_TEST_SUITE_P(ZeroPoints, QuantizedModels, ::testing::ValuesIn(all_models()), name_of_model);

}  // namespace
}  // namespace tercet::testing
