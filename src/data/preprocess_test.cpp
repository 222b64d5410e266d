// SPDX-License-Identifier: Apache-2.0
#include "data/preprocess.h"

#include "data/testing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

namespace tercet::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::HasSubstr;

Tensor pixels(const Dims& shape, const std::vector<std::uint8_t>& values) { return Tensor::of<std::uint8_t>(DType::u8, shape, values); }

std::vector<float> result_of(const Preprocess& p, const Tensor& picture) {
    check(p);
    std::vector<float> v(static_cast<std::size_t>(count_of(preprocessed_shape(p, picture.shape()))));
    preprocess(p, picture, reinterpret_cast<std::byte*>(v.data()));
    return v;
}

std::string error_of_settings(const Preprocess& p) {
    return error_of([&] {
        check(p);
        preprocessed_shape(p, {4, 6, 3});
    });
}

TEST(Preprocess, ScalesEightBitsToOneAndLeavesOthers) {
    EXPECT_THAT(result_of({}, pixels({1, 2, 1}, {0, 255})), ElementsAre(0, 1));
    EXPECT_THAT(result_of({.scale = 1}, pixels({1, 2, 1}, {0, 255})), ElementsAre(0, 255));
    EXPECT_THAT(result_of({}, Tensor::of<float>(DType::f32, {1, 2, 1}, std::vector<float>{0, 255})), ElementsAre(0, 255));
}

TEST(Preprocess, OrdersTheAxes) {
    const Tensor picture = pixels({1, 2, 3}, {1, 2, 3, 4, 5, 6});
    EXPECT_THAT(result_of({.layout = Layout::nhwc, .scale = 1}, picture), ElementsAre(1, 2, 3, 4, 5, 6));
    EXPECT_THAT(result_of({.layout = Layout::nchw, .scale = 1}, picture), ElementsAre(1, 4, 2, 5, 3, 6));
    EXPECT_EQ(preprocessed_shape({.layout = Layout::nhwc}, {1, 2, 3}), (Dims{1, 2, 3}));
    EXPECT_EQ(preprocessed_shape({.layout = Layout::nchw}, {1, 2, 3}), (Dims{3, 1, 2}));
}

TEST(Preprocess, ConvertsColors) {
    const Tensor color = pixels({1, 1, 3}, {100, 150, 200}), gray = pixels({1, 1, 1}, {9});
    EXPECT_THAT(result_of({.color = Color::rgb, .scale = 1}, color), ElementsAre(100, 150, 200));
    EXPECT_THAT(result_of({.color = Color::bgr, .scale = 1}, color), ElementsAre(200, 150, 100));
    EXPECT_THAT(result_of({.color = Color::gray, .scale = 1}, color), ElementsAre(FloatEq(29.9F + 88.05F + 22.8F)));
    EXPECT_THAT(result_of({.color = Color::rgb, .scale = 1}, gray), ElementsAre(9, 9, 9));
    EXPECT_THAT(result_of({.color = Color::gray, .scale = 1}, gray), ElementsAre(9));
}

TEST(Preprocess, NormalizesPerChannelAfterScaling) {
    const Tensor picture = pixels({1, 1, 3}, {0, 51, 255});
    EXPECT_THAT(result_of({.mean = {0.5, 0.2, 0}, .deviation = {0.25, 1, 2}}, picture), ElementsAre(FloatEq(-2), ::testing::FloatNear(0, 1e-7F), FloatEq(0.5F)));
    EXPECT_THAT(result_of({.scale = 1, .mean = {1}, .deviation = {2}}, picture), ElementsAre(-0.5F, 25, 127));
}

TEST(Preprocess, ResizesWithHalfPixelCenters) {
    // 2 -> 4: centers at -0.25, 0.25, 0.75, 1.25, clamped to [0, 1]. 4 -> 2: at 0.5 and 2.5.
    EXPECT_THAT(result_of({.height = 1, .width = 4, .scale = 1}, pixels({1, 2, 1}, {0, 100})), ElementsAre(0, 25, 75, 100));
    EXPECT_THAT(result_of({.height = 4, .width = 1, .scale = 1}, pixels({2, 1, 1}, {0, 100})), ElementsAre(0, 25, 75, 100));
    EXPECT_THAT(result_of({.height = 1, .width = 2, .scale = 1}, pixels({1, 4, 1}, {0, 10, 50, 90})), ElementsAre(5, 70));
    EXPECT_THAT(result_of({.height = 2, .width = 2, .scale = 1}, pixels({2, 2, 1}, {1, 2, 3, 4})), ElementsAre(1, 2, 3, 4));
}

TEST(Preprocess, CropsFromTheMiddle) {
    std::vector<std::uint8_t> values(30);
    std::iota(values.begin(), values.end(), std::uint8_t{0});
    const Tensor picture = pixels({5, 6, 1}, values);
    EXPECT_THAT(result_of({.height = 1, .width = 2, .fit = Fit::crop, .scale = 1}, picture), ElementsAre(14, 15));
    EXPECT_THAT(result_of({.height = 3, .width = 2, .fit = Fit::crop, .scale = 1}, picture), ElementsAre(8, 9, 14, 15, 20, 21));
}

TEST(Preprocess, CropsAfterResizingTheShorterSide) {
    const Tensor picture = pixels({2, 4, 1}, {0, 10, 20, 30, 0, 10, 20, 30});
    // Resized to [1, 2] at columns 0.5 and 2.5, and to [4, 8] at -0.25, 0.25, ..., of which the middle is kept.
    EXPECT_THAT(result_of({.fit = Fit::crop, .resize_shorter = 1, .scale = 1}, picture), ElementsAre(5, 25));
    EXPECT_THAT(result_of({.height = 1, .width = 2, .fit = Fit::crop, .resize_shorter = 4, .scale = 1}, picture), ElementsAre(12.5F, 17.5F));
}

TEST(Preprocess, KeepsEightBitsAsStored) {
    const Preprocess p{.dtype = DType::u8, .height = 1, .width = 4};
    std::vector<std::byte> out(4);
    preprocess(p, pixels({1, 2, 1}, {0, 254}), out.data());
    EXPECT_THAT(out, ElementsAre(std::byte{0}, std::byte{64}, std::byte{190}, std::byte{254}));  // 63.5 and 190.5, half to even
}

TEST(Preprocess, RefusesSettingsThatContradict) {
    EXPECT_EQ(error_of_settings({}), "");
    EXPECT_THAT(error_of_settings({.dtype = DType::i32}), HasSubstr("cannot become i32"));
    EXPECT_THAT(error_of_settings({.dtype = DType::u8, .scale = 1}), HasSubstr("kept as stored"));
    EXPECT_THAT(error_of_settings({.height = -1}), HasSubstr("-1 pixels"));
    EXPECT_THAT(error_of_settings({.width = 1 << 20}), HasSubstr("1048576 pixels"));
    EXPECT_THAT(error_of_settings({.height = 1 << 16, .width = 1 << 16}), HasSubstr("65536 x 65536"));
    EXPECT_THAT(error_of_settings({.height = 5, .fit = Fit::crop}), HasSubstr("a crop of 5 x 6 does not fit into 4 x 6"));
    EXPECT_THAT(error_of_settings({.mean = {1, 2}}), HasSubstr("2 means or deviations for 3 channels"));
    EXPECT_THAT(error_of_settings({.color = Color::gray, .deviation = {1, 2, 3}}),
                HasSubstr("3 means or deviations for 1 channels"));
    EXPECT_THAT(error_of_settings({.deviation = {0}}), HasSubstr("zero"));
    EXPECT_THAT(error_of_settings({.mean = {NAN}}), HasSubstr("not finite"));
    EXPECT_THAT(error_of_settings({.scale = INFINITY}), HasSubstr("not finite"));
    EXPECT_THAT(error_of_settings({.row_shape = {28}}), HasSubstr("[28] is no picture"));
    EXPECT_THAT(error_of_settings({.row_shape = {3, 28, 28}}), HasSubstr("[3, 28, 28] is no picture"));
}

}  // namespace
}  // namespace tercet::testing
