// SPDX-License-Identifier: Apache-2.0
#include "data/inflate.h"

#include "data/testing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

using ::testing::HasSubstr;

Bytes counted(std::size_t n) {
    Bytes b;
    for (std::size_t i = 0; i < n; ++i) b.push_back(static_cast<std::byte>(i * i >> 3));
    return b;
}

std::uint64_t anything(std::span<const std::byte>) { return max_inflated_bytes; }

TEST(Gunzip, GivesBackWhatWasPacked) {
    for (const std::size_t n : {0UL, 1UL, 17UL, 65535UL, 65536UL, 65537UL, 131072UL, 1000003UL})
        for (const bool exact : {false, true})
            EXPECT_EQ(gunzip(gzip(counted(n)), [&](std::span<const std::byte>) { return exact ? n : max_inflated_bytes; }),
                      counted(n)) << n;
}

TEST(Gunzip, JoinsMembers) {
    for (const std::size_t n : {1UL, 65535UL, 65536UL, 70000UL}) {
        Bytes both = gzip(counted(n)), expected = counted(n);
        both += gzip(counted(9));
        expected += counted(9);
        EXPECT_EQ(gunzip(both, anything), expected) << n;
    }
}

TEST(Gunzip, ShowsThePromiseTheFirstBytes) {
    std::size_t seen = 0;
    gunzip(gzip(counted(1000000)), [&](std::span<const std::byte> head) {
        seen = head.size();
        return 1000000;
    });
    EXPECT_EQ(seen, 65536U);
}

TEST(Gunzip, StopsAtWhatWasPromised) {
    for (const std::uint64_t promised : {0UL, 1UL, 65536UL, 999999UL})
        EXPECT_THAT(error_of([&] { gunzip(gzip(Bytes(1000000)), [&](auto) { return promised; }); }),
                    HasSubstr("unpacks to more than " + std::to_string(promised)));
}

TEST(Gunzip, AnyDamageIsAnError) {
    expect_errors_only(gzip(counted(300)), [](const Bytes& b) { gunzip(b, anything); });
    Bytes trailing = gzip(counted(5));
    trailing += bytes_of_text("x");
    EXPECT_THAT(error_of([&] { gunzip(trailing, anything); }), HasSubstr("other bytes follow"));
}

TEST(BytesWithin, RefusesWhatOverflowsOrDoesNotFit) {
    const std::int64_t huge = std::int64_t{1} << 62;
    EXPECT_EQ(bytes_within(DType::f32, {2, 3}, 24), 24U);
    EXPECT_EQ(bytes_within(DType::f32, {2, 3}, 23), std::nullopt);
    EXPECT_EQ(bytes_within(DType::f64, {}, 8), 8U);
    EXPECT_EQ(bytes_within(DType::u8, {5, 0, 7}, 0), 0U);
    EXPECT_EQ(bytes_within(DType::u8, {0, huge, huge}, 100), std::nullopt);
    EXPECT_EQ(bytes_within(DType::u8, {-1, -1}, 100), std::nullopt);
    EXPECT_EQ(bytes_within(DType::f64, {huge}, ~std::uint64_t{0}), std::nullopt);
}

}  // namespace
}  // namespace tercet::testing
