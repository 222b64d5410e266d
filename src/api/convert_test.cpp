// SPDX-License-Identifier: Apache-2.0
// The environment's Python is a shell script here, which gives the answer of a converter: nothing is downloaded, no framework is there.
#include "tercet/convert.h"

#include "data/npy.h"
#include "onnx/testing.h"
#include "system/mapped_file.h"
#include "system/share_file.h"
#include "system/temporary_folder.h"
#include "tensor/testing.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>

namespace tercet {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace testing;

class Convert : public ::testing::Test {
protected:
    Convert() {
        model_ = folder_.write("net.tflite", std::string("\x1c\0\0\0TFL3\0\0", 10));
        settings_.output = folder_.path() / "net.onnx";
        settings_.environment = folder_.path() / "venv";
    }

    fs::path npy(const std::string& name, const Tensor& t) const {
        write_npy(folder_.path() / name, t);
        return folder_.path() / name;
    }

    // `python` copies model.onnx and answer.json (static.json, if the batch is to be static) to where the request wants them.
    void converter_answers(const std::string& answer, const std::string& fixed_answer = "{}") const {
        folder_.write("model.onnx", ModelFile{.inputs = {value_message("x", DType::f32, {"N", "2"})}, .outputs = {value_message("y", DType::f32, {"N", "2"})},
                                              .nodes = {node_message("Relu", {"x"}, {"y"})}}.bytes());
        folder_.write("answer.json", answer);
        folder_.write("static.json", fixed_answer);
        python(fmt::format("folder=$(dirname \"$4\"); cp \"$4\" {0}/asked.json; cp {0}/model.onnx \"$folder/net.onnx\"\n"
                           "if grep -q '\"static\":true' \"$4\"; then cp {0}/static.json \"$folder/answer.json\"; else cp {0}/answer.json \"$folder/answer.json\"; fi\n",
                           folder_.path().string()));
    }
    void python(const std::string& script) const {
        const fs::path file = folder_.write("venv/bin/python", "#!/bin/sh\n" + script);
        fs::permissions(file, fs::perms::owner_all);
    }

    // What a converter answers that has run the original on [[-1, 2]], from which `y` came.
    std::string answer(const std::vector<float>& y, const std::string& batch = "dynamic") const {
        const auto x = npy("x.npy", Tensor::of<float>(DType::f32, {1, 2}, std::vector<float>{-1, 2}));
        return fmt::format(R"({{"inputs": ["x"], "outputs": ["y"], "batch": "{}", "converter": "made-up 1.0", "notes": ["so it is"], "tolerance": {{}}, "batches": [1],
                               "samples": [{{"inputs": {{"x": "{}"}}, "outputs": {{"y": "{}"}}}}]}})",
                           batch, x.string(), npy(fmt::format("y{}.npy", y[1]), Tensor::of<float>(DType::f32, {1, 2}, y)).string());
    }

    std::string error() const {
        const std::string line = error_of([&] { convert(model_, settings_); });
        EXPECT_FALSE(fs::exists(settings_.output)) << line;
        return line;
    }

    TemporaryFolder folder_;
    fs::path model_;
    ConvertSettings settings_;
};

TEST_F(Convert, WritesAModelThatComputesWhatTheOriginalDoes) {
    converter_answers(answer({0, 2.001F}));
    const Conversion c = convert(model_, settings_);
    EXPECT_EQ(c.path, settings_.output);
    EXPECT_EQ(c.bytes, fs::file_size(settings_.output));
    EXPECT_EQ(c.format, "a TensorFlow Lite model");
    EXPECT_EQ(c.converter, "made-up 1.0");
    EXPECT_THAT(c.notes, ElementsAre("so it is"));
    EXPECT_THAT(c.batches, ElementsAre(1));
    ASSERT_EQ(c.outputs_checked.size(), 1U);
    EXPECT_EQ(c.outputs_checked[0].values, 2);
    EXPECT_NEAR(c.outputs_checked[0].max_abs_error, 0.001, 1e-6);
    EXPECT_NEAR(c.outputs_checked[0].bound, 0.002, 1e-5);
    EXPECT_THAT(c.inputs.at(0).shape, ElementsAre("N", "2"));
}

TEST_F(Convert, WritesNoModelThatComputesSomethingElse) {
    converter_answers(answer({0, 2.1F}));
    EXPECT_THAT(error(), AllOf(HasSubstr("net.tflite: "), HasSubstr("output 'y' differs by up to 0.1, 0.0021 is the bound"), HasSubstr("--no-check"), Not(HasSubstr("net.onnx"))));
    settings_.check = false;
    EXPECT_THAT(convert(model_, settings_).notes, ElementsAre("so it is", HasSubstr("not checked")));
    EXPECT_TRUE(fs::exists(settings_.output));
}

TEST_F(Convert, AnInfinityThatTheOriginalLacksIsADifference) {
    converter_answers(answer({0, std::numeric_limits<float>::infinity()}));
    EXPECT_THAT(error(), HasSubstr("differs by up to inf"));
}

TEST_F(Convert, ABatchThatTheOriginalCannotHaveIsGivenUpWhereItDoesNotWork) {
    converter_answers(answer({0, 3}, "forced"), answer({0, 2}, "fixed"));
    EXPECT_THAT(convert(model_, settings_).notes, ElementsAre("so it is", AllOf(HasSubstr("the batch stays as in the original"), HasSubstr("differs by up to 1"))));
    converter_answers(answer({0, 2}, "forced"), "no answer at all");
    EXPECT_THAT(convert(model_, settings_).notes, ElementsAre("so it is"));
}

TEST_F(Convert, PassesOnWhatTheConverterRefuses) {
    converter_answers(R"({"error": {"what": "it is green", "fix": "paint it"}})");
    EXPECT_EQ(error(), model_.string() + ": it is green; paint it");
}

TEST_F(Convert, AConverterThatBreaksDownIsNotSilent) {
    python("echo the last words >&2; exit 1\n");
    EXPECT_THAT(error(), AllOf(HasSubstr("broke down: the last words"), HasSubstr("--verbose")));
}

TEST_F(Convert, AsksForWhatTheUserWants) {
    converter_answers(answer({0, 2}), answer({0, 2}));
    settings_.fixed_batch = true;
    settings_.input_shapes = {{"x", {1, 2}}};
    settings_.input_types = {{"x", "int64"}};
    settings_.opset = 16;
    convert(model_, settings_);
    const FileBytes asked = read_file(folder_.path() / "asked.json");
    const std::string text(reinterpret_cast<const char*>(asked.bytes.data()), asked.bytes.size());
    for (const char* part : {R"("format":"tflite")", R"("static":true)", R"("shapes":{"x":[1,2]})", R"("types":{"x":"int64"})", R"("opset":16)", R"("allow_code":false)"})
        EXPECT_THAT(text, HasSubstr(part));
}

TEST_F(Convert, WithoutAConverterNamesTheCommandThatInstallsIt) {
    EXPECT_THAT(error(), HasSubstr("is a TensorFlow Lite model, whose converter is not installed; install it: tercet convert --install tensorflow --venv " + settings_.environment.string()));
    setenv("XDG_DATA_HOME", folder_.path().c_str(), 1);
    settings_.environment.clear();
    EXPECT_THAT(error(), ::testing::EndsWith("install it: tercet convert --install tensorflow"));
    folder_.write("tercet/convert-tensorflow/bin/python", "");
    folder_.write("tercet/convert-tensorflow/tercet-requirements.txt", "older==1.0\n");
    EXPECT_THAT(error(), HasSubstr("whose converter is of another version of Tercet, or incomplete; install it"));
    unsetenv("XDG_DATA_HOME");
}

TEST_F(Convert, CodeInAFileIsAskedForBeforeAnythingRuns) {
    python("echo never run >&2; exit 1\n");
    model_ = folder_.write("model.pkl", "\x80\x04\x95sklearn");
    EXPECT_THAT(error(), AllOf(HasSubstr("loading it runs Python code that lies in it"), HasSubstr("--allow-code")));
    settings_.allow_code = true;
    EXPECT_THAT(error(), HasSubstr("never run"));
}

TEST_F(Convert, RefusesWhatIsNoModelOfAnotherFramework) {
    const auto error_with = [&](const fs::path& file) { return error_of([&] { convert(file, settings_); }); };
    EXPECT_THAT(error_with(folder_.path() / "missing.keras"), HasSubstr("missing.keras: not found"));
    EXPECT_THAT(error_with(folder_.write("a.txt", "notes")), HasSubstr("is no model that can be converted"));
    EXPECT_THAT(error_with(fs::path(TERCET_SOURCE_DIR) / "examples/fashion_mnist/model.onnx"), HasSubstr("is an ONNX model already; build it: tercet build "));
    EXPECT_THAT(error_with(folder_.path()), HasSubstr("is a folder without saved_model.pb"));
    EXPECT_THAT(error_with(folder_.write("w.h5", "\x89HDF\r\n\x1a\n")), HasSubstr("save the model whole"));
}

TEST_F(Convert, TheFrameworkFollowsFromTheFile) {
    EXPECT_EQ(framework_of(model_), "tensorflow");
    EXPECT_EQ(framework_of(folder_.write("m.pkl", "\x80\x04\x95")), "scikit-learn");
}

// A Python that makes an environment whose pip does as it is told.
class InstallConverter : public ::testing::Test {
protected:
    std::string python(const std::string& pip) const {
        const fs::path file = folder_.write("python", fmt::format("#!/bin/sh\nmkdir -p \"$3/bin\"; cp {}/pip \"$3/bin/python\"\n", folder_.path().string()));
        fs::permissions(file, fs::perms::owner_all);
        fs::permissions(folder_.write("pip", "#!/bin/sh\n" + pip), fs::perms::owner_all);
        return file.string();
    }

    TemporaryFolder folder_;
    fs::path environment_ = folder_.path() / "venv";
};

TEST_F(InstallConverter, MakesAnEnvironmentOnce) {
    const std::string p = python(fmt::format("echo \"$@\" > {}/asked\n", folder_.path().string()));
    EXPECT_TRUE(install_converter("scikit-learn", environment_, p));
    const FileBytes asked = read_file(folder_.path() / "asked");
    EXPECT_THAT(std::string(reinterpret_cast<const char*>(asked.bytes.data()), asked.bytes.size()),
                HasSubstr("-m pip install --disable-pip-version-check --no-deps --only-binary :all: -r " + share_file("convert/requirements-scikit-learn.txt").string()));
    EXPECT_FALSE(install_converter("scikit-learn", environment_, p));
}

TEST_F(InstallConverter, OneThatFailedIsMadeAgain) {
    EXPECT_THAT(error_of([&] { install_converter("pytorch", environment_, python("exit 1\n")); }), HasSubstr("pip cannot install the packages"));
    EXPECT_TRUE(install_converter("pytorch", environment_, python("exit 0\n")));
}

TEST_F(InstallConverter, LeavesAloneWhatItDidNotMake) {
    folder_.write("venv/pyvenv.cfg", "home = /usr/bin\n");
    EXPECT_THAT(error_of([&] { install_converter("pytorch", environment_, python("exit 0\n")); }), HasSubstr("was not made by `tercet convert`; name a new folder by --venv"));
}

TEST_F(InstallConverter, SaysWhatItLacks) {
    EXPECT_THAT(error_of([&] { install_converter("caffe", environment_); }), HasSubstr("there is no framework 'caffe'; one of tensorflow, pytorch, scikit-learn"));
    EXPECT_THAT(error_of([&] { install_converter("pytorch", environment_, "/no/python"); }), HasSubstr("/no/python cannot make a virtual environment"));
}

}  // namespace
}  // namespace tercet
