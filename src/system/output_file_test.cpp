// SPDX-License-Identifier: Apache-2.0
#include "system/output_file.h"

#include "tercet/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>

namespace tercet {
namespace {

namespace fs = std::filesystem;

class WritingAFile : public ::testing::Test {
protected:
    void SetUp() override {
        folder_ = fs::path(::testing::TempDir()) / ("tercet-output-" + std::to_string(::getpid()));
        fs::create_directories(folder_);
    }
    void TearDown() override { fs::remove_all(folder_); }
    static std::string content(const fs::path& file) {
        std::ostringstream s;
        s << std::ifstream(file, std::ios::binary).rdbuf();
        return s.str();
    }
    std::vector<std::string> names() const {
        std::vector<std::string> all;
        for (const auto& entry : fs::directory_iterator(folder_)) all.push_back(entry.path().filename());
        return all;
    }
    template <class F>
    static void expect_error(F&& f, const std::string& part) {
        try {
            f();
            ADD_FAILURE() << "no Error";
        } catch (const Error& e) {
            EXPECT_THAT(e.what(), ::testing::HasSubstr(part));
        }
    }
    fs::path folder_;
};

TEST_F(WritingAFile, PutsItInPlaceWhole) {
    OutputFile f(folder_ / "f");
    f.write("one ");
    f.write(std::string_view("two"));
    EXPECT_EQ(f.position(), 7u);
    EXPECT_FALSE(fs::exists(folder_ / "f"));
    f.commit();
    EXPECT_EQ(content(folder_ / "f"), "one two");
    EXPECT_THAT(names(), ::testing::ElementsAre("f"));
}

TEST_F(WritingAFile, WithoutCommitLeavesTheOldOneAndNothingElse) {
    std::ofstream(folder_ / "f") << "old";
    OutputFile(folder_ / "f").write("new");
    EXPECT_EQ(content(folder_ / "f"), "old");
    EXPECT_THAT(names(), ::testing::ElementsAre("f"));
}

TEST_F(WritingAFile, ReplacesTheOldOne) {
    std::ofstream(folder_ / "f") << "old and longer";
    OutputFile f(folder_ / "f");
    f.write("new");
    f.commit();
    EXPECT_EQ(content(folder_ / "f"), "new");
}

TEST_F(WritingAFile, FollowsALink) {
    std::ofstream(folder_ / "f") << "old";
    fs::create_symlink("f", folder_ / "link");
    OutputFile f(folder_ / "link");
    f.write("new");
    f.commit();
    EXPECT_TRUE(fs::is_symlink(folder_ / "link"));
    EXPECT_EQ(content(folder_ / "f"), "new");
}

TEST_F(WritingAFile, WorksForTheLongestName) {
    const std::string name(255, 'n');
    OutputFile f(folder_ / name);
    f.commit();
    EXPECT_THAT(names(), ::testing::ElementsAre(name));
}

TEST_F(WritingAFile, RefusesWhatIsNoFile) {
    expect_error([&] { OutputFile f(folder_ / "missing" / "f"); }, "cannot be written: No such file or directory");
    expect_error([&] { OutputFile f(folder_); }, "is a folder");
    ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
    expect_error([&] { OutputFile f(folder_ / "pipe"); }, "is no regular file");
    EXPECT_THAT(names(), ::testing::ElementsAre("pipe"));
}

TEST_F(WritingAFile, ThatDoesNotFitIsAnErrorAndLeavesNothing) {
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    rlimit small = before;
    small.rlim_cur = 1000;
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    expect_error([&] {
        OutputFile f(folder_ / "f");
        f.write(std::string(1500, 'x'));
    }, "cannot be written: File too large");
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
    EXPECT_TRUE(names().empty());
}

}  // namespace
}  // namespace tercet
