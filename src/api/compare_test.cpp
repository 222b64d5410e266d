// SPDX-License-Identifier: Apache-2.0
#include "tercet/compare.h"

#include "engine/engine_file.h"
#include "ops/testing.h"
#include "passes/pass.h"
#include "plan/plan.h"
#include "system/temporary_folder.h"
#include "tensor/testing.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace tercet {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::error_of;
using testing::typed_graph;

const std::filesystem::path fashion = std::filesystem::path(TERCET_SOURCE_DIR) / "examples/fashion_mnist/model.onnx";

class Compare : public ::testing::Test {
protected:
    // An engine that says it has this precision, of a graph given as text.
    std::filesystem::path engine(std::string_view precision, std::string_view text, Profile::mapped_type batch = {1, 4, 4}) {
        Graph g = typed_graph(text);
        optimize(g, {.verify = true});
        Profile profile;
        if (text.find('N') != std::string_view::npos) profile["N"] = batch;
        Program program = make_program(g, {.profile = profile, .threads = 2, .tune = Tune::none});
        program.precision = precision;
        const auto file = folder_.path() / fmt::format("{}{}.engine", precision, ++engines_);
        write_engine(file, program);
        return file;
    }
    std::filesystem::path array(std::string_view name, const std::vector<std::int64_t>& shape, const std::vector<float>& values) {
        save_array(folder_.path() / name, DType::f32, shape, std::as_bytes(std::span(values)));
        return folder_.path() / name;
    }
    static CompareSettings settings(std::vector<std::filesystem::path> engines, const std::filesystem::path& data) {
        CompareSettings s{.data = {{"", data}}, .engines = std::move(engines), .seconds = 0};
        return s;
    }
    // x + shift: scores of 3 classes.
    std::filesystem::path shifted(std::string_view precision, std::string_view shift, Profile::mapped_type batch = {1, 4, 4}) {
        return engine(precision, fmt::format("(f32[N,3] x) => (f32[N,3] y) {{ y = Add(x, f32[3]{{{}}}) }}", shift), batch);
    }
    std::filesystem::path three_samples() { return array("x.npy", {3, 3}, {3, 0, 0, 0, 2, 1, 0, 0, 1}); }

    TemporaryFolder folder_;
    int engines_ = 0;
};

TEST_F(Compare, CountsAnswersAndErrors) {
    CompareSettings s = settings({shifted("fp16", "0, 0, 2"), shifted("fp32", "0, 0, 0")}, three_samples());
    s.labels = folder_.write("labels.csv", "sample_id,label\n2,1\n0,0\n1,2\n");
    const Comparison c = compare({}, s);
    EXPECT_EQ(c.samples, 3);
    EXPECT_EQ(c.classes, 3);
    EXPECT_THAT(c.labels, ElementsAre(0, 2, 1));
    const ComparedEngine &fp16 = c.engines.at(0), &fp32 = c.engines.at(1);
    EXPECT_THAT(fp32.answers, ElementsAre(0, 1, 2));
    EXPECT_THAT(fp16.answers, ElementsAre(0, 2, 2));
    EXPECT_NEAR(fp32.top1.value(), 100.0 / 3, 1e-9);
    EXPECT_NEAR(fp16.top1.value(), 200.0 / 3, 1e-9);
    EXPECT_NEAR(fp16.agreement.value(), 200.0 / 3, 1e-9);
    EXPECT_EQ(fp32.agreement, 100);
    EXPECT_FALSE(fp16.top5);  // of three classes, five are all
    // FP32 gives (3 0 0), (0 2 1), (0 0 1), the other 2 more in every third place: noise 3*4, signal 9+4+1+1.
    const OutputError& e = fp16.outputs.at(0);
    EXPECT_NEAR(e.sqnr_db, 10 * std::log10(15.0 / 12), 1e-9);
    EXPECT_NEAR(e.cosine, (9.0 + 4 + 3 + 3) / std::sqrt(15.0 * (9 + 4 + 4 + 9 + 9)), 1e-9);
    EXPECT_EQ(e.max_abs_error, 2);
    EXPECT_EQ(fp32.outputs.at(0).cosine, 1);
    EXPECT_EQ(fp32.outputs.at(0).max_abs_error, 0);
    EXPECT_TRUE(std::isinf(fp32.outputs.at(0).sqnr_db));
    EXPECT_FALSE(fp16.speed);
}

TEST_F(Compare, AmongTheFirstFiveIsCountedWhereThereAreMoreClasses) {
    std::vector<float> scores;
    for (int i = 0; i < 2; ++i) scores.insert(scores.end(), {6, 5, 4, 3, 2, 2, 0});
    CompareSettings s = settings({engine("fp32", "(f32[N,7] x) => (f32[N,7] y) { y = Abs(x) }")}, array("x.npy", {2, 7}, scores));
    s.labels = folder_.write("labels.csv", "label\n4\n5\n");  // of equal scores the first counts as the greater
    EXPECT_EQ(compare({}, s).engines[0].top5, 50);
}

TEST_F(Compare, EverySampleCountsOnceWhateverTheBatches) {
    std::vector<float> values;
    for (int i = 0; i < 11; ++i)
        for (int k = 0; k < 3; ++k) values.push_back(k == i % 3 ? 5.0F : 0.0F);
    const auto data = array("x.npy", {11, 3}, values);
    const Comparison c = compare({}, settings({shifted("fp32", "0, 0, 0", {1, 8, 8}), shifted("int8", "0, 0, 9", {3, 4, 4})}, data));
    EXPECT_THAT(c.engines[0].answers, ElementsAre(0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1));
    EXPECT_NEAR(c.engines[1].agreement.value(), 300.0 / 11, 1e-9);
    EXPECT_NEAR(c.engines[1].outputs[0].sqnr_db, 10 * std::log10(11 * 25.0 / (11 * 81.0)), 1e-9);  // none of those that fill up a batch
    EXPECT_THAT(error_of([&] { compare({}, settings({shifted("fp32", "0, 0, 0", {1, 2, 2}), shifted("int8", "0, 0, 9", {3, 4, 4})}, data)); }), HasSubstr("no batch suits"));
}

TEST_F(Compare, SomeSamplesAreSpreadEvenlyAndKeepTheirLabels) {
    CompareSettings s = settings({shifted("fp32", "0, 0, 0")}, array("x.npy", {4, 3}, {1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0}));
    s.labels = folder_.write("labels.csv", "label\n0\n1\n2\n1\n");
    s.samples = 2;
    const Comparison c = compare({}, s);
    EXPECT_THAT(c.ids, ElementsAre("0", "2"));
    EXPECT_THAT(c.labels, ElementsAre(0, 2));
    EXPECT_EQ(c.engines[0].top1, 100);
}

TEST_F(Compare, AnEngineThatGivesNanFailsAloneUnlessItIsFp32) {
    const auto data = three_samples();
    const std::string roots = "(f32[N,3] x) => (f32[N,3] y) { s = Sub(x, f32[1]{1.5}) y = Sqrt(s) }";
    const Comparison c = compare({}, settings({shifted("fp32", "0, 0, 0"), engine("fp16", roots), shifted("int8", "1, 0, 0")}, data));
    EXPECT_EQ(c.engines[1].status, "failed");
    EXPECT_THAT(c.engines[1].reason, AllOf(HasSubstr("NaN"), HasSubstr("sample '0'")));
    EXPECT_TRUE(c.engines[1].answers.empty());
    EXPECT_EQ(c.engines[2].status, "ok");
    EXPECT_EQ(c.engines[2].outputs[0].max_abs_error, 1);
    EXPECT_THAT(error_of([&] { compare({}, settings({engine("fp32", roots)}, data)); }), AllOf(HasSubstr("NaN"), HasSubstr("'y'")));
}

TEST_F(Compare, EqualInfinitiesAreNoError) {
    const std::string logs = "(f32[N,3] x) => (f32[N,3] y) { l = Log(x) y = Add(l, f32[1]{%}) }";
    const auto with = [&](std::string_view shift) { return std::string(logs).replace(logs.find('%'), 1, shift); };
    const Comparison c = compare({}, settings({engine("fp32", with("0")), engine("fp16", with("0.5"))}, three_samples()));
    EXPECT_NEAR(c.engines[1].outputs[0].max_abs_error, 0.5, 1e-6);
    EXPECT_TRUE(std::isfinite(c.engines[1].outputs[0].cosine));
}

TEST_F(Compare, OutputsWithoutClassesHaveErrorsOnly) {
    const std::string text = "(f32[N,4] x) => (f32[N,2,2] y) { y = Reshape(x, i64[3]{0, 2, 2}) }";
    CompareSettings s = settings({engine("fp32", text), engine("int8", text)}, array("x.npy", {2, 4}, {1, 2, 3, 4, 5, 6, 7, 8}));
    const Comparison c = compare({}, s);
    EXPECT_EQ(c.classes, 0);
    EXPECT_FALSE(c.engines[1].agreement);
    EXPECT_EQ(c.engines[1].outputs[0].cosine, 1);
    s.labels = folder_.write("labels.csv", "label\n0\n1\n");
    EXPECT_THAT(error_of([&] { compare({}, s); }), AllOf(HasSubstr("'y' [N, 2, 2] holds no classes"), HasSubstr("labels.csv")));
}

TEST_F(Compare, AnIntegerIsAClass) {
    const auto best_of = [&](std::string_view precision, std::string_view shift) {
        return engine(precision, fmt::format("(f32[N,3] x) => (i64[N] y) {{ s = Add(x, f32[3]{{{}}}) y = ArgMax<axis = 1, keepdims = 0>(s) }}", shift));
    };
    CompareSettings s = settings({best_of("fp32", "0, 0, 0"), best_of("int8", "0, 0, 2")}, three_samples());
    s.labels = folder_.write("labels.csv", "label\n0\n1\n1\n");
    const Comparison c = compare({}, s);
    EXPECT_THAT(c.engines[1].answers, ElementsAre(0, 2, 2));
    EXPECT_NEAR(c.engines[0].top1.value(), 200.0 / 3, 1e-9);
    EXPECT_NEAR(c.engines[1].agreement.value(), 200.0 / 3, 1e-9);
}

TEST_F(Compare, TheOutputThatIsNamedDecides) {
    const auto two = [&](std::string_view precision, std::string_view factor) {
        return engine(precision, fmt::format("(f32[N,3] x) => (f32[N,3] y, f32[N,3] z) {{ y = Abs(x) z = Mul(x, f32[1]{{{}}}) }}", factor));
    };
    CompareSettings s = settings({two("fp32", "1"), two("int8", "-1")}, three_samples());
    EXPECT_EQ(compare({}, s).engines[1].agreement, 100);
    s.output = "z";
    const Comparison c = compare({}, s);
    EXPECT_EQ(c.output, 1U);
    EXPECT_EQ(c.engines[1].agreement, 0);
    EXPECT_EQ(c.engines[1].outputs[0].cosine, 1);
    EXPECT_NEAR(c.engines[1].outputs[1].cosine, -1, 1e-12);
    s.output = "w";
    EXPECT_THAT(error_of([&] { compare({}, s); }), HasSubstr("the outputs are: y, z"));
}

TEST_F(Compare, ModelsWithoutABatchRunSampleBySample) {
    const auto one = [&](std::string_view precision, std::string_view shift) {
        return engine(precision, fmt::format("(f32[3] x) => (f32[3] y) {{ y = Add(x, f32[3]{{{}}}) }}", shift));
    };
    const Comparison c = compare({}, settings({one("fp32", "0, 0, 0"), one("int8", "0, 0, 2")}, three_samples()));
    EXPECT_THAT(c.engines[0].answers, ElementsAre(0, 1, 2));
    EXPECT_THAT(c.engines[1].answers, ElementsAre(0, 2, 2));
}

TEST_F(Compare, OutputsWithoutABatchAreOfOneSampleEach) {
    const auto sums = [&](std::string_view precision, std::string_view factor) {
        return engine(precision, fmt::format("(f32[N,3] x) => (f32[3] y) {{ s = Mul(x, f32[1]{{{}}}) y = ReduceSum<keepdims = 0>(s, i64[1]{{0}}) }}", factor));
    };
    const Comparison c = compare({}, settings({sums("fp32", "1"), sums("int8", "-1")}, three_samples()));
    EXPECT_THAT(c.engines[0].answers, ElementsAre(0, 1, 2));
    EXPECT_EQ(c.engines[1].agreement, 0);
}

TEST_F(Compare, ShapesMayDependOnTheData) {
    const auto kept = [&](std::string_view precision, std::string_view least) {
        return engine(precision, fmt::format("(f32[3] x) => (f32[?k] y) {{ big = Greater(x, f32[1]{{{}}}) y = Compress(x, big) }}", least));
    };
    CompareSettings s = settings({kept("fp32", "-1"), kept("int8", "0.5")}, array("x.npy", {3, 3}, {3, 2, 2, 0, 0, 0, 0, 1, 2}));
    s.labels = folder_.write("labels.csv", "label\n0\n0\n2\n");
    const Comparison c = compare({}, s);
    EXPECT_THAT(c.engines[0].answers, ElementsAre(0, 0, 2));
    EXPECT_THAT(c.engines[1].answers, ElementsAre(0, -1, -1));
    EXPECT_NEAR(c.engines[1].top1.value(), 100.0 / 3, 1e-9);
    EXPECT_EQ(c.engines[1].outputs[0].other_shapes, 2);
    EXPECT_EQ(c.engines[1].outputs[0].max_abs_error, 0);
}

TEST_F(Compare, EveryInputHasItsData) {
    const std::string text = "(f32[N,3] a, i64[N] b) => (f32[N,3] y) { f = Cast<to = 1>(b) c = Unsqueeze(f, i64[1]{1}) y = Add(a, c) }";
    CompareSettings s{.data = {{"a", three_samples()}, {"b", folder_.write("b.csv", "v\n1\n2\n3\n")}}, .engines = {engine("fp32", text)}, .seconds = 0};
    EXPECT_EQ(compare({}, s).samples, 3);  // a row of one number for a model of one sample at a time
    s.data["b"] = array("b.npy", {3}, {1, 2, 3});
    EXPECT_EQ(compare({}, s).samples, 3);
    s.data["b"] = array("b.npy", {3}, {1, 2.5, 3});
    EXPECT_THAT(error_of([&] { compare({}, s); }), AllOf(HasSubstr("b.npy"), HasSubstr("2.5 is no i64")));
    s.data["b"] = array("b.npy", {2}, {1, 2});
    EXPECT_THAT(error_of([&] { compare({}, s); }), HasSubstr("2 samples for input 'b', 3 for 'a'"));
    s.data.erase("b");
    EXPECT_THAT(error_of([&] { compare({}, s); }), HasSubstr("input 'b' has no data"));
    s.data = {{"", three_samples()}};
    EXPECT_THAT(error_of([&] { compare({}, s); }), HasSubstr("the model has 2 inputs"));
}

TEST_F(Compare, RefusesWhatDoesNotFit) {
    const auto fp32 = shifted("fp32", "0, 0, 0"), other = engine("int8", "(f32[N,3] z) => (f32[N,3] y) { y = Abs(z) }");
    const auto good = three_samples();
    EXPECT_THAT(error_of([&] { compare({}, settings({fp32}, array("w.npy", {2, 4}, std::vector<float>(8)))); }), AllOf(HasSubstr("w.npy"), HasSubstr("samples are [4]")));
    EXPECT_THAT(error_of([&] { compare({}, settings({fp32}, array("n.npy", {2, 3}, {0, 0, 0, 0, std::numeric_limits<float>::quiet_NaN(), 0}))); }), HasSubstr("sample '1' holds NaN"));
    EXPECT_THAT(error_of([&] { compare({}, settings({shifted("int8", "0, 0, 0")}, good)); }), HasSubstr("none of the engines is fp32"));
    EXPECT_THAT(error_of([&] { compare({}, settings({fp32, other}, good)); }), AllOf(HasSubstr("has input z f32"), HasSubstr("has input x f32")));
    CompareSettings s = settings({fp32}, good);
    s.labels = folder_.write("labels.csv", "label\n0\n3\n1\n");
    EXPECT_THAT(error_of([&] { compare({}, s); }), AllOf(HasSubstr("sample '1' has label 3"), HasSubstr("3 classes")));
    s.labels = folder_.write("labels.csv", "label\n0\n1\n");
    EXPECT_THAT(error_of([&] { compare({}, s); }), HasSubstr("2 labels for 3 samples"));
}

TEST_F(Compare, BuildsWhatIsAskedForAndSaysWhatCannotBeBuilt) {
    CompareSettings s{.data = {{"", std::filesystem::path(TERCET_SOURCE_DIR) / "examples/fashion_mnist/ankle_boot.png"}}, .precisions = {"fp33"}, .build = {.tune = Tune::none}, .seconds = 0};
    const Comparison c = compare(fashion, s);
    ASSERT_EQ(c.engines.size(), 2U);
    EXPECT_EQ(c.engines[0].precision, "fp32");
    EXPECT_EQ(c.engines[0].status, "ok");
    EXPECT_THAT(c.engines[0].answers, ElementsAre(9));
    EXPECT_EQ(c.engines[1].status, "failed");
    EXPECT_THAT(c.engines[1].reason, HasSubstr("fp33"));
}

TEST_F(Compare, WarnsWhereTheCalibrationIsComparedOn) {
    const auto picture = std::filesystem::path(TERCET_SOURCE_DIR) / "examples/fashion_mnist/ankle_boot.png";
    CompareSettings s{.data = {{"", picture}}, .precisions = {"fp32"}, .build = {.calibration = {.data = picture}, .tune = Tune::none}, .seconds = 0};
    EXPECT_THAT(compare(fashion, s).warnings, ElementsAre(HasSubstr("calibrated on")));
}

TEST_F(Compare, SpeedsAreMeasuredInRounds) {
    CompareSettings s = settings({shifted("fp32", "0, 0, 0", {1, 16, 64}), shifted("int8", "0, 0, 1", {1, 16, 64})}, three_samples());
    s.seconds = 0.01;
    s.rounds = 3;
    const Comparison c = compare({}, s);
    for (const ComparedEngine& e : c.engines) {
        ASSERT_TRUE(e.speed);
        EXPECT_EQ(e.speed->latency_batch, 1);
        EXPECT_EQ(e.speed->throughput_batch, 32);
        EXPECT_EQ(e.speed->latency_rounds_ms.size(), 3U);
        EXPECT_EQ(e.speed->samples_per_s_rounds.size(), 3U);
        EXPECT_GT(e.speed->latency_p50_ms, 0);
        EXPECT_GE(e.speed->latency_p99_ms, e.speed->latency_p50_ms);
        EXPECT_GT(e.speed->samples_per_s, 0);
        EXPECT_EQ(e.speed->peak_rss_bytes, 0U);  // this process runs other tests, too
    }
    EXPECT_EQ(c.engines[0].speed->speedup, 1);
}

TEST_F(Compare, AProgramThatDoesNotMeasureIsNamed) {
    CompareSettings s = settings({shifted("fp32", "0, 0, 0")}, three_samples());
    s.seconds = 0.01;
    s.program = "/bin/echo";
    EXPECT_THAT(error_of([&] { compare({}, s); }), HasSubstr("/bin/echo"));
}

}  // namespace
}  // namespace tercet
