// SPDX-License-Identifier: Apache-2.0
#include "system/temporary_folder.h"
#include "tensor/testing.h"
#include "tercet/build.h"
#include "tercet/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tercet {
namespace {

using ::testing::HasSubstr;
using testing::error_of;

const std::filesystem::path fashion = std::filesystem::path(TERCET_SOURCE_DIR) / "examples/fashion_mnist/model.onnx";

class BuildAll : public ::testing::Test {
protected:
    BuildSettings settings() const { return {.output = folder_.path() / "engines", .tune = Tune::none}; }
    TemporaryFolder folder_;
};

TEST_F(BuildAll, OneThatFailsStopsNoOther) {
    BuildSettings s = settings();
    std::vector<std::string> told;
    s.progress = [&](const Progress& p) { told.push_back(p.what); };
    const auto results = build_all(fashion, s, {"fp33", "fp32"});
    ASSERT_EQ(results.size(), 2U);
    EXPECT_EQ(results[0].precision, "fp33");
    EXPECT_EQ(results[0].status, "failed");
    EXPECT_THAT(results[0].reason, HasSubstr("fp33"));
    EXPECT_TRUE(results[0].path.empty());
    EXPECT_EQ(results[1].status, "ok");
    EXPECT_EQ(results[1].path, s.output / "model_cpu_fp32.engine");
    EXPECT_EQ(results[1].bytes, std::filesystem::file_size(results[1].path));
    EXPECT_EQ(Engine::open(results[1].path).precision(), "fp32");
    EXPECT_FALSE(std::filesystem::exists(s.output / "model_cpu_fp33.engine"));
    for (const std::string& what : told) EXPECT_THAT(what, HasSubstr("fp32: "));
}

TEST_F(BuildAll, WhatIsWrongWithTheModelIsSaidOnce) {
    EXPECT_THAT(error_of([&] { build_all(folder_.path() / "none.onnx", settings()); }), HasSubstr("not found"));
    EXPECT_FALSE(std::filesystem::exists(settings().output));
    BuildSettings narrow = settings();
    narrow.max_shapes["no_such_input"] = {1};
    EXPECT_THAT(error_of([&] { build_all(fashion, narrow, {"fp32", "fp32"}); }), HasSubstr("no_such_input"));
}

TEST_F(BuildAll, RefusesAPlaceThatIsNoFolder) {
    BuildSettings s = settings();
    s.output = folder_.write("file", "x");
    EXPECT_THAT(error_of([&] { build_all(fashion, s); }), HasSubstr("folder"));
}

}  // namespace
}  // namespace tercet
