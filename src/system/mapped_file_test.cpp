// SPDX-License-Identifier: Apache-2.0
#include "system/mapped_file.h"

#include "tercet/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <vector>

namespace tercet {
namespace {

namespace fs = std::filesystem;

class FileReading : public ::testing::TestWithParam<FileBytes (*)(const fs::path&)> {
protected:
    void SetUp() override {
        folder_ = fs::path(::testing::TempDir()) / ("tercet-mapped-" + std::to_string(::getpid()));
        fs::create_directories(folder_);
    }
    void TearDown() override { fs::remove_all(folder_); }
    fs::path file(const std::string& name, const std::string& content) const {
        std::ofstream(folder_ / name, std::ios::binary) << content;
        return folder_ / name;
    }
    static std::string text(const FileBytes& b) { return {reinterpret_cast<const char*>(b.bytes.data()), b.bytes.size()}; }
    static void expect_error(const fs::path& path, const std::string& part) {
        try {
            GetParam()(path);
            ADD_FAILURE() << path << " was read";
        } catch (const Error& e) {
            EXPECT_EQ(e.fault().where, path.string());
            EXPECT_THAT(e.what(), ::testing::HasSubstr(part));
            EXPECT_FALSE(e.fault().fix.empty());
        }
    }
    fs::path folder_;
};

TEST_P(FileReading, GivesTheBytes) {
    for (const std::size_t size : {1u, 63u, 64u, 65u, 4095u, 4096u, 4097u, 100'000u}) {
        std::string content(size, 'a');
        content.back() = 'z';
        EXPECT_EQ(text(GetParam()(file("f", content))), content) << size;
    }
}

TEST_P(FileReading, OfAnEmptyFileGivesNoBytes) { EXPECT_TRUE(GetParam()(file("f", "")).bytes.empty()); }

TEST_P(FileReading, KeepsTheBytesWhenTheFileIsReplaced) {
    const FileBytes b = GetParam()(file("f", "old"));
    fs::rename(file("g", "new"), folder_ / "f");
    EXPECT_EQ(text(b), "old");
}

TEST_P(FileReading, RefusesWhatIsNoFile) {
    expect_error(folder_ / "missing", "no such file");
    expect_error(folder_, "is a folder");
    expect_error(file("f", "x") / "g", "cannot be opened");
    ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
    expect_error(folder_ / "pipe", "no regular file");
}

INSTANTIATE_TEST_SUITE_P(Ways, FileReading, ::testing::Values(&map_file, &read_file),
                         [](const auto& way) { return way.index == 0 ? "map" : "read"; });

TEST(ReadFile, IsAligned) {
    const fs::path f = fs::path(::testing::TempDir()) / ("tercet-aligned-" + std::to_string(::getpid()));
    std::ofstream(f) << "abc";
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(read_file(f).bytes.data()) % 64, 0u);
    fs::remove(f);
}

TEST(CopyBytes, IsAlignedAndApart) {
    std::vector<std::byte> from(100, std::byte{7});
    const FileBytes copy = copy_bytes(std::span(from).subspan(1));
    from.assign(100, std::byte{8});
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(copy.bytes.data()) % 64, 0u);
    EXPECT_EQ(copy.bytes.size(), 99u);
    EXPECT_EQ(std::ranges::count(copy.bytes, std::byte{7}), 99);
    EXPECT_TRUE(copy_bytes({}).bytes.empty());
}

}  // namespace
}  // namespace tercet
