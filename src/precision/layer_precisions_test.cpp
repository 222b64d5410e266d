// SPDX-License-Identifier: Apache-2.0
#include "tercet/precision.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

using ::testing::HasSubstr;

TEST(LayerPrecisions, APatternEndsAtItsLastColon) {
    EXPECT_EQ(parse_layer_precisions("head/*:fp32,conv1:fp16,a:b:int8"), (LayerPrecisions{{"head/*", "fp32"}, {"conv1", "fp16"}, {"a:b", "int8"}}));
    EXPECT_EQ(parse_layer_precisions("*:bf16,"), (LayerPrecisions{{"*", "bf16"}}));
    EXPECT_TRUE(parse_layer_precisions("").empty());
}

TEST(LayerPrecisions, QuotesAroundANameAreNoPartOfIt) {
    EXPECT_EQ(parse_layer_precisions("'conv 1':fp32,':fp16,it's:fp32"), (LayerPrecisions{{"conv 1", "fp32"}, {"'", "fp16"}, {"it's", "fp32"}}));
}

TEST(LayerPrecisions, RefusesWhatNamesNoPrecision) {
    const auto error_of = [](std::string_view text) -> std::string {
        try {
            return parse_layer_precisions(text).empty() ? "empty" : "parsed";
        } catch (const Error& e) {
            return e.what();
        }
    };
    for (const char* bad : {"conv1", ":fp32", "'':fp32", ",", "conv1:fp32,,conv2:fp32", "conv1:fp32,conv2"}) EXPECT_THAT(error_of(bad), HasSubstr("NAME:PRECISION")) << bad;
    for (const char* bad : {"conv1:fp8", "conv1:", "*:int32", "conv1:FP16"}) EXPECT_THAT(error_of(bad), HasSubstr("fp32, fp16, bf16, int8")) << bad;
}

}  // namespace
}  // namespace tercet::testing
