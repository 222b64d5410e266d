// SPDX-License-Identifier: Apache-2.0
#include "data/image.h"

#include "data/testing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <png.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace tercet::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<int> values_of(const Tensor& t) {
    std::vector<int> v;
    for (std::int64_t i = 0; i < t.count(); ++i) v.push_back(static_cast<int>(t.get_int(i)));
    return v;
}

int worst_difference(const Tensor& t, const Pixels& p) {
    int worst = 0;
    for (std::size_t i = 0; i < p.values.size(); ++i) worst = std::max(worst, std::abs(static_cast<int>(t.get_int(static_cast<std::int64_t>(i))) - p.values[i]));
    return worst;
}

TEST(Jpeg, GivesThePixels) {
    for (const auto& [width, height] : {std::pair(1, 1), std::pair(7, 9), std::pair(16, 16), std::pair(33, 17)})
        for (const int channels : {1, 3})
            for (const bool progressive : {false, true}) {
                const Pixels p = gradient(width, height, channels);
                const Tensor t = decode_image(jpeg(p, {.quality = 100, .progressive = progressive}));
                EXPECT_EQ(t.shape(), (Dims{height, width, channels}));
                EXPECT_LE(worst_difference(t, p), channels == 1 ? 2 : 12) << width << " x " << height << " x " << channels;
            }
}

TEST(Jpeg, TurnsInkIntoLight) {
    const Tensor t = decode_jpeg(jpeg({1, 1, 4, {255, 128, 0, 255}}, {.quality = 100}));  // Adobe writes how much ink is missing
    ASSERT_EQ(t.shape(), (Dims{1, 1, 3}));
    EXPECT_NEAR(t.get(0), 255, 3);
    EXPECT_NEAR(t.get(1), 128, 3);
    EXPECT_NEAR(t.get(2), 0, 3);
}

TEST(Jpeg, DoesNotBelieveSizesThatTheFileLacks) {
    Bytes file = jpeg(gradient(16, 16, 3));
    const std::array marker = {std::byte{0xff}, std::byte{0xc0}};
    const auto frame = std::search(file.begin(), file.end(), marker.begin(), marker.end());
    ASSERT_NE(frame, file.end());
    std::fill_n(frame + 5, 4, std::byte{0x3f});  // height and width
    EXPECT_THAT(error_of([&] { decode_jpeg(file); }), HasSubstr("claims 16191 x 16191 pixels"));
    std::fill_n(frame + 5, 4, std::byte{0xfe});
    EXPECT_THAT(error_of([&] { decode_jpeg(file); }), HasSubstr("pixels"));
}

TEST(Jpeg, WithEndlessScansIsAnError) {
    const Bytes file = jpeg(gradient(16, 16, 1), {.progressive = true});
    const std::array start = {std::byte{0xff}, std::byte{0xda}};
    const auto scan = std::search(file.begin(), file.end(), start.begin(), start.end());  // the first one, which may be repeated
    const auto next = std::adjacent_find(scan + 2, file.end(), [](std::byte a, std::byte b) { return a == std::byte{0xff} && b != std::byte{0}; });
    ASSERT_NE(next, file.end());
    for (const int scans : {9, 1000}) {
        Bytes many(file.begin(), scan);
        for (int i = 0; i < scans; ++i) many.insert(many.end(), scan, next);
        many.insert(many.end(), next, file.end());
        EXPECT_THAT(error_of([&] { decode_jpeg(many); }),
                    scans == 9 ? ::testing::Matcher<std::string>(::testing::IsEmpty()) : HasSubstr("rogressi")) << scans;
    }
}

TEST(Jpeg, AnyDamageIsAnErrorOrAnotherPicture) {
    for (const bool progressive : {false, true}) {
        const Bytes file = jpeg(gradient(17, 9, 3), {.progressive = progressive});
        expect_errors_only(file, [](const Bytes& b) { decode_jpeg(b); }, file.size() - 2);  // the mark of the end may be missing
    }
}

TEST(Png, GivesThePixelsExactly) {
    for (const auto& [width, height] : {std::pair(1, 1), std::pair(7, 9), std::pair(33, 17)})
        for (const int channels : {1, 3})
            for (const bool interlaced : {false, true}) {
                const Pixels p = gradient(width, height, channels);
                const Tensor t = decode_image(png(p, {.interlaced = interlaced}));
                EXPECT_EQ(t.shape(), (Dims{height, width, channels}));
                EXPECT_EQ(worst_difference(t, p), 0) << width << " x " << height << " x " << channels;
            }
}

TEST(Png, DropsTransparency) {
    EXPECT_THAT(values_of(decode_png(png({1, 2, 4, {1, 2, 3, 0, 4, 5, 6, 128}}))), ElementsAre(1, 2, 3, 4, 5, 6));
    EXPECT_THAT(values_of(decode_png(png({2, 1, 2, {9, 0, 8, 255}}))), ElementsAre(9, 8));
}

TEST(Png, ScalesOtherDepthsToEightBits) {
    EXPECT_THAT(values_of(decode_png(png({3, 1, 1, {0xff, 0xff, 0x80, 0x00, 0x00, 0xff}}, {.bit_depth = 16}))), ElementsAre(255, 128, 1));
    EXPECT_THAT(values_of(decode_png(png({3, 1, 1, {0b10100000}}, {.bit_depth = 1}))), ElementsAre(255, 0, 255));
    EXPECT_THAT(values_of(decode_png(png({2, 1, 1, {0xf3}}, {.bit_depth = 4}))), ElementsAre(255, 51));
}

TEST(Png, LooksUpPalettes) {
    const PngForm form{.color_type = PNG_COLOR_TYPE_PALETTE, .bit_depth = 4, .palette = {10, 20, 30, 40, 50, 60}};
    EXPECT_THAT(values_of(decode_png(png({2, 1, 1, {0x10}}, form))), ElementsAre(40, 50, 60, 10, 20, 30));
}

TEST(Png, DoesNotBelieveSizesThatTheFileLacks) {
    const Bytes file = png({16384, 16384, 1, std::vector<std::uint8_t>(16384 * 16384 / 8)}, {.bit_depth = 1});
    const Bytes start(file.begin(), file.begin() + 2000);
    EXPECT_THAT(error_of([&] { decode_png(start); }), HasSubstr("claims 16384 x 16384 pixels in 2000 bytes"));
}

TEST(Png, AnyDamageIsAnErrorOrAnotherPicture) {
    for (const bool interlaced : {false, true}) {
        const Bytes file = png(gradient(17, 9, 3), {.interlaced = interlaced});
        expect_errors_only(file, [](const Bytes& b) { decode_png(b); });
    }
}

TEST(Image, OfAnotherKindIsAnError) {
    EXPECT_THAT(error_of([] { decode_image(bytes_of_text("GIF89a")); }), HasSubstr("neither a JPEG nor a PNG"));
    EXPECT_THAT(error_of([] { decode_image({}); }), HasSubstr("neither a JPEG nor a PNG"));
}

}  // namespace
}  // namespace tercet::testing
