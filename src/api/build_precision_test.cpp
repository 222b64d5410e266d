// SPDX-License-Identifier: Apache-2.0
// Engines in every precision, of the Fashion-MNIST example: where scales come from, what the layers became, and that INT8 gives
// the same bits at every instruction set, thread count and batch.
#include "system/temporary_folder.h"
#include "target/isa.h"
#include "tensor/testing.h"
#include "tercet/build.h"
#include "tercet/engine.h"
#include "tercet/inspect.h"
#include "tercet/inputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <sstream>

namespace tercet {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::error_of;

const std::filesystem::path fashion = std::filesystem::path(TERCET_SOURCE_DIR) / "examples/fashion_mnist/model.onnx";

class Precisions : public ::testing::Test {
protected:
    static void SetUpTestSuite() {
        shared_ = new TemporaryFolder;
        const Array pixels = random_array(DType::f32, std::vector<std::int64_t>{32, 28, 28, 1}, 1);
        save_array(data(), pixels.dtype, pixels.shape, pixels.data);
        const Calibration c = calibrate(fashion, {.data = data()});
        write_calibration_cache(cache(), c);
    }
    static void TearDownTestSuite() { delete shared_; }
    static std::filesystem::path data() { return shared_->path() / "pixels.npy"; }
    static std::filesystem::path cache() { return shared_->path() / "fashion.cache"; }

    BuildResult build(BuildSettings s, const std::string& name = "e.engine") {
        s.output = folder_.path() / name;
        s.tune = Tune::none;
        return tercet::build(fashion, s);
    }
    BuildSettings int8() {
        BuildSettings s;
        s.precision = "int8";
        s.calibration_cache = cache();
        return s;
    }
    static std::vector<std::byte> run(const std::filesystem::path& engine, std::int64_t batch, int threads) {
        const Array x = random_array(DType::f32, std::vector<std::int64_t>{batch, 28, 28, 1}, 7);
        Context context(Engine::open(engine), threads);
        const InputView in{x.dtype, x.shape, x.data.data()};
        const ResultView y = context.run({&in, 1})[0];
        const auto* bytes = static_cast<const std::byte*>(y.data);
        return {bytes, bytes + static_cast<std::size_t>(batch) * 10 * sizeof(float)};
    }
    static std::string text_of(const std::filesystem::path& file) {
        std::ifstream in(file, std::ios::binary);
        std::ostringstream text;
        text << in.rdbuf();
        return text.str();
    }

    static std::string without_scale_of(const std::string& tensor, std::string cache) {
        const std::size_t at = cache.find(tensor + ": ");
        if (at == std::string::npos) throw std::runtime_error("no such tensor");
        return cache.erase(at, cache.find('\n', at) + 1 - at);
    }

    TemporaryFolder folder_;
    static inline TemporaryFolder* shared_ = nullptr;
};

TEST_F(Precisions, Int8GivesTheSameBitsEverywhere) {
    std::vector<std::byte> expected;
    for (const char* level : {"avx2", "avx512", "avx512vnni"}) {
        if (!host_isa().has(isa_named(level)->level)) continue;
        BuildSettings s = int8();
        s.isa = level;
        const BuildResult r = build(s, std::string(level) + ".engine");
        EXPECT_EQ(r.layers.at("int8"), 19);
        for (int threads : {1, 2}) {
            const auto all = run(r.path, 16, threads);
            if (expected.empty()) expected = all;
            EXPECT_EQ(all, expected) << level << ", " << threads << " threads";
            for (std::int64_t batch : {1, 3}) {
                // The same generator gives the first samples of a larger batch.
                const auto few = run(r.path, batch, threads);
                EXPECT_EQ(few, std::vector(expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(few.size()))) << level << ", batch " << batch;
            }
        }
    }
}

TEST_F(Precisions, TheSameCacheGivesTheSameEngine) {
    const auto a = build(int8(), "a.engine").path, b = build(int8(), "b.engine").path;
    EXPECT_EQ(text_of(a), text_of(b));
}

TEST_F(Precisions, EveryLayerIsAccountedFor) {
    const BuildResult r = build(int8());
    int layers = 0;
    for (const auto& [name, count] : r.layers) layers += count;
    const EngineInfo info = inspect_engine(r.path);
    EXPECT_EQ(info.precision, "int8");
    EXPECT_EQ(std::ssize(info.plan.layers), layers);
    EXPECT_THAT(info.plan.calibrator, HasSubstr("fashion.cache"));
    for (const LayerInfo& l : info.plan.layers)
        EXPECT_TRUE(l.chosen == l.asked || !l.reason.empty()) << l.layer;
    EXPECT_EQ(r.reference_steps, 0);
}

TEST_F(Precisions, SixteenBitsHalveTheFile) {
    const BuildResult full = build({}, "full.engine");
    for (const char* precision : {"fp16", "bf16"}) {
        BuildSettings s;
        s.precision = precision;
        const BuildResult half = build(s, std::string(precision) + ".engine");
        EXPECT_GT(half.layers.at(precision), 15);
        EXPECT_LT(half.bytes, full.bytes * 53 / 100);
        const auto x = run(half.path, 3, 1), y = run(full.path, 3, 1);
        for (std::size_t i = 0; i < x.size(); i += sizeof(float)) {
            float a = 0, b = 0;
            std::memcpy(&a, &x[i], sizeof a);
            std::memcpy(&b, &y[i], sizeof b);
            EXPECT_NEAR(a, b, precision == std::string("fp16") ? 2e-3 : 2e-2);
        }
    }
    EXPECT_LT(build(int8(), "int8.engine").bytes, full.bytes * 28 / 100);
}

TEST_F(Precisions, CalibrationIsPartOfABuildWhereThereIsData) {
    BuildSettings s;
    s.precision = "int8";
    s.calibration.data = data();
    const BuildResult r = build(s);
    EXPECT_EQ(r.layers, build(int8(), "cached.engine").layers);
    EXPECT_THAT(inspect_engine(r.path).plan.calibrator, HasSubstr("32 samples"));
}

TEST_F(Precisions, WithoutDataOrCacheInt8SaysBothWaysOut) {
    BuildSettings s;
    s.precision = "int8";
    const std::string error = error_of([&] { build(s); });
    EXPECT_THAT(error, HasSubstr("--calib-data"));
    EXPECT_THAT(error, HasSubstr("--calib-cache"));
    EXPECT_FALSE(std::filesystem::exists(folder_.path() / "e.engine"));
}

TEST_F(Precisions, AnotherModelsCacheIsRefused) {
    const auto other = folder_.path() / "other.cache";
    std::ofstream(other) << "TRT-8503-EntropyCalibration2\nconv1: 3c892245\nconv2: 3c892245\n";
    BuildSettings s = int8();
    s.calibration_cache = other;
    EXPECT_THAT(error_of([&] { build(s); }), HasSubstr("other.cache"));
}

TEST_F(Precisions, LayersKeepThePrecisionThatIsAskedForThem) {
    BuildSettings s = int8();
    s.layer_precisions = {{"*classifier*", "fp16"}, {"*classifier.4*", "fp32"}};
    const BuildResult r = build(s);
    for (const LayerInfo& l : inspect_engine(r.path).plan.layers) {
        EXPECT_TRUE(l.layer != "/net/classifier/classifier.1/Gemm" || l.chosen == "fp16");
        EXPECT_TRUE(l.layer != "/net/classifier/classifier.4/Gemm" || l.chosen == "fp32");
    }
    s.layer_precisions = {{"nothing*", "fp32"}};
    EXPECT_THAT(error_of([&] { build(s); }), HasSubstr("nothing*"));
}

TEST_F(Precisions, WhatCannotBeInt8IsInTheFallbacksPrecision) {
    const auto short_cache = folder_.path() / "short.cache";
    std::ofstream(short_cache) << without_scale_of("/net/features/features.0/features.0.2/Relu_output_0", text_of(cache()));
    const std::string layer = "/net/features/features.1/features.1.0/Conv";
    std::vector<std::byte> first;
    for (const char* level : {"avx2", "avx512", "avx512vnni"}) {
        if (!host_isa().has(isa_named(level)->level)) continue;
        BuildSettings s = int8();
        s.calibration_cache = short_cache;
        s.fallback_precision = "fp16";
        s.isa = level;
        const BuildResult r = build(s);
        ASSERT_FALSE(r.fallbacks.empty());
        EXPECT_EQ(r.fallbacks[0].chosen, "fp16");
        EXPECT_THAT(r.fallbacks[0].reason, AllOf(HasSubstr("no scale for tensor"), HasSubstr("; fp16 instead")));
        for (const LayerInfo& l : inspect_engine(r.path).plan.layers) {
            EXPECT_TRUE(l.layer != layer || l.chosen == "fp16") << l.chosen;
            EXPECT_TRUE(l.op != "Softmax" || l.chosen == "fp32") << l.chosen;  // it has no weights
        }
        const auto y = run(r.path, 3, 2);
        if (first.empty()) first = y;
        EXPECT_EQ(y, first) << level;
    }
    BuildSettings s = int8();
    const auto plain = build(s, "plain.engine");
    s.fallback_precision = "bf16";
    EXPECT_EQ(build(s).layers, plain.layers);  // nothing fell back
    s.fallback_precision = "int8";
    EXPECT_THAT(error_of([&] { build(s); }), HasSubstr("--fallback-precision"));
}

TEST_F(Precisions, APlanThatWasEditedIsFollowed) {
    std::string plan = inspect_engine(build(int8()).path).plan.json;
    const std::string first = "/net/features/features.0/features.0.0/Conv";
    const std::size_t layer = plan.find("\"" + first + "\""), chosen = plan.find("\"chosen\"", layer), value = plan.find("int8", chosen);
    ASSERT_NE(layer, std::string::npos);
    plan.replace(value, 4, "fp32");
    const auto file = folder_.path() / "plan.json";
    std::ofstream(file) << plan;
    BuildSettings s;
    s.precision = "int8";
    s.plan = file;
    const BuildResult r = build(s, "planned.engine");
    for (const LayerInfo& l : inspect_engine(r.path).plan.layers) {
        EXPECT_TRUE(l.layer != first || l.chosen == "fp32");
        EXPECT_TRUE(l.layer != "/net/features/features.1/features.1.0/Conv" || l.chosen == "int8");
    }
    EXPECT_EQ(inspect_precision_plan(file).precision, "int8");
}

TEST_F(Precisions, AMissingScaleIsAFallbackAndAnErrorWhereThatIsAsked) {
    const auto file = folder_.path() / "short.cache";
    std::ofstream(file) << without_scale_of("/net/features/features.0/features.0.2/Relu_output_0", text_of(cache()));
    BuildSettings s = int8();
    s.calibration_cache = file;
    const BuildResult r = build(s);
    ASSERT_FALSE(r.fallbacks.empty());
    EXPECT_EQ(r.fallbacks[0].chosen, "fp32");
    EXPECT_THAT(r.fallbacks[0].reason, HasSubstr("no scale for tensor"));
    s.fallback = false;
    EXPECT_THAT(error_of([&] { build(s, "none.engine"); }), HasSubstr("--no-fallback"));
    EXPECT_FALSE(std::filesystem::exists(folder_.path() / "none.engine"));
}

}  // namespace
}  // namespace tercet
