// SPDX-License-Identifier: Apache-2.0
#include "onnx/model_format.h"

#include "system/temporary_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace tercet::onnx {
namespace {

using namespace std::string_literals;

using Files = std::vector<std::pair<std::string, std::string>>;

std::string number(std::uint64_t v, int bytes) {
    std::string s;
    for (int i = 0; i < bytes; ++i, v >>= 8) s += static_cast<char>(v & 0xff);
    return s;
}

// An archive of stored files; `zip64` puts the directory's place where an archive beyond 4 GiB has it.
std::string zip(const Files& files, bool zip64 = false) {
    std::string archive, directory;
    for (const auto& [name, content] : files) {
        const std::string sizes = number(0, 4) + number(content.size(), 4) + number(content.size(), 4) + number(name.size(), 2) + number(0, 2);
        directory += "PK\x01\x02" + number(20, 2) + number(20, 2) + number(0, 8) + sizes + number(0, 10) + number(archive.size(), 4) + name;
        archive += "PK\x03\x04" + number(20, 2) + number(0, 8) + sizes + name + content;
    }
    const std::uint64_t at = archive.size(), end64 = at + directory.size();
    archive += directory;
    if (zip64) archive += "PK\x06\x06" + number(44, 8) + number(0, 36) + number(at, 8) + "PK\x06\x07" + number(0, 4) + number(end64, 8) + number(1, 4);
    return archive + "PK\x05\x06" + number(0, 4) + number(files.size(), 2) + number(files.size(), 2) + number(directory.size(), 4) + number(zip64 ? 0xffffffff : at, 4) + number(0, 2);
}

ModelFormat format_of(const std::string& bytes) { return model_format_of(std::as_bytes(std::span(bytes))); }

const std::string module_pickle = "\x80\x02""ctorch.nn.modules.linear\nLinear\n...X\x0b\0\0\0_parameters...X\x0e\0\0\0_forward_hooks"s;
const std::string old_torch = "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."s;

TEST(ModelFormat, IsToldByContent) {
    struct Case {
        std::string bytes;
        ModelFormat format;
    };
    const Case cases[] = {
        {zip({{"metadata.json", "{}"}, {"config.json", "{}"}, {"model.weights.h5", "x"}}), ModelFormat::keras},
        {"\x89HDF\r\n\x1a\n....model_config....", ModelFormat::hdf5},
        {"\x89HDF\r\n\x1a\n....layer_names....", ModelFormat::keras_weights},
        {"\x1c\0\0\0TFL3\0\0"s, ModelFormat::tflite},
        {zip({{"net/data/weights/weight_0", "x"}, {"net/models/model.json", "{}"}, {"net/archive_format", "pt2"}}), ModelFormat::torch_export},
        {zip({{"version", "1"}, {"serialized_exported_program.json", "{}"}}), ModelFormat::torch_export},
        {zip({{"m/data.pkl", module_pickle}, {"m/code/__torch__.py", "x"}, {"m/constants.pkl", "x"}}), ModelFormat::torch_script},
        {zip({{"m/data.pkl", module_pickle}, {"m/data/0", "x"}}), ModelFormat::torch_pickle},
        {zip({{"m/data.pkl", "\x80\x02""ccollections\nOrderedDict"}, {"m/data/0", "x"}}), ModelFormat::torch_tensors},
        {old_torch + module_pickle, ModelFormat::torch_pickle},
        {old_torch + "\x80\x02""ccollections\nOrderedDict", ModelFormat::torch_tensors},
        {"\x80\x04\x95""csklearn", ModelFormat::pickle},
        {"x\x9cwhatever", ModelFormat::pickle},
        {zip({{"x.npy", "x"}}), ModelFormat::none},
        {zip({}), ModelFormat::none},
        {"", ModelFormat::none},
        {"\x08\x09\x12\x07pytorch", ModelFormat::none},
    };
    for (const Case& c : cases) EXPECT_EQ(format_of(c.bytes), c.format) << ::testing::PrintToString(c.bytes);
}

TEST(ModelFormat, IsFoundInArchivesBeyond4GiB) {
    EXPECT_EQ(format_of(zip({{"m/data.pkl", module_pickle}}, true)), ModelFormat::torch_pickle);
}

TEST(ModelFormat, OfADamagedArchiveIsNoneOrWhatIsLeft) {
    const std::string whole = zip({{"m/data.pkl", module_pickle}, {"m/data/0", "x"}}, true);
    for (std::size_t n = 0; n < whole.size(); ++n) {
        format_of(whole.substr(0, n));
        std::string changed = whole;
        changed[n] = '\xff';
        format_of(changed);
    }
    EXPECT_EQ(format_of(whole.substr(0, whole.size() - 1)), ModelFormat::none);
}

TEST(ModelFormat, OfAFolderIsSavedModelOrNone) {
    const TemporaryFolder folder;
    EXPECT_EQ(model_format_of(folder.path()), ModelFormat::none);
    folder.write("saved_model.pb", "x");
    EXPECT_EQ(model_format_of(folder.path()), ModelFormat::saved_model);
}

TEST(ModelFormat, WeightsAloneAreNotConvertible) {
    for (ModelFormat f : {ModelFormat::torch_tensors, ModelFormat::keras_weights}) {
        EXPECT_FALSE(is_convertible(f));
        EXPECT_THAT(std::string(how_to_save_whole(f)), ::testing::HasSubstr("tercet convert model."));
    }
    EXPECT_TRUE(is_convertible(ModelFormat::torch_pickle));
}

}  // namespace
}  // namespace tercet::onnx
