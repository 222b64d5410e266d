// SPDX-License-Identifier: Apache-2.0
#include "precision/precision_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cfloat>

namespace tercet {
namespace {

const PrecisionPlan plan{.model = "m", .precision = Precision::int8, .calibrator = "entropy, 512 samples",
                         .scales = {{"x", 0.1f}, {"y/\"q\"", 3.4e-5f}},
                         .layers = {{"conv1", "Conv", Precision::int8, Precision::int8},
                                    {"head/gemm", "Gemm", Precision::int8, Precision::fp32, "no scale for tensor 't'"},
                                    {"norm", "LayerNormalization", Precision::fp16, Precision::bf16, "|x| reaches 91200 in FP16"}}};

void expect_refused(std::string_view json, std::string_view part) {
    try {
        parse_precision_plan(json);
        ADD_FAILURE() << "accepted: " << json;
    } catch (const Error& e) {
        EXPECT_THAT(e.what(), ::testing::HasSubstr(part));
        EXPECT_FALSE(e.fault().fix.empty()) << json;
    }
}

TEST(PrecisionPlan, ComesBackFromItsJson) { EXPECT_EQ(parse_precision_plan(to_json(plan)), plan); }

TEST(PrecisionPlan, JsonIsForPeople) {
    const std::string json = to_json(plan);
    EXPECT_THAT(json, ::testing::HasSubstr("\"x\": 0.1,"));
    EXPECT_LT(json.find("\"model\""), json.find("\"precision\""));
    EXPECT_LT(json.find("\"layers\""), json.find("\"scales\""));
    EXPECT_THAT(json, ::testing::HasSubstr("\"reason\": \"no scale for tensor 't'\""));
}

TEST(PrecisionPlan, ScalesKeepTheirBits) {
    PrecisionPlan p{.precision = Precision::int8};
    std::uint32_t bits = 0x00000001;  // least subnormal on; an odd stride sees all exponents
    for (int i = 0; bits < std::bit_cast<std::uint32_t>(FLT_MAX); bits += 104729 * 3, ++i) p.scales[std::to_string(i)] = std::bit_cast<float>(bits);
    p.scales["max"] = FLT_MAX;
    EXPECT_EQ(parse_precision_plan(to_json(p)).scales, p.scales);
}

TEST(PrecisionPlan, ALayerThatSaysOnlyWhatIsChosenWasAskedForThat) {
    const auto p = parse_precision_plan(R"({"precision": "fp16", "layers": [{"layer": "a", "chosen": "fp32"}]})");
    EXPECT_EQ(p.layers[0], (LayerPlan{"a", "", Precision::fp32, Precision::fp32}));
}

TEST(PrecisionPlan, FindsLayersByLabel) {
    EXPECT_EQ(plan.find("norm"), &plan.layers[2]);
    EXPECT_EQ(plan.find("nor"), nullptr);
}

TEST(PrecisionPlan, RefusalsNameThePlace) {
    expect_refused("", "no JSON");
    expect_refused("{\"precision\": \"int8\",", "no JSON");
    expect_refused("[]", "the plan is no object");
    expect_refused("{}", "'precision' is missing");
    expect_refused(R"({"precision": "int4"})", "'precision': 'int4' is no precision; choose among fp32, fp16, bf16, int8");
    expect_refused(R"({"precision": 8})", "'precision' is no text");
    expect_refused(R"({"precision": "int8", "layer": []})", "'layer' is no key of a plan");
    expect_refused(R"({"precision": "int8", "layers": {}})", "'layers' is no list");
    expect_refused(R"({"precision": "int8", "layers": [{"layer": "a", "chosen": "int8"}, {"layer": "b"}]})", "layers[1]: 'chosen' is missing");
    expect_refused(R"({"precision": "int8", "layers": [{"layer": "a", "choosen": "int8"}]})", "layers[0]: 'choosen' is no key of a layer");
    expect_refused(R"({"precision": "int8", "layers": [{"layer": "a", "chosen": "int8"}, {"layer": "a", "chosen": "int8"}]})", "layers[1]: layer 'a' is there twice");
    expect_refused(R"({"precision": "int8", "layers": ["a"]})", "layers[0]: it is no object");
    expect_refused(R"({"precision": "int8", "scales": {"x": "1"}})", "scales['x']: is no number");
    expect_refused(R"({"precision": "int8", "scales": {"x": 0}})", "scales['x']: 0 is no scale");
    expect_refused(R"({"precision": "int8", "scales": {"x": -1}})", "scales['x']");
    expect_refused(R"({"precision": "int8", "scales": {"x": 1e300}})", "scales['x']");
    expect_refused(R"({"precision": "int8", "scales": {"x": null}})", "scales['x']");
}

TEST(PrecisionPlan, PrecisionsHaveNames) {
    for (Precision p : {Precision::fp32, Precision::fp16, Precision::bf16, Precision::int8}) EXPECT_EQ(precision_named(name_of(p)), p);
    EXPECT_THROW(precision_named("FP32"), Error);
}

TEST(FitsPattern, StarsStandForAnythingQuestionMarksForOne) {
    for (const auto& [pattern, name] : std::initializer_list<std::pair<const char*, const char*>>{
             {"*", ""}, {"*", "a/b"}, {"head/*", "head/"}, {"head/*", "head/fc/MatMul"}, {"*Conv", "a/Conv"}, {"a*b*c", "a1b2bc"}, {"?b", "ab"},
             {"**", "x"}, {"", ""}, {"conv1", "conv1"}, {"*a*", "bab"}, {"a?*", "ab"}})
        EXPECT_TRUE(fits_pattern(pattern, name)) << pattern << " " << name;
    for (const auto& [pattern, name] : std::initializer_list<std::pair<const char*, const char*>>{
             {"", "a"}, {"head/*", "head"}, {"*Conv", "Conv2"}, {"a*b*c", "acb"}, {"?", ""}, {"?", "ab"}, {"conv1", "conv10"}, {"a?*", "a"}})
        EXPECT_FALSE(fits_pattern(pattern, name)) << pattern << " " << name;
}

}  // namespace
}  // namespace tercet
