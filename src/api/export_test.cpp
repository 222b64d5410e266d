// SPDX-License-Identifier: Apache-2.0
// Where export finds the scales that INT8 needs. What it writes is tested in src/precision/write_model_test.cpp.
#include "tercet/export.h"

#include "precision/precision_plan.h"
#include "system/temporary_folder.h"
#include "tensor/testing.h"
#include "tercet/inputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace tercet {
namespace {

using ::testing::HasSubstr;
using testing::error_of;

const std::filesystem::path fashion = std::filesystem::path(TERCET_SOURCE_DIR) / "examples/fashion_mnist/model.onnx";

std::string text_of(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

class Export : public ::testing::Test {
protected:
    Export() {
        const Array pixels = random_array(DType::f32, std::vector<std::int64_t>{8, 28, 28, 1}, 1);
        save_array(data_, pixels.dtype, pixels.shape, pixels.data);
    }
    ExportResult run(ExportSettings s, const std::string& name = "out.onnx") {
        s.output = folder_.path() / name;
        return export_model(fashion, s);
    }
    static std::ptrdiff_t layers_in(const ExportResult& r, std::string_view precision) { return std::ranges::count(r.layers, precision, &ExportedLayer::chosen); }

    TemporaryFolder folder_;
    std::filesystem::path data_ = folder_.path() / "pixels.npy", plan_ = folder_.path() / "plan.json";
};

TEST_F(Export, CalibratesOnDataAsCalibrateDoes) {
    const CalibrationSettings calibration{.data = data_, .calibrator = Calibrator::minmax};
    const ExportResult from_data = run({.precision = "int8", .calibration = calibration, .written_plan = plan_}, "a.onnx");
    const ExportResult from_scales = run({.precision = "int8", .scales = calibrate(fashion, calibration).scales}, "b.onnx");
    EXPECT_EQ(layers_in(from_data, "int8"), 6);
    EXPECT_EQ(text_of(from_data.path), text_of(from_scales.path));
    EXPECT_EQ(parse_precision_plan(text_of(plan_)).calibrator, "minmax, 8 samples");
}

TEST_F(Export, CalibratesForSingleLayersAndForPlansWithoutScales) {
    const CalibrationSettings calibration{.data = data_};
    EXPECT_EQ(layers_in(run({.precision = "fp16", .calibration = calibration, .layer_precisions = {{"*Conv*", "int8"}}}), "int8"), 4);
    std::ofstream(plan_) << R"({"precision": "int8"})";
    EXPECT_EQ(layers_in(run({.plan = plan_, .calibration = calibration}), "int8"), 6);
    EXPECT_EQ(layers_in(run({.plan = plan_}), "int8"), 0);
}

TEST_F(Export, WhatCannotBeInt8IsInTheFallbacksPrecision) {
    Scales scales = calibrate(fashion, {.data = data_}).scales;
    scales.erase("/net/features/features.0/features.0.2/Relu_output_0");
    const ExportResult r = run({.precision = "int8", .scales = scales, .fallback_precision = "fp16"});
    EXPECT_EQ(layers_in(r, "int8"), 5);
    EXPECT_EQ(layers_in(r, "fp16"), 1);  // those without an INT8 form stay in FP32, between which Q/DQ are fused
    const auto layer = std::ranges::find(r.layers, "fp16", &ExportedLayer::chosen);
    EXPECT_EQ(layer->layer, "/net/features/features.1/features.1.0/Conv");
    EXPECT_THAT(layer->reason, HasSubstr("; fp16 instead"));
    EXPECT_THAT(error_of([&] { run({.precision = "int8", .scales = scales, .fallback_precision = "int8"}); }), HasSubstr("--fallback-precision"));
}

TEST_F(Export, ReadsNoDataThatItDoesNotNeed) {
    const CalibrationSettings missing{.data = folder_.path() / "missing"};
    EXPECT_EQ(layers_in(run({.precision = "fp16", .calibration = missing}), "fp16"), 22);
    const Scales scales = calibrate(fashion, {.data = data_}).scales;
    EXPECT_EQ(layers_in(run({.precision = "int8", .scales = scales, .calibration = missing}), "int8"), 6);
    std::ofstream(plan_) << to_json({.precision = Precision::int8, .scales = scales});
    EXPECT_EQ(layers_in(run({.plan = plan_, .calibration = missing}), "int8"), 6);
    EXPECT_THAT(error_of([&] { run({.precision = "int8", .calibration = missing}); }), HasSubstr("missing"));
}

TEST_F(Export, WithoutScalesSaysHowToGetThem) {
    for (const ExportSettings& s : {ExportSettings{.precision = "int8"}, ExportSettings{.precision = "fp16", .layer_precisions = {{"*Conv*", "int8"}}}}) {
        const std::string error = error_of([&] { run(s); });
        for (const char* way : {"--calib-data", "--calib-cache", "--plan"}) EXPECT_THAT(error, HasSubstr(way));
        EXPECT_FALSE(std::filesystem::exists(folder_.path() / "out.onnx"));
    }
}

}  // namespace
}  // namespace tercet
