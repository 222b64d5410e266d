// SPDX-License-Identifier: Apache-2.0
#include "data/idx.h"

#include "data/testing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

using ::testing::HasSubstr;

TEST(Idx, ReadsEveryType) {
    const auto bytes = [](std::string_view s) { return bytes_of_text(s); };
    const struct {
        int code;
        Bytes elements;
        Tensor expected;
    } cases[] = {
        {0x08, bytes("\x01\xff"), Tensor::of<std::uint8_t>(DType::u8, {2}, std::vector<std::uint8_t>{1, 255})},
        {0x09, bytes("\x01\xff"), Tensor::of<std::int8_t>(DType::i8, {2}, std::vector<std::int8_t>{1, -1})},
        {0x0b, bytes("\x01\x02\xff\xfe"), Tensor::of<std::int16_t>(DType::i16, {2}, std::vector<std::int16_t>{258, -2})},
        {0x0c, bytes("\x01\x02\x03\x04\xff\xff\xff\xfe"), Tensor::of<std::int32_t>(DType::i32, {2}, std::vector<std::int32_t>{0x01020304, -2})},
        {0x0d, bytes({"\x3f\x80\x00\x00\xc0\x20\x00\x00", 8}), Tensor::of<float>(DType::f32, {2}, std::vector<float>{1, -2.5F})},
        {0x0e, bytes({"\x3f\xf0\x00\x00\x00\x00\x00\x00\xc0\x04\x00\x00\x00\x00\x00\x00", 16}), Tensor::of<double>(DType::f64, {2}, std::vector<double>{1, -2.5})},
    };
    for (const auto& c : cases) EXPECT_EQ(parse_idx(file_bytes(idx(c.code, {2}, c.elements))), c.expected) << c.code;
}

TEST(Idx, ReadsTheShapeInOrder) {
    const Bytes file = idx(0x08, {2, 3, 5}, Bytes(30));
    EXPECT_EQ(parse_idx(file_bytes(file)).shape(), (Dims{2, 3, 5}));
    EXPECT_EQ(idx_bytes(file), file.size());
}

TEST(Idx, IsRecognisedByTypeAndRank) {
    EXPECT_TRUE(is_idx(idx(0x08, {1}, {})));
    EXPECT_FALSE(is_idx(idx(0x0a, {1}, {})));
    EXPECT_FALSE(is_idx(idx(0x08, {}, {})));
    EXPECT_FALSE(is_idx(idx(0x08, std::vector<std::uint32_t>(9, 1), {})));
}

TEST(Idx, DoesNotBelieveSizesThatTheFileLacks) {
    EXPECT_THAT(error_of([] { parse_idx(file_bytes(idx(0x08, {4294967295, 4294967295, 4294967295}, Bytes(9)))); }),
                HasSubstr("but 9 bytes follow"));
    EXPECT_THAT(error_of([] { parse_idx(file_bytes(idx(0x0d, {2}, Bytes(9)))); }), HasSubstr("f32 [2], but 9 bytes follow"));
}

TEST(Idx, AnyDamageIsAnErrorOrAnotherArray) {
    expect_errors_only(idx(0x0b, {3, 2}, Bytes(12)), [](const Bytes& b) { parse_idx(file_bytes(b)); });
}

}  // namespace
}  // namespace tercet::testing
