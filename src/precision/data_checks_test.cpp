// SPDX-License-Identifier: Apache-2.0
#include "precision/data_checks.h"

#include "ops/testing.h"
#include "tensor/testing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tercet {
namespace {

using ::testing::HasSubstr;
using testing::error_of;
using testing::typed_graph;

Value input_of(const std::string& type) {
    const Graph g = typed_graph("(" + type + " x) => (" + type + " y) { y = Relu(x) }");
    return g.value(g.inputs()[0]);
}

Expectation expectation(const std::string& nodes) {
    const Graph g = typed_graph("(f32[N,3,4,4] x) => (f32[N,3,4,4] y) { " + nodes + " }");
    return expectation_of(g, g.inputs()[0]);
}

TEST(FitOfSamples, BatchesAndWholeInputsAndAxesOfOne) {
    const Value x = input_of("f32[N,1,28,28]");
    for (const Dims& sample : {Dims{1, 28, 28}, Dims{1, 1, 28, 28}, Dims{28, 28}, Dims{28, 28, 1}}) {
        const SampleFit f = fit_sample(sample, x);
        EXPECT_TRUE(f.stacked);
        EXPECT_EQ(f.shape, (Dims{1, 28, 28}));
    }
    EXPECT_FALSE(fit_sample({4, 1, 28, 28}, x).stacked);
    EXPECT_FALSE(fit_sample({3, 8}, input_of("f32[3,8]")).stacked);
    EXPECT_EQ(fit_sample({17, 4}, input_of("f32[N,S,4]")).shape, (Dims{17, 4}));
}

TEST(FitOfSamples, SaysInPlainWordsWhyNot) {
    const auto error = [](const Dims& sample, const std::string& type) { return error_of([&] { fit_sample(sample, input_of(type)); }); };
    EXPECT_THAT(error({32, 32, 3}, "f32[N,3,32,32]"), HasSubstr("its channels stand first, those of the data last; pictures: --layout nchw"));
    EXPECT_THAT(error({3, 32, 32}, "f32[N,32,32,3]"), HasSubstr("its channels stand last, those of the data first; pictures: --layout nhwc"));
    EXPECT_THAT(error({3, 64, 64}, "f32[N,3,32,32]"), HasSubstr("--resize"));
    EXPECT_THAT(error({1, 32, 32}, "f32[N,3,32,32]"), HasSubstr("--color"));
    EXPECT_THAT(error({5}, "f32[N,4]"), HasSubstr("a sample is [5], the model's input 'x' is f32[N,4]"));
}

TEST(ExpectedRangeOfAnInput, FollowsFromTheModelsOwnArithmetic) {
    EXPECT_EQ(expectation("y = Sub(x, f32[3,1,1]{0.485, 0.456, 0.406})").range, ExpectedRange::unit);
    EXPECT_EQ(expectation("y = Sub(x, f32[]{127.5})").range, ExpectedRange::byte);
    EXPECT_EQ(expectation("y = Div(x, f32[]{255})").range, ExpectedRange::byte);
    EXPECT_EQ(expectation("y = Mul(x, f32[]{0.00392})").range, ExpectedRange::byte);
    EXPECT_EQ(expectation("t = Identity(x) y = Div(t, f32[]{0.5})").range, ExpectedRange::unit);
    EXPECT_EQ(expectation("y = Relu(x)").range, ExpectedRange::unknown);
    EXPECT_FALSE(expectation("y = Sub(x, f32[3,1,1]{0.485, 0.456, 0.406})").bgr);
    EXPECT_TRUE(expectation("y = Sub(x, f32[3,1,1]{0.406, 0.456, 0.485})").bgr);
    EXPECT_TRUE(expectation("y = Sub(x, f32[3,1,1]{103.53, 116.28, 123.675})").bgr);
}

TEST(RangeOfTheData, IsComparedWithWhatIsExpected) {
    const Expectation unit{ExpectedRange::unit, false, "it subtracts 0.5"}, byte{ExpectedRange::byte, true, "it subtracts 104"};
    EXPECT_THAT(range_warning(unit, "x", 0, 255, Color::rgb).value_or(""), HasSubstr("from 0 to 255, but the model seems to expect 0 to 1 (it subtracts 0.5)"));
    EXPECT_FALSE(range_warning(unit, "x", 0, 1, Color::rgb));
    EXPECT_THAT(range_warning(byte, "x", 0, 1, Color::bgr).value_or(""), HasSubstr("expect 0 to 255"));
    EXPECT_THAT(range_warning(byte, "x", 0, 255, Color::rgb).value_or(""), HasSubstr("--color bgr"));
    EXPECT_FALSE(range_warning(byte, "x", 0, 255, Color::bgr));
    EXPECT_FALSE(range_warning({}, "x", 0, 255, Color::rgb));
}

TEST(ResponseOfTheModel, IsComparedWithItsTraining) {
    const Graph g = typed_graph(R"((f32[N,2,4,4] x) => (f32[N,2,4,4] y) {
        c = Conv(x, random[2,2,1,1])
        y = BatchNormalization(c, random[2], random[2], f32[2]{1, 2}, f32[2]{3, 4}) })");
    const auto found = normalized_values(g);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(g.value(found[0].value).name, "c");
    EXPECT_DOUBLE_EQ(found[0].mean_square, (3 + 1 + 4 + 4) / 2.0);
    EXPECT_FALSE(response_warning("c", 12, 6));
    EXPECT_THAT(response_warning("c", 6 * 255 * 255, 6).value_or(""), HasSubstr("'c' is 255 times larger"));
    EXPECT_THAT(response_warning("c", 6, 6 * 255 * 255).value_or(""), HasSubstr("smaller"));
}

TEST(RangeOfASample, TellsConstantsAndWhatIsNoNumber) {
    const float values[] = {1, 1, 1, -2, NAN, INFINITY};
    EXPECT_TRUE(range_of(values, 3).constant());
    EXPECT_FALSE(range_of(values, 4).constant());
    EXPECT_EQ(range_of(values, 4).least, -2);
    EXPECT_FALSE(range_of(values, 5).finite);
    EXPECT_EQ(range_of(values, 6).greatest, 1);
}

}  // namespace
}  // namespace tercet
