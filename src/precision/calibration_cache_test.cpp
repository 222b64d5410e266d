// SPDX-License-Identifier: Apache-2.0
#include "precision/calibration_cache.h"

#include "system/temporary_folder.h"
#include "tensor/testing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tercet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::error_of;

const std::string head = "TRT-8503-EntropyCalibration2\n";

TEST(CalibrationCache, PrintsScalesBigEndian) {
    const Calibration c{.header = "TRT-8503-EntropyCalibration2", .scales = {{"x", 1.0F}, {"conv: out", 0.0078125F}, {"tiny", 0x1p-126F}}};
    EXPECT_EQ(print_calibration_cache(c), head + "conv: out: 3c000000\ntiny: 00800000\nx: 3f800000\n");
}

TEST(CalibrationCache, ReadsWhatItPrints) {
    const Calibration c{.header = "TRT-100300-EntropyCalibration2", .scales = {{"x", 0.1F}, {": ", 3.0F}, {" a: b: ", 2.0F}, {"ü/é:0", 1e-30F}}};
    const Calibration back = parse_calibration_cache(print_calibration_cache(c));
    EXPECT_EQ(back.header, c.header);
    EXPECT_EQ(back.scales, c.scales);
}

TEST(CalibrationCache, ReadsWhatTensorRtWrites) {
    const Calibration c = parse_calibration_cache("TRT-8503-EntropyCalibration2\r\ninput: 3c010a14\r\n(Unnamed Layer* 4) [Constant]_output: 0\n"
                                                  "(Unnamed Layer* 5) [Constant]_output: 3c01\n\nprob: 3C000000");
    EXPECT_EQ(c.header, "TRT-8503-EntropyCalibration2");
    EXPECT_EQ(c.scales.size(), 3U);
    EXPECT_EQ(c.scales.at("prob"), 0.0078125F);
}

TEST(CalibrationCache, SaysWhatIsWrongAndWhere) {
    const auto error = [](const std::string& text) { return error_of([&] { parse_calibration_cache(text); }); };
    EXPECT_THAT(error(""), HasSubstr("no calibration cache"));
    EXPECT_THAT(error("hello\nx: 3c000000\n"), HasSubstr("line 1"));
    EXPECT_THAT(error("TRT-EntropyCalibration2\nx: 3c000000\n"), HasSubstr("no calibration cache"));
    EXPECT_THAT(error(head), HasSubstr("no scales"));
    EXPECT_THAT(error(head + "x: 3c000000\ny 3c000000\n"), HasSubstr("line 3"));
    EXPECT_THAT(error(head + ": 3c000000\n"), HasSubstr("line 2"));
    EXPECT_THAT(error(head + "x: 3c00zz00\n"), HasSubstr("hexadecimal"));
    EXPECT_THAT(error(head + "x: 0x3c0000\n"), HasSubstr("hexadecimal"));
    EXPECT_THAT(error(head + "x: 3c0000000\n"), HasSubstr("hexadecimal"));
    EXPECT_THAT(error(head + "x: \n"), HasSubstr("hexadecimal"));
    EXPECT_THAT(error(head + "x: 7f800000\n"), HasSubstr("inf"));
    EXPECT_THAT(error(head + "x: 7fc00000\n"), HasSubstr("nan"));
    EXPECT_THAT(error(head + "x: bf800000\n"), HasSubstr("-1"));
    EXPECT_THAT(error(head + "x: 3f800000\nx: 3f800001\n"), HasSubstr("twice"));
    EXPECT_EQ(error(head + "x: 3f800000\nx: 3f800000\n"), "");
}

TEST(CalibrationCache, RefusesToWriteWhatCouldNotBeRead) {
    EXPECT_THAT(error_of([] { print_calibration_cache({.header = "TRT-8503-EntropyCalibration2", .scales = {{"a\nb", 1.0F}}}); }), HasSubstr("line break"));
    EXPECT_THAT(error_of([] { print_calibration_cache({.header = "TRT-8503", .scales = {{"a", 1.0F}}}); }), HasSubstr("first line"));
}

TEST(CalibrationCache, GoesThroughAFile) {
    const TemporaryFolder folder;
    const auto file = folder.path() / "calibration_cache_8x.cache";
    const Calibration c{.header = "TRT-8503-EntropyCalibration2", .scales = {{"x", 0.25F}}};
    write_calibration_cache(file, c);
    EXPECT_EQ(read_calibration_cache(file).scales, c.scales);
    const auto text = folder.write("text", "hello\n");
    EXPECT_THAT(error_of([&] { read_calibration_cache(text); }), HasSubstr(text.string()));
}

TEST(CalibrationCache, HeadersByVersion) {
    EXPECT_EQ(calibration_cache_header("8.5.3"), "TRT-8503-EntropyCalibration2");
    EXPECT_EQ(calibration_cache_header("8.6"), "TRT-8600-EntropyCalibration2");
    EXPECT_EQ(calibration_cache_header("TRT-8503"), "TRT-8503-EntropyCalibration2");
    EXPECT_EQ(calibration_cache_header("8503"), "TRT-8503-EntropyCalibration2");
    EXPECT_EQ(calibration_cache_header("10.3"), "TRT-100300-EntropyCalibration2");
    EXPECT_EQ(calibration_cache_header("TRT-100300"), "TRT-100300-EntropyCalibration2");
    EXPECT_EQ(calibration_cache_header("TRT-7103-MinMaxCalibration"), "TRT-7103-MinMaxCalibration");
    for (const char* wrong : {"", "x", "8.", "8.5.3.1", "8.-5", "-8", "8.5x", "TRT-", "0.1", "8.100"})
        EXPECT_THAT(error_of([&] { calibration_cache_header(wrong); }), HasSubstr("no version")) << wrong;
}

TEST(CacheOverlapWithAModel, NamesWhatIsMissingAndIgnoresWhatTensorRtMadeUp) {
    const Scales cache{{"x", 1.0F}, {"a", 1.0F}, {"old", 1.0F}, {"(Unnamed Layer* 4) [Constant]_output", 1.0F}};
    const std::vector<std::string> tensors{"x", "b", "a"};
    const CacheOverlap o = overlap_of(cache, tensors);
    EXPECT_EQ(o.matched, 2);
    EXPECT_THAT(o.missing, ElementsAre("b"));
    EXPECT_THAT(o.unknown, ElementsAre("old"));
    EXPECT_FALSE(o.of_another_model);
    require_overlap(o);
}

TEST(CacheOverlapWithAModel, TellsAnotherModelsCache) {
    const std::vector<std::string> tensors{"input", "a", "b", "c", "output"};
    const Scales other{{"input", 1.0F}, {"d", 1.0F}, {"e", 1.0F}, {"f", 1.0F}, {"g", 1.0F}};
    const CacheOverlap o = overlap_of(other, tensors);
    EXPECT_TRUE(o.of_another_model);
    EXPECT_THAT(error_of([&] { require_overlap(o); }), HasSubstr("another model's cache: 1 of the model's 5"));
    EXPECT_FALSE(overlap_of({{"input", 1.0F}}, tensors).of_another_model);  // few scales, but this model's
    EXPECT_TRUE(overlap_of({{"(Unnamed Layer* 4) [Constant]_output", 1.0F}}, tensors).of_another_model);
}

}  // namespace
}  // namespace tercet
