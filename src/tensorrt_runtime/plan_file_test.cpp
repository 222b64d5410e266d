// SPDX-License-Identifier: Apache-2.0
#include "tensorrt_runtime/plan_file.h"

#include "system/temporary_folder.h"
#include "tensorrt_runtime/tensor_types.h"
#include "tercet/error.h"
#include "tercet/tensorrt_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// The first bytes of an engine: as TensorRT for RTX 1.7.1.116 wrote it, with another tag and version.
std::string head(std::string_view tag, std::string_view version, char layout = 0) {
    std::string bytes(tag);
    bytes += std::string({layout, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0}) + std::string("\x84\xb4\x25\0\0\0\0\0", 8) + std::string(version);
    return bytes + std::string(100, '\x55');
}

std::optional<PlanFile> read(std::string_view bytes) { return read_plan_file(std::as_bytes(std::span(bytes))); }

TEST(PlanFile, TellsWhatBuiltIt) {
    EXPECT_EQ(read(head("vtrt", "\x01\x07\x01\x74")), (PlanFile{.rtx = true, .version = "1.7.1.116"}));
    EXPECT_EQ(read(head("ftrt", std::string_view("\x0a\x0d\x00\x23", 4))), (PlanFile{.rtx = false, .version = "10.13.0.35"}));
    EXPECT_EQ(read(head("vtrt", "\x01\x07\x01\x74"))->name(), "TensorRT-RTX 1.7.1.116");
}

TEST(PlanFile, IsKnownWithoutAVersion) {
    for (const std::string& bytes : {head("ptrt", "\x01\x07\x01\x74"), head("ftrt", "\x01\x07\x01\x74", 1), head("ftrt", "\x01\x07\x01\x74").substr(0, 27), std::string("ftrt")})
        EXPECT_EQ(read(bytes), PlanFile{}) << bytes;
    EXPECT_EQ(PlanFile{}.name(), "TensorRT");
}

TEST(PlanFile, IsNothingElse) {
    for (std::string_view bytes : {"", "ftr", "TERCET\r\n", "xtrt                                  ", " ftrt"}) EXPECT_FALSE(read(bytes)) << bytes;
}

TEST(PlanFile, NumbersOfVersions) {
    EXPECT_EQ(version_of_number(8001), "8.0.1");
    EXPECT_EQ(version_of_number(8503), "8.5.3");
    EXPECT_EQ(version_of_number(10701), "1.7.1");
    EXPECT_EQ(version_of_number(101600), "10.16.0");
    EXPECT_EQ(version_of_number(110100), "11.1.0");
}

TEST(PlanFile, IsRecognizedByContentAndThenByName) {
    const TemporaryFolder folder;
    const auto is = [&](const char* name, std::string_view bytes) { return is_tensorrt_engine(folder.write(name, bytes)); };
    EXPECT_TRUE(is("model.engine", head("ftrt", "\x08\x06\x01\x06")));
    EXPECT_TRUE(is("model", head("ptrt", "")));
    EXPECT_TRUE(is("unknown.trt", "hello"));
    EXPECT_TRUE(is("unknown.plan", "hello"));
    EXPECT_FALSE(is("unknown.engine", "hello"));
    EXPECT_FALSE(is("ours.trt", "TERCET\r\n"));
    EXPECT_FALSE(is("ours.plan", " {\"layers\": []}"));
    EXPECT_FALSE(is_tensorrt_engine(folder.path() / "none.trt"));
    EXPECT_FALSE(is_tensorrt_engine(folder.path()));
}

TEST(TensorTypes, HaveTheNumbersOfTensorRt) {
    const DType expected[] = {DType::f32, DType::f16, DType::i8, DType::i32, DType::boolean, DType::u8, DType::f8e4m3fn, DType::bf16, DType::i64, DType::i4, DType::f4e2m1, DType::f8e8m0};
    for (int i = 0; i < 12; ++i) EXPECT_EQ(dtype_of_tensorrt(i), expected[i]) << i;
    EXPECT_EQ(dtype_of_tensorrt(12), DType::undefined);
    EXPECT_EQ(dtype_of_tensorrt(-1), DType::undefined);
}

TEST(TensorRtEngine, IsNotOpenedInATercetWithoutTensorRt) {
    if (!tensorrt_runtime().empty()) GTEST_SKIP() << "built with " << tensorrt_runtime();
    const TemporaryFolder folder;
    const auto message = [&](std::string_view bytes) -> std::string {
        try {
            TensorRtEngine::open(folder.write("m.trt", bytes));
        } catch (const Error& e) {
            return e.what();
        }
        return {};
    };
    EXPECT_THAT(message(head("ftrt", std::string_view("\x0a\x0d\x00\x23", 4))),
                AllOf(HasSubstr("m.trt: is an engine of TensorRT 10.13.0.35"), HasSubstr("-DTENSORRT_ROOT="), HasSubstr("docs/tensorrt.md")));
    EXPECT_THAT(message("hello"), HasSubstr("begins like no TensorRT engine"));
}

}  // namespace
}  // namespace tercet::testing
