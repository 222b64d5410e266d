// SPDX-License-Identifier: Apache-2.0
#include "tensorrt/target.h"

#include "tercet/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>

namespace tercet {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(TensorRtTarget, IsFoundByItsName) {
    for (const TensorRtTarget& t : tensorrt_targets()) EXPECT_EQ(&tensorrt_target(t.name), &t);
    EXPECT_THAT([] { tensorrt_target("trt9x"); }, ThrowsMessage<Error>(HasSubstr("cpu, trt8x, trt10x, trt11x, trtrtx")));
}

TEST(TensorRtTarget, TakesTheModulesOfItsVersions) {
    using Row = std::tuple<std::string, std::string, std::string>;  // module, version, the target that takes it
    for (const auto& [module, version, wanted] : {Row{"tensorrt", "8.0.3.4", "trt8x"}, Row{"tensorrt", "8.6.1", "trt8x"}, Row{"tensorrt", "9.3.0", ""}, Row{"tensorrt", "7.2.3", ""},
                                                  Row{"tensorrt_bindings", "10.13.0.35", "trt10x"}, Row{"tensorrt", "11.4.0.106", "trt11x"}, Row{"tensorrt", "12.0", ""},
                                                  Row{"tensorrt_rtx_bindings", "1.7.1.116", "trtrtx"}, Row{"tensorrt_rtx", "1.0", "trtrtx"}, Row{"tensorrt_rtx", "8.6.1", ""},
                                                  Row{"tensorrt", "1.7.1.116", ""}, Row{"tensorrt", "", ""}, Row{"tensorrt", "dev", ""}}) {
        std::string taken;
        for (const TensorRtTarget& t : tensorrt_targets())
            if (is_of(t, module, version)) taken += t.name;
        EXPECT_EQ(taken, wanted) << module << " " << version;
    }
}

}  // namespace
}  // namespace tercet
