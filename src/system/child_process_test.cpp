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

TEST(ChildProcess, GivesLinesAsTheyCome) {
    std::vector<std::string> lines;
    const auto take = [&](std::string_view line, bool is_error) { lines.push_back((is_error ? "error: " : "") + std::string(line)); };
    const ProgramEnd end = run_program({"sh", "-c", "echo one; echo; sleep 0.2; echo bad >&2; sleep 0.2; printf last; exit 3"}, take);
    EXPECT_EQ(lines, (std::vector<std::string>{"one", "", "error: bad", "last"}));
    EXPECT_EQ(end.status, 3);
    EXPECT_EQ(end.signal, "");
    EXPECT_THAT(run_program({"sh", "-c", "kill -9 $$"}, take).signal, HasSubstr("Killed"));
}

TEST(ChildProcess, IsEndedByWhatTheReceiverThrows) {
    EXPECT_EQ(error_of([] { run_program({"sh", "-c", "echo go; exec sleep infinity"}, [](std::string_view, bool) { throw Error({.what = "enough"}); }); }), "enough");
}

TEST(ChildProcess, RunsAProgramWhoseOutputIsForPeople) {
    ::testing::internal::CaptureStderr();
    run_shown({"sh", "-c", "echo one; echo two >&2"});
    EXPECT_EQ(::testing::internal::GetCapturedStderr(), "one\ntwo\n");
    EXPECT_THAT(error_of([] { run_shown({"sh", "-c", "exit 3"}); }), HasSubstr("sh: failed with exit status 3"));
    EXPECT_THAT(error_of([] { run_shown({"/no/such/program"}); }), HasSubstr("cannot be started"));
}

}  // namespace
}  // namespace tercet
