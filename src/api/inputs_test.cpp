// SPDX-License-Identifier: Apache-2.0
#include "tercet/inputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tercet {
namespace {

using ::testing::ElementsAre;

TensorInfo input_of(std::vector<std::string> shape, DType dtype = DType::f32) { return {.name = "x", .dtype = dtype, .shape = std::move(shape)}; }

TEST(PreprocessFor, TakesLayoutSizeAndColorFromTheShape) {
    const Preprocess nchw = preprocess_for(input_of({"N", "3", "32", "48"}));
    EXPECT_EQ(nchw.layout, Layout::nchw);
    EXPECT_EQ(nchw.height, 32);
    EXPECT_EQ(nchw.width, 48);
    EXPECT_EQ(nchw.color, Color::rgb);
    EXPECT_THAT(nchw.row_shape, ElementsAre(32, 48, 3));
    const Preprocess nhwc = preprocess_for(input_of({"N", "28", "28", "1"}, DType::u8));
    EXPECT_EQ(nhwc.layout, Layout::nhwc);
    EXPECT_EQ(nhwc.color, Color::gray);
    EXPECT_EQ(nhwc.dtype, DType::u8);
    const Preprocess vector = preprocess_for(input_of({"N", "784"}));
    EXPECT_FALSE(vector.layout);
    EXPECT_EQ(vector.height, 0);
}

TEST(PreprocessFor, KeepsWhatIsAskedFor) {
    const Preprocess p = preprocess_for(input_of({"N", "3", "32", "3"}), {.layout = Layout::nhwc, .color = Color::bgr, .fit = Fit::crop, .resize_shorter = 40,
                                                                          .scale = 1, .mean = {1, 2, 3}});
    EXPECT_EQ(p.layout, Layout::nhwc);
    EXPECT_EQ(p.height, 3);
    EXPECT_EQ(p.width, 32);
    EXPECT_EQ(p.color, Color::bgr);
    EXPECT_EQ(p.fit, Fit::crop);
    EXPECT_EQ(p.resize_shorter, 40);
    EXPECT_EQ(p.scale, 1);
    EXPECT_THAT(p.mean, ElementsAre(1, 2, 3));
    const Preprocess sized = preprocess_for(input_of({"N", "3", "H", "W"}), {.height = 10, .width = 20});
    EXPECT_EQ(sized.height, 10);
    EXPECT_EQ(sized.width, 20);
    EXPECT_TRUE(sized.row_shape.empty());
}

TEST(PreprocessFor, LeavesOpenWhatALayoutThatDoesNotFitCannotTell) {
    const Preprocess p = preprocess_for(input_of({"N", "3", "32", "32"}), {.layout = Layout::nhwc});
    EXPECT_EQ(p.layout, Layout::nhwc);
    EXPECT_EQ(p.height, 0);
    EXPECT_FALSE(p.color);
}

}  // namespace
}  // namespace tercet
