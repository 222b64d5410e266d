// SPDX-License-Identifier: Apache-2.0
#include "data/csv.h"

#include "data/testing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tercet::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Tensor floats(const Dims& shape, const std::vector<float>& values) { return Tensor::of<float>(DType::f32, shape, values); }
std::string error_of_table(std::string_view text) { return error_of([&] { parse_table(text); }); }

TEST(Csv, SplitsIdsFromValues) {
    const Table t = parse_table("sample_id,pixel_0,pixel_1\n7,1,2.5\nb,-3e2,+4\n");
    EXPECT_THAT(t.ids, ElementsAre("7", "b"));
    EXPECT_THAT(t.labels, IsEmpty());
    EXPECT_EQ(t.values, floats({2, 2}, {1, 2.5F, -300, 4}));
}

TEST(Csv, FindsLabelsWhereverTheyStand) {
    const Table t = parse_table("a,Label,Name\n1,cat,x\n2, dog ,y");
    EXPECT_THAT(t.ids, ElementsAre("x", "y"));
    EXPECT_THAT(t.labels, ElementsAre("cat", "dog"));
    EXPECT_EQ(t.values, floats({2, 1}, {1, 2}));
}

TEST(Csv, MayLackTheFirstLine) {
    const Table t = parse_table("1,2\n3,4\n");
    EXPECT_THAT(t.ids, IsEmpty());
    EXPECT_EQ(t.values, floats({2, 2}, {1, 2, 3, 4}));
}

TEST(Csv, ReadsQuotesLineEndsAndEmptyLines) {
    const Table t = parse_table("\xef\xbb\xbf\"id\",\"x\"\r\n\r\n\"a,\"\"b\"\"\nc\",\"1\"\r\n\n d , 2 \r\n\"\",3\r");
    EXPECT_THAT(t.ids, ElementsAre("a,\"b\"\nc", " d ", ""));
    EXPECT_EQ(t.values, floats({3, 1}, {1, 2, 3}));
}

TEST(Csv, KeepsSmallNumbersAndRefusesLargeOnes) {
    EXPECT_EQ(parse_table("x\n1e-60\n3.4028234e38\n").values, floats({2, 1}, {0, 3.4028234e38F}));
    EXPECT_THAT(error_of_table("x\n1e39\n"), HasSubstr("line 2: column x is '1e39', which is not a finite number"));
}

TEST(Csv, NamesTheLineAndColumnAtFault) {
    EXPECT_THAT(error_of_table("id,x,y\na,1,2\nb,1\n"), HasSubstr("line 3: 2 columns, where the first line has 3"));
    EXPECT_THAT(error_of_table("id,x\n\"a\nb\",1\n\nc,1,2\n"), HasSubstr("line 5: 3 columns"));
    EXPECT_THAT(error_of_table("id,x\na,\n"), HasSubstr("line 2: column x is ''"));
    for (const std::string_view word : {"nan", "NaN", "inf", "-inf", "1.5.2", "0x10", "1 2", "--1", "hello"})
        EXPECT_THAT(error_of_table("id,x\na," + std::string(word) + "\n"), HasSubstr("'" + std::string(word) + "', which is not a finite number"));
    EXPECT_THAT(error_of_table("1,2\n3,b\n"), HasSubstr("line 2: column 2 is 'b'"));
    EXPECT_THAT(error_of_table("1,b\n3,4\n"), HasSubstr("line 1: the name of column 1 is a number"));
    EXPECT_THAT(error_of_table("id,x\n\"a,1\n"), HasSubstr("line 2: a quote is not closed"));
    EXPECT_THAT(error_of_table("id,x\n\"a\"b,1\n"), HasSubstr("text follows a closing quote"));
    EXPECT_THAT(error_of_table("\n\r\n"), HasSubstr("empty"));
}

TEST(Csv, AnyTextIsATableOrAnError) {
    const Bytes text = bytes_of_text("sample_id,\"a\",b\r\n\"1\",2,3\n4,5,6\n");
    expect_errors_only(text, [](const Bytes& b) { parse_table({reinterpret_cast<const char*>(b.data()), b.size()}); }, 1);
}

}  // namespace
}  // namespace tercet::testing
