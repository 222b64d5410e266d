// SPDX-License-Identifier: Apache-2.0
// From a model's file to results, through files and the public API.
#include "api/allocation_counter.h"
#include "engine/engine_file.h"
#include "ops/testing.h"
#include "passes/pass.h"
#include "plan/plan.h"
#include "runtime/engine_data.h"
#include "system/temporary_folder.h"
#include "tensor/testing.h"
#include "tercet/bench.h"
#include "tercet/build.h"
#include "tercet/data.h"
#include "tercet/engine.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <random>
#include <thread>

namespace tercet {
namespace {

using testing::error_of;
using testing::typed_graph;

const std::filesystem::path fashion = std::filesystem::path(TERCET_SOURCE_DIR) / "examples/fashion_mnist/model.onnx";

class Run : public ::testing::Test {
protected:
    std::filesystem::path build_fashion(std::string_view name, BuildSettings settings = {}) {
        settings.output = folder_.path() / name;
        if (settings.timing_cache.empty()) settings.tune = Tune::none;
        build(fashion, settings);
        return settings.output;
    }
    // An engine of a graph given as text, for sizes from 1 to `max` of its symbols.
    std::filesystem::path build_text(std::string_view text, const std::map<std::string, std::int64_t>& max) {
        Graph g = typed_graph(text);
        Profile profile;
        for (const auto& [symbol, size] : max) profile[symbol] = {1, size, size};
        optimize(g, {.verify = true});
        const auto file = folder_.path() / "text.engine";
        write_engine(file, make_program(g, {.profile = profile, .threads = 2, .tune = Tune::none}));
        return file;
    }
    TemporaryFolder folder_;
};

std::vector<float> random_floats(std::size_t n, unsigned seed = 1) {
    std::mt19937 random(seed);
    std::vector<float> v(n);
    for (float& x : v) x = static_cast<float>(random() >> 8) * 0x1p-24f;
    return v;
}

std::vector<char> bytes_of(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<float> run(Context& context, const std::vector<float>& pixels, std::int64_t batch) {
    const std::int64_t shape[] = {batch, 28, 28, 1};
    const InputView in{DType::f32, shape, pixels.data()};
    const ResultView out = context.run({&in, 1})[0];
    return {out.as<float>(), out.as<float>() + batch * 10};
}

// Outputs of all kinds: computed, twice the same, a view of a computed one, an input and a view of it.
TEST_F(Run, BatchesInSlicesGiveWhatOneSampleAfterTheOtherGives) {
    const auto file = build_text(R"((f32[N,6,2] x) => (f32[N,3] y, f32[N,3] again = y, f32[N,3,1] view, f32[N,6,2] x, f32[N,12] flat) {
        flat = Reshape(x, i64[2]{0, 12})
        sums = MatMul(flat, random[12,3])
        y = Relu(sums)
        view = Reshape(y, i64[3]{0, 3, 1}) })", {{"N", 9}});
    const Engine engine = Engine::open(file);
    ASSERT_GT(engine.data()->program.slice, 0);
    const std::vector<float> x = random_floats(9 * 12);
    const std::array<std::size_t, 5> sizes{3, 3, 3, 12, 12};  // of a sample in each output
    std::array<std::vector<float>, 5> expected;
    Context single(engine, 2);
    for (std::size_t n = 0; n < 9; ++n) {
        const std::int64_t shape[] = {1, 6, 2};
        const InputView in{DType::f32, shape, x.data() + n * 12};
        const auto out = single.run({&in, 1});
        for (std::size_t i = 0; i < 5; ++i) expected[i].insert(expected[i].end(), out[i].as<float>(), out[i].as<float>() + sizes[i]);
    }
    for (int threads : {1, 2, 3})
        for (std::int64_t batch : {9, 5, 4, 3, 2, 9}) {
            Context context(engine, threads);
            const std::int64_t shape[] = {batch, 6, 2};
            const InputView in{DType::f32, shape, x.data()};
            const auto out = context.run({&in, 1});
            std::array<std::vector<float>, 5> mine;
            std::vector<OutputView> wanted;
            for (std::size_t i = 0; i < 5; ++i) {
                const std::size_t count = static_cast<std::size_t>(batch) * sizes[i];
                EXPECT_TRUE(std::equal(expected[i].begin(), expected[i].begin() + static_cast<std::ptrdiff_t>(count), out[i].as<float>())) << i << " of " << batch << ", " << threads << " threads";
                mine[i].resize(count);
                wanted.push_back({DType::f32, out[i].shape, mine[i].data()});
            }
            context.run({&in, 1}, wanted);
            for (std::size_t i = 0; i < 5; ++i) EXPECT_TRUE(std::equal(mine[i].begin(), mine[i].end(), expected[i].begin())) << i << " of " << batch << ", in the caller's memory";
        }
}

TEST_F(Run, SlicesMayOverwriteTheirInput) {
    const Engine engine = Engine::open(build_text("(f32[N,4] x) => (f32[N,4] y) { t = Relu(x)\n y = MatMul(t, random[4,4]) }", {{"N", 8}}));
    std::vector<float> x = random_floats(8 * 4);
    Context context(engine, 2);
    const std::int64_t shape[] = {8, 4};
    const InputView in{DType::f32, shape, x.data()};
    const auto y = context.run({&in, 1})[0];
    const std::vector<float> expected(y.as<float>(), y.as<float>() + 32);
    const OutputView out{DType::f32, shape, x.data()};
    context.run({&in, 1}, {&out, 1});
    EXPECT_EQ(x, expected);
}

TEST_F(Run, SecondRunAtAShapeAllocatesNothing) {
    if (!testing::counts_allocations()) GTEST_SKIP() << "a sanitizer has its own allocator";
    for (int threads : {1, 2}) {
        Context context(Engine::open(build_fashion("a.engine")), threads);
        const auto pixels = random_floats(32 * 784);
        std::vector<float> result(320);
        for (std::int64_t batch : {std::int64_t{32}, std::int64_t{1}}) {
            const std::int64_t shape[] = {batch, 28, 28, 1}, out_shape[] = {batch, 10};
            const InputView in{DType::f32, shape, pixels.data()};
            const OutputView out{DType::f32, out_shape, result.data()};
            context.run({&in, 1}, {&out, 1});
            context.run({&in, 1});
            const auto before = testing::allocations();
            for (int i = 0; i < 5; ++i) context.run({&in, 1}, {&out, 1}), context.run({&in, 1});
            EXPECT_EQ(testing::allocations(), before) << "batch " << batch << ", threads " << threads;
        }
    }
}

TEST_F(Run, WeightsAreUsedFromTheMappedFile) {
    const auto file = build_fashion("mapped.engine");
    const Engine engine = Engine::open(file);
    std::uintptr_t first = 0, last = 0;
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);)
        if (line.find("mapped.engine") != std::string::npos) {
            std::uintptr_t a = 0, b = 0;
            std::sscanf(line.c_str(), "%lx-%lx", &a, &b);
            first = first ? first : a;
            last = b;
        }
    ASSERT_GT(last, first);
    int weights = 0;
    for (const ProgramValue& v : engine.data()->program.values) {
        if (v.place != ProgramValue::Place::constant || v.constant.bytes() == 0) continue;
        const auto p = reinterpret_cast<std::uintptr_t>(v.constant.data());
        EXPECT_TRUE(p >= first && p + v.constant.bytes() <= last) << v.name;
        ++weights;
    }
    EXPECT_GE(weights, 6);
}

TEST_F(Run, CopiedEngineOutlivesItsFile) {
    const auto file = build_fashion("gone.engine");
    const auto pixels = random_floats(784);
    Context mapped(Engine::open(file), 1);
    const auto expected = run(mapped, pixels, 1);
    Context copied(Engine::open(file, Load::copy), 1);
    std::ofstream(file, std::ios::trunc) << "no engine any more";
    EXPECT_EQ(run(copied, pixels, 1), expected);
}

TEST_F(Run, EngineInMemoryKeepsItsOwnerWhileAContextLives) {
    const auto file = build_fashion("memory.engine");
    const auto pixels = random_floats(784);
    Context mapped(Engine::open(file), 1);
    const auto expected = run(mapped, pixels, 1);
    auto bytes = std::make_shared<const FileBytes>(read_file(file));
    const std::weak_ptr<const FileBytes> watch = bytes;
    {
        Context context(Engine::from_memory(bytes->bytes, bytes), 1);
        bytes.reset();
        EXPECT_FALSE(watch.expired());
        EXPECT_EQ(run(context, pixels, 1), expected);
    }
    EXPECT_TRUE(watch.expired());
}

TEST_F(Run, SameModelAndTimingCacheGiveTheSameBytes) {
    BuildSettings settings{.timing_cache = folder_.path() / "timings.json", .threads = 2};
    const auto first = bytes_of(build_fashion("1.engine", settings));
    const auto cache = bytes_of(settings.timing_cache);
    EXPECT_EQ(bytes_of(build_fashion("2.engine", settings)), first);
    EXPECT_EQ(bytes_of(settings.timing_cache), cache);
    EXPECT_EQ(bytes_of(build_fashion("3.engine")), bytes_of(build_fashion("4.engine")));
}

TEST_F(Run, ResultsDoNotDependOnBatchOrThreads) {
    const Engine engine = Engine::open(build_fashion("b.engine"));
    const auto pixels = random_floats(7 * 784);
    Context one(engine, 1), two(engine, 2);
    const auto all = run(one, pixels, 7);
    EXPECT_EQ(run(two, pixels, 7), all);
    for (int i = 0; i < 7; ++i) {
        const auto single = run(two, {pixels.begin() + i * 784, pixels.begin() + (i + 1) * 784}, 1);
        for (int c = 0; c < 10; ++c) EXPECT_NEAR(single[static_cast<std::size_t>(c)], all[static_cast<std::size_t>(i * 10 + c)], 1e-5);
    }
}

TEST_F(Run, FourContextsOnFourThreadsAgree) {
    const Engine engine = Engine::open(build_fashion("c.engine"));
    const auto pixels = random_floats(5 * 784);
    Context alone(engine, 1);
    const auto expected = run(alone, pixels, 5);
    std::vector<std::vector<float>> results(4);
    {
        std::vector<std::jthread> threads;
        for (std::size_t i = 0; i < 4; ++i)
            threads.emplace_back([&, i] {
                Context context(engine, i % 2 ? 2 : 1);
                for (int repeat = 0; repeat < 5; ++repeat) results[i] = run(context, pixels, 5);
            });
    }
    for (const auto& r : results) EXPECT_EQ(r, expected);
}

TEST_F(Run, EveryLevelGivesTheReferencesAnswer) {
    const auto pixels = random_floats(3 * 784);
    Context reference(Engine::open(build_fashion("reference.engine", {.isa = "reference"})), 1);
    const auto expected = run(reference, pixels, 3);
    for (auto name : isa_names()) {
        if (!host_isa().has(isa_named(name)->level)) continue;
        Context context(Engine::open(build_fashion("level.engine", {.isa = std::string(name)})), 2);
        EXPECT_TRUE(isa_named(name)->has(isa_named(context.engine().isa())->level)) << context.engine().isa();
        const auto actual = run(context, pixels, 3);
        for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(actual[i], expected[i], 2e-6) << name;
    }
}

TEST_F(Run, EngineBeyondTheProcessorIsAnErrorThatSaysHowToRebuild) {
    const auto file = build_fashion("new.engine", {.isa = "amx"});
    const std::string message = error_of([&] { Engine::open(file, Load::map, "baseline"); });
    EXPECT_NE(message.find("needs avx512"), std::string::npos) << message;
    EXPECT_NE(message.find("--isa baseline"), std::string::npos) << message;
}

TEST_F(Run, WrongInputsAreErrorsThatNameBothSides) {
    Context context(Engine::open(build_fashion("d.engine")), 1);
    const auto pixels = random_floats(40 * 784);
    const auto message = [&](DType dtype, std::vector<std::int64_t> shape, const void* data, std::size_t count = 1) {
        const InputView in{dtype, shape, data};
        return error_of([&] { context.run(std::span(&in, count)); });
    };
    const std::string outside = message(DType::f32, {40, 28, 28, 1}, pixels.data());
    EXPECT_NE(outside.find("[40,28,28,1]"), std::string::npos) << outside;
    EXPECT_NE(outside.find("[1,28,28,1] to [32,28,28,1]"), std::string::npos) << outside;
    EXPECT_NE(message(DType::f32, {1, 28, 28, 3}, pixels.data()).find("[1,28,28,3]"), std::string::npos);
    EXPECT_NE(message(DType::f32, {1, 784}, pixels.data()).find("[1,784]"), std::string::npos);
    EXPECT_NE(message(DType::f32, std::vector<std::int64_t>(20, 1), pixels.data()).find("rank 20"), std::string::npos);
    EXPECT_NE(message(DType::u8, {1, 28, 28, 1}, pixels.data()).find("is u8, the engine takes f32"), std::string::npos);
    EXPECT_NE(message(DType::f32, {1, 28, 28, 1}, nullptr).find("has no data"), std::string::npos);
    EXPECT_NE(message(DType::f32, {1, 28, 28, 1}, pixels.data(), 0).find("0 inputs given, the engine has 1"), std::string::npos);
    const std::int64_t shape[] = {1, 28, 28, 1}, wrong[] = {1, 11};
    float result[11];
    const InputView in{DType::f32, shape, pixels.data()};
    const OutputView out{DType::f32, wrong, result};
    EXPECT_NE(error_of([&] { context.run({&in, 1}, {&out, 1}); }).find("comes out as f32[1,10]"), std::string::npos);
    EXPECT_EQ(context.output_shapes({&in, 1}), (std::vector<std::vector<std::int64_t>>{{1, 10}}));
    EXPECT_NO_THROW(context.run({&in, 1}));  // an error leaves the context usable
}

TEST_F(Run, HeightWidthAndBatchMayBeDynamic) {
    const auto file = build_text(R"((f32[N,3,H,W] x) => (f32[N,5] y) {
        c = Conv<pads = [1, 1, 1, 1], strides = [2, 2]>(x, random[5,3,3,3], random[5])
        r = Relu(c)
        p = GlobalAveragePool(r)
        y = Flatten(p)
    })", {{"N", 4}, {"H", 33}, {"W", 40}});
    Context context(Engine::open(file), 2);
    const Graph g = typed_graph("(f32[N,3,H,W] x) => (f32[N,5] y) { c = Conv<pads = [1, 1, 1, 1], strides = [2, 2]>(x, random[5,3,3,3], random[5])\n r = Relu(c)\n p = GlobalAveragePool(r)\n y = Flatten(p) }");
    for (const Dims& shape : {Dims{1, 3, 2, 2}, Dims{4, 3, 33, 40}, Dims{3, 3, 17, 5}}) {
        const Tensor x = testing::random_tensor(DType::f32, shape, 5);
        const InputView in{DType::f32, shape, x.data()};
        const ResultView out = context.run({&in, 1})[0];
        testing::expect_close(Tensor(DType::f32, Dims(out.shape), nullptr, out.data), evaluate(g, std::span(&x, 1))[0], 1e-5, fmt::format("{}", fmt::join(shape, "x")));
    }
}

TEST_F(Run, InputsAndConstantsMayBeOutputsAndSizesMustFit) {
    const auto file = build_text("(f32[N,2] x, f32[M,2] z) => (f32[N,2] same = x, f32[2] k = f32[2]{5, 6}, f32[max(M, N),2] y, f32[max(M, N),2] again = y) { y = Add(x, z) }",
                                 {{"N", 8}, {"M", 8}});
    Context context(Engine::open(file), 1);
    const std::int64_t two[] = {2, 2}, three[] = {3, 2}, k[] = {2};
    std::vector<float> x{1, 2, 3, 4}, z{10, 20, 30, 40, 50, 60}, same(4), constant(2), y(4), again(4);
    const InputView good[] = {{DType::f32, two, x.data()}, {DType::f32, two, z.data()}};
    const OutputView outs[] = {{DType::f32, two, same.data()}, {DType::f32, k, constant.data()}, {DType::f32, two, y.data()}, {DType::f32, two, again.data()}};
    context.run(good, outs);
    EXPECT_EQ(same, x);
    EXPECT_EQ(constant, (std::vector<float>{5, 6}));
    EXPECT_EQ(y, (std::vector<float>{11, 22, 33, 44}));
    EXPECT_EQ(again, y);
    const auto results = context.run(good);
    x.assign(4, 0);
    EXPECT_EQ(results[0].as<float>()[3], 4);  // a result does not change with the caller's input
    const InputView bad[] = {{DType::f32, two, x.data()}, {DType::f32, three, z.data()}};
    EXPECT_NE(error_of([&] { context.run(bad); }).find("cannot be broadcast"), std::string::npos);
}

TEST_F(Run, StepsThatReadTheSameWeightsInOtherWaysPackThemApart) {
    const std::string_view texts[] = {
        "(f32[N,16] x) => (f32[N,16] y) { a = Gemm(x, random[16,16])\n b = Softmax(a)\n y = Gemm<transB = 1>(b, random[16,16]) }",
        "(f32[N,4,5,5] x, f32[N,8,5,5] z) => (f32[N,24,3,3] y, f32[N,24,3,3] w) { y = Conv(x, random[24,4,3,3])\n w = Conv<group = 2>(z, random[24,4,3,3]) }",
    };
    for (const std::string_view text : texts) {
        Graph g = typed_graph(text);
        std::vector<ValueId> weights;  // made one and the same, as tied weights are
        for (NodeId id : g.order())
            if (const Tensor* t = g.constant(id, 1)) {
                weights.push_back(g.input(id, 1));
                if (weights.size() == 2) g.set_constant(weights[1], *g.constant(weights[0]));
                EXPECT_GT(t->count(), 0);
            }
        const Graph tied = g;
        optimize(g);
        const auto file = folder_.path() / "tied.engine";
        write_engine(file, make_program(g, {.profile = {{"N", {1, 3, 3}}}, .threads = 1, .tune = Tune::none}));
        Context context(Engine::open(file), 1);
        std::vector<Tensor> inputs;
        std::vector<std::vector<std::int64_t>> shapes;
        for (ValueId v : tied.inputs()) {
            Dims shape;
            for (const Dim& d : tied.value(v).type.shape) shape.push_back(d.evaluate({{"N", 3}}));
            inputs.push_back(testing::random_tensor(DType::f32, shape, static_cast<unsigned>(inputs.size() + 1)));
            shapes.emplace_back(shape.begin(), shape.end());
        }
        std::vector<InputView> in;
        for (std::size_t i = 0; i < inputs.size(); ++i) in.push_back({DType::f32, shapes[i], inputs[i].data()});
        const auto results = context.run(in);
        const auto expected = evaluate(tied, inputs);
        for (std::size_t i = 0; i < expected.size(); ++i)
            testing::expect_close(Tensor(DType::f32, Dims(results[i].shape), nullptr, results[i].data), expected[i], 1e-5, text);
    }
}

TEST_F(Run, OutputsMayLieOnInputs) {
    const auto file = build_text("(f32[N,4] x) => (f32[N,4] y, f32[N,4] z) { y = Softmax(x)\n z = Mul(y, x) }", {{"N", 8}});
    Context context(Engine::open(file), 1);
    const std::int64_t shape[] = {2, 4};
    std::vector<float> x{1, 2, 3, 4, 8, 7, 6, 5}, z(8);
    const InputView in{DType::f32, shape, x.data()};
    const auto results = context.run({&in, 1});
    const std::vector<float> y_expected(results[0].as<float>(), results[0].as<float>() + 8), z_expected(results[1].as<float>(), results[1].as<float>() + 8);
    const OutputView outs[] = {{DType::f32, shape, x.data()}, {DType::f32, shape, z.data()}};
    context.run({&in, 1}, outs);
    EXPECT_EQ(x, y_expected);
    EXPECT_EQ(z, z_expected);
}

// A tactic that runs at all points of the profile may refuse a size between them.
TEST_F(Run, EmptySizesBetweenThePointsOfTheProfile) {
    const Graph g = typed_graph("(f32[3,S] x) => (f32[3,S] y) { y = Softmax(x) }");
    const auto file = folder_.path() / "empty.engine";
    write_engine(file, make_program(g, {.profile = {{"S", {0, 1, 1}}}, .threads = 1, .tune = Tune::none}));
    Context context(Engine::open(file), 1);
    const std::int64_t shape[] = {3, 0};
    const InputView in{DType::f32, shape, nullptr};
    EXPECT_EQ(context.run({&in, 1})[0].shape[1], 0);
}

TEST_F(Run, BenchMeasuresWhatItSays) {
    const BenchResult r = bench(build_fashion("e.engine"), {.batch = 2, .seconds = 0.05, .threads = 1, .streams = 2, .profile = true});
    EXPECT_EQ(r.batch, 2);
    EXPECT_EQ(r.streams, 2);
    EXPECT_GT(r.samples_per_s, 0);
    EXPECT_LE(r.latency_ms.p50, r.latency_ms.p99);
    EXPECT_GT(r.first_inference_ms, 0);
    EXPECT_GT(r.peak_rss_bytes, 1u << 20);
    ASSERT_GE(r.steps.size(), 6u);
    for (const StepInfo& s : r.steps) EXPECT_FALSE(s.tactic.empty());
    const StepInfo& conv = r.steps[2];  // [2, 28, 28, 32] by [32, 32, 3, 3]
    EXPECT_EQ(conv.type, DType::f32);
    EXPECT_EQ(conv.multiply_adds, 2 * 28 * 28 * 32 * 288.0);
    EXPECT_EQ(conv.bytes, 4 * (2 * 2 * 28 * 28 * 32 + 32 * 288 + 32.0));
    EXPECT_EQ(r.roof.threads, 1);
    EXPECT_GT(r.roof.least_microseconds(conv), 0);
    EXPECT_NE(error_of([&] { bench(folder_.path() / "e.engine", {.batch = 1 << 24}); }).find("--batch 16777216: the engine's profile is 1 to 32"), std::string::npos);
}

// Models and images in $TERCET_TEST_DATA, with the probabilities that the framework gave.
struct RealModel {
    std::string name, images;
    int at_reference;  // images that the reference implementations are given
    friend std::ostream& operator<<(std::ostream& out, const RealModel& m) { return out << m.name; }
};

class RealModels : public ::testing::TestWithParam<RealModel> {
protected:
    TemporaryFolder folder_;
};

TEST_P(RealModels, GiveTheRecordedProbabilities) {
    const char* data = std::getenv("TERCET_TEST_DATA");
    if (!data) GTEST_SKIP() << "TERCET_TEST_DATA is not set";
    const std::filesystem::path root(data), model = root / "models" / (GetParam().name + ".onnx");
    const std::filesystem::path images = root / GetParam().images;  // an absolute path stays as it is
    if (!std::filesystem::exists(images)) GTEST_SKIP() << images << " is missing";
    const Array probs = load_array(root / "models" / (GetParam().name + "_test_probs.npy"));
    const Samples samples = load_samples(images, {.layout = Layout::nhwc});
    const auto* expected = reinterpret_cast<const float*>(probs.data.data());
    const auto* pixels = reinterpret_cast<const float*>(samples.values.data.data());
    std::int64_t row = 1;
    for (std::size_t i = 1; i < samples.values.shape.size(); ++i) row *= samples.values.shape[i];

    for (auto isa : isa_names()) {
        const Isa level = *isa_named(isa);
        if (!host_isa().has(level.level) || level.has(Isa::Level::avx512_vnni)) continue;  // f32 kernels know none beyond
        const auto engine_file = folder_.path() / "model.engine";
        build(model, {.output = engine_file, .tune = Tune::none, .isa = std::string(isa)});
        const Engine engine = Engine::open(engine_file);
        const std::int64_t total = level.level == Isa::Level::reference ? GetParam().at_reference : probs.shape[0];
        for (int threads : {1, 2})
            for (std::int64_t batch : {1, 7, 32}) {
                Context context(engine, threads);
                double worst = 0;
                int changed = 0;
                // All of them once, at the processor's best level; the other ways on a few.
                const bool every = batch == 32 && threads == 2 && (level == host_isa() || level.level == Isa::Level::avx512);
                const std::int64_t count = every ? total : std::min<std::int64_t>(total, 64);
                if (level.level == Isa::Level::reference && (batch != 7 || threads != 1)) continue;
                for (std::int64_t first = 0; first < count; first += batch) {
                    const std::int64_t n = std::min(batch, count - first);
                    std::vector<std::int64_t> shape = samples.values.shape;
                    shape[0] = n;
                    const InputView in{DType::f32, shape, pixels + first * row};
                    const float* p = context.run({&in, 1})[0].as<float>();
                    for (std::int64_t i = 0; i < n; ++i) {
                        const float *a = p + i * 10, *e = expected + (first + i) * 10;
                        for (int c = 0; c < 10; ++c) worst = std::max(worst, static_cast<double>(std::fabs(a[c] - e[c])));
                        changed += std::max_element(a, a + 10) - a != std::max_element(e, e + 10) - e;
                    }
                }
                EXPECT_LE(worst, 1e-4) << isa << ", batch " << batch << ", " << threads << " threads";
                EXPECT_EQ(changed, 0) << isa << ", batch " << batch << ", " << threads << " threads";
            }
    }
}

INSTANTIATE_TEST_SUITE_P(Shared, RealModels,
                         ::testing::Values(RealModel{"fashion_mnist_cnn", "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz", 3},
                                           RealModel{"fashion_mnist_vit", "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz", 3},
                                           RealModel{"cifar10_vgg", "data/cifar10/test", 1}),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace tercet
