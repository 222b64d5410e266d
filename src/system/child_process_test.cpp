// SPDX-License-Identifier: Apache-2.0
#include "system/child_process.h"

#include "tensor/testing.h"
#include "tercet/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tercet {
namespace {

using ::testing::HasSubstr;
using testing::error_of;

TEST(ChildProcess, GivesWhatTheProgramWrote) {
    EXPECT_EQ(output_of_program({"/bin/sh", "-c", "echo one; echo noise >&2; echo two"}), "one\ntwo\n");
    EXPECT_EQ(output_of_program({"/bin/sh", "-c", "head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2"}).size(), 300000U);
}

TEST(ChildProcess, SaysWhyItFailed) {
    EXPECT_THAT(error_of([] { output_of_program({"/bin/sh", "-c", "echo a >&2; echo the reason >&2; exit 1"}); }), HasSubstr("the reason"));
    EXPECT_THAT(error_of([] { output_of_program({"/bin/sh", "-c", "kill -9 $$"}); }), HasSubstr("signal"));
    EXPECT_THAT(error_of([] { output_of_program({"/no/such/program"}); }), HasSubstr("/no/such/program: cannot be started"));
}

}  // namespace
}  // namespace tercet
