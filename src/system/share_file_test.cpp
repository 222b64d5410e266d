// SPDX-License-Identifier: Apache-2.0
#include "system/share_file.h"

#include "system/temporary_folder.h"
#include "tensor/testing.h"
#include "tercet/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace tercet {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::error_of;

class ShareFile : public ::testing::Test {
protected:
    void SetUp() override { setenv("TERCET_SHARE", folder.path().c_str(), 1); }
    void TearDown() override { unsetenv("TERCET_SHARE"); }
    TemporaryFolder folder;
};

TEST_F(ShareFile, IsFoundInTheFolderThatTheUserNames) {
    EXPECT_EQ(share_file(folder.write("tensorrt/worker.py", "x").lexically_relative(folder.path()).string()), folder.path() / "tensorrt/worker.py");
}

TEST_F(ShareFile, IsNamedWithThePlacesWhereItIsMissing) {
    EXPECT_THAT(error_of([] { share_file("tensorrt/none.py"); }), AllOf(HasSubstr("tensorrt/none.py is missing"), HasSubstr(folder.path().string()), HasSubstr("TERCET_SHARE")));
}

TEST_F(ShareFile, OfABuildTreeLiesInTheSources) {
    unsetenv("TERCET_SHARE");
    EXPECT_TRUE(std::filesystem::is_regular_file(share_file("tensorrt/worker.py")));
}

}  // namespace
}  // namespace tercet
