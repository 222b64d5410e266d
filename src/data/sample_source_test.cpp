// SPDX-License-Identifier: Apache-2.0
#include "data/sample_source.h"

#include "data/npy.h"
#include "data/testing.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace tercet {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SamplesOneByOne : public ::testing::Test {
protected:
    Bytes floats(std::string_view shape, const std::vector<float>& values) {
        return npy(fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': {}, }}", shape), bytes_of_values(values));
    }
    TemporaryFolder folder_;
};

TEST(ChoiceOfSamples, IsTheSameEverywhere) {
    EXPECT_THAT(choose_samples(5, 5, 1), ElementsAre(0, 1, 2, 3, 4));
    EXPECT_THAT(choose_samples(5, 9, 1), ElementsAre(0, 1, 2, 3, 4));
    EXPECT_EQ(choose_samples(60000, 512, 1), choose_samples(60000, 512, 1));
    EXPECT_NE(choose_samples(60000, 512, 1), choose_samples(60000, 512, 2));
    const auto chosen = choose_samples(1000, 100, 7);
    EXPECT_EQ(chosen.size(), 100U);
    EXPECT_TRUE(std::ranges::is_sorted(chosen, std::less_equal{}));  // none twice
    EXPECT_GE(chosen.front(), 0);
    EXPECT_LT(chosen.back(), 1000);
    EXPECT_THAT(choose_samples(1000, 4, 1), ElementsAre(23, 133, 137, 452));
}

TEST_F(SamplesOneByOne, ArchiveWithAnArrayPerInput) {
    const auto file = folder_.write("data.npz", zip({{"mask.npy", floats("(3, 1)", {0, 1, 1})}, {"a_b.npy", floats("(3, 2)", {1, 2, 3, 4, 5, 6})}}, false));
    const std::vector<std::string> inputs{"a/b", "mask"};
    const SampleSource s = open_samples(file, {}, inputs);
    EXPECT_EQ(s.inputs, inputs);
    ASSERT_EQ(s.count(), 3);
    const auto sample = s.read(1);
    EXPECT_EQ(sample[0].get(1), 4);
    EXPECT_EQ(sample[1].get(0), 1);
    EXPECT_THAT(error_of([&] { open_samples(file, {}, std::vector<std::string>{"a/b", "other"}); }), HasSubstr("other"));
}

TEST_F(SamplesOneByOne, InputsOfDifferentCountsAreRefused) {
    const auto file = folder_.write("data.npz", zip({{"a.npy", floats("(3,)", {0, 1, 1})}, {"b.npy", floats("(2,)", {1, 2})}}, false));
    EXPECT_THAT(error_of([&] { open_samples(file, {}, std::vector<std::string>{"a", "b"}); }), HasSubstr("it has 2 samples, 'a' has 3"));
}

TEST_F(SamplesOneByOne, FolderWithAFilePerInput) {
    folder_.write("a.npy", floats("(2, 2)", {1, 2, 3, 4}));
    folder_.write("b.npy", floats("(2, 1)", {5, 6}));
    const SampleSource s = open_samples(folder_.path(), {}, std::vector<std::string>{"a", "b"});
    ASSERT_EQ(s.count(), 2);
    EXPECT_EQ(s.read(1)[0].get(0), 3);
    EXPECT_EQ(s.read(1)[1].get(0), 6);
}

TEST_F(SamplesOneByOne, FolderWithAFilePerSample) {
    folder_.write("1.npy", floats("(2,)", {3, 4}));
    folder_.write("0.npy", floats("(2,)", {1, 2}));
    const SampleSource s = open_samples(folder_.path(), {}, std::vector<std::string>{"x"});
    EXPECT_THAT(s.ids, ElementsAre("0.npy", "1.npy"));
    EXPECT_EQ(s.read(1)[0].get(0), 3);
    folder_.write("1.npy", std::string_view("damaged"));
    EXPECT_THAT(error_of([&] { s.read(1); }), HasSubstr("1.npy"));
}

TEST_F(SamplesOneByOne, FolderOfArchives) {
    folder_.write("s0.npz", zip({{"a.npy", floats("(2,)", {1, 2})}, {"b.npy", floats("(1,)", {9})}}, true));
    folder_.write("s1.npz", zip({{"a.npy", floats("(2,)", {1, 2})}}, true));
    const SampleSource s = open_samples(folder_.path(), {}, std::vector<std::string>{"a", "b"});
    EXPECT_EQ(s.read(0)[1].get(0), 9);
    EXPECT_THAT(error_of([&] { s.read(1); }), HasSubstr("an input has no array in it"));
}

TEST_F(SamplesOneByOne, APictureThatCannotBeReadHarmsNoOther) {
    folder_.write("a.png", png(gradient(4, 4, 3)));
    folder_.write("b.png", std::string_view("no picture"));
    const SampleSource s = open_samples(folder_.path(), {}, std::vector<std::string>{"x"});
    EXPECT_EQ(s.read(0)[0].shape(), (Dims{3, 4, 4}));
    EXPECT_THAT(error_of([&] { s.read(1); }), HasSubstr("b.png"));
}

}  // namespace
}  // namespace tercet
