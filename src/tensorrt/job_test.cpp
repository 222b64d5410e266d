// SPDX-License-Identifier: Apache-2.0
#include "tensorrt/job.h"

#include "tercet/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <tuple>

namespace tercet {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::ThrowsMessage;

TensorRtJobFile some_job() {
    return {.target = &tensorrt_target("trt8x"), .precision = Precision::int8, .model = "model.onnx", .engine = "m.trt", .result = "int8.result.json", .cache = "calibration.cache",
            .workspace_bytes = 3 << 20, .profiles = {{"x", {std::vector<std::int64_t>{1, 3}, {16, 3}, {32, 3}}}},
            .layers = {{.layer = "conv1", .outputs = {"c"}, .chosen = Precision::int8}, {.layer = "head", .outputs = {"y"}, .chosen = Precision::fp32, .fixed = true}}};
}

TEST(TensorRtJob, IsWrittenAsTheScriptReadsIt) {
    EXPECT_EQ(json::parse(to_json(some_job())), json::parse(R"({"format": 1, "target": "trt8x", "wants": "TensorRT 8.x", "modules": ["tensorrt", "tensorrt_bindings"],
        "versions": [8, 9], "precision": "int8", "model": "model.onnx", "engine": "m.trt", "result": "int8.result.json", "workspace_bytes": 3145728,
        "profiles": {"x": [[1, 3], [16, 3], [32, 3]]}, "cache": "calibration.cache", "obey": false, "verbose": false,
        "layers": [{"layer": "conv1", "outputs": ["c"], "chosen": "int8", "fixed": false}, {"layer": "head", "outputs": ["y"], "chosen": "fp32", "fixed": true}]})"));
}

TEST(TensorRtJob, HasOnlyTheFilesThatThereAre) {
    TensorRtJobFile job = some_job();
    job.cache.clear();
    job.timing_cache = "/t.cache";
    job.compute_capabilities = {"8.6", "current"};
    job.subnormal_note = "12 constants";
    const json written = json::parse(to_json(job));
    EXPECT_FALSE(written.contains("cache"));
    EXPECT_EQ(written["timing_cache"], "/t.cache");
    EXPECT_EQ(written["compute_capabilities"], json::parse(R"(["8.6", "current"])"));
    EXPECT_EQ(written["subnormal_note"], "12 constants");
}

TEST(TensorRtJob, NamesItsEngine) {
    EXPECT_EQ(engine_of_job(to_json(some_job())), "m.trt");
    for (const char* text : {"", "{", "[]", "{}", R"({"engine": 3})"}) EXPECT_EQ(engine_of_job(text), "") << text;
}

TEST(TensorRtResult, IsRead) {
    const TensorRtResult r = parse_tensorrt_result(R"({"format": 1, "status": "ok", "error": "", "nodes": [], "version": "8.6.1", "bytes": 12, "layers": {"a": "fp16", "b": "int8", "c": "fp8"},
        "layers_from": "engine", "layers_unnamed": 2, "tensors_without_scale": ["t"], "scales_added": 3, "warnings": ["w"], "build_ms": 1.5, "module": "tensorrt"})");
    EXPECT_TRUE(r.ok);
    EXPECT_EQ(r.version, "8.6.1");
    EXPECT_EQ(r.bytes, 12U);
    EXPECT_EQ(r.layers, (std::map<std::string, Precision>{{"a", Precision::fp16}, {"b", Precision::int8}}));
    EXPECT_TRUE(r.from_engine);
    EXPECT_EQ(r.silent_layers, 2);
    EXPECT_THAT(r.without_scale, testing::ElementsAre("t"));
    EXPECT_EQ(r.scales_added, 3);
}

TEST(TensorRtResult, OfAFailureSaysWhyAndWhere) {
    const TensorRtResult r = parse_tensorrt_result(R"({"format": 1, "status": "failed", "error": "no kernel", "nodes": ["a", "b"]})");
    EXPECT_FALSE(r.ok);
    EXPECT_EQ(r.error, "no kernel");
    EXPECT_THAT(r.nodes, testing::ElementsAre("a", "b"));
    EXPECT_FALSE(r.from_engine);
}

TEST(TensorRtResult, OfAnotherFormIsRefused) {
    for (const char* text : {"", "{", "[]", "{}", "3", R"({"format": 1})", R"({"format": 1, "status": "ok", "error": 3, "nodes": []})", R"({"format": 1, "status": "ok", "error": "", "nodes": {}})",
                             R"({"format": 1, "status": "ok", "error": "", "nodes": [], "layers": {"a": 3}})",
                             R"({"format": 1, "status": "ok", "error": "", "nodes": [], "layers": {"a": "fp3"}})", R"({"format": 1, "status": "ok", "error": "", "nodes": [], "bytes": "many"})"})
        EXPECT_THROW(parse_tensorrt_result(text), Error) << text;
    EXPECT_THAT([] { parse_tensorrt_result(R"({"format": 2})"); }, ThrowsMessage<Error>(HasSubstr("has format 2, this version reads 1")));
}

TEST(ShellWords, AreReadBack) {
    using Row = std::tuple<std::string, std::string>;
    for (const auto& [word, written] : {Row{"folder/model.onnx", "folder/model.onnx"}, Row{"--minShapes=x:1x3,y:2", "--minShapes=x:1x3,y:2"}, Row{"two words", "'two words'"}, Row{"it's", "'it'\\''s'"},
                                        Row{"$HOME", "'$HOME'"}, Row{"", "''"}})
        EXPECT_EQ(in_shell(word), written);
}

TEST(Trtexec, BuildsTheSameEngine) {
    EXPECT_EQ(trtexec_command(some_job()), "trtexec --onnx=model.onnx --saveEngine=m.trt --memPoolSize=workspace:3 --minShapes=x:1x3 --optShapes=x:16x3 --maxShapes=x:32x3");
    TensorRtJobFile job = some_job();
    job.target = &tensorrt_target("trtrtx");
    job.model = "my model.onnx";
    job.profiles = {};
    EXPECT_EQ(trtexec_command(job), "tensorrt_rtx '--onnx=my model.onnx' --saveEngine=m.trt --memPoolSize=workspace:3");
}

}  // namespace
}  // namespace tercet
