// SPDX-License-Identifier: Apache-2.0
#include "target/isa.h"

#include <gtest/gtest.h>

namespace tercet {
namespace {

TEST(Isa, NamesComeBack) {
    for (auto name : isa_names()) {
        ASSERT_TRUE(isa_named(name));
        EXPECT_EQ(isa_named(name)->name(), name);
    }
    EXPECT_FALSE(isa_named("avx1024"));
}

TEST(Isa, HigherLevelsIncludeLowerOnes) {
    EXPECT_TRUE(isa_named("avx512")->has(Isa::Level::avx2));
    EXPECT_FALSE(isa_named("avx2")->has(Isa::Level::avx512));
    EXPECT_EQ(lesser(*isa_named("amx"), *isa_named("avx2")), *isa_named("avx2"));
    EXPECT_TRUE(host_isa().has(Isa::Level::baseline));
}

}  // namespace
}  // namespace tercet
