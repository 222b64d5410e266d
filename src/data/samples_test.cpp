// SPDX-License-Identifier: Apache-2.0
#include "data/testing.h"
#include "tercet/data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

namespace tercet::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<float> floats(const Array& a) {
    EXPECT_EQ(a.dtype, DType::f32);
    std::vector<float> v(a.data.size() / 4);
    std::memcpy(v.data(), a.data.data(), a.data.size());
    return v;
}

Bytes flat_png(std::uint8_t value, int width = 1, int height = 1, int channels = 1) {
    return png({width, height, channels, std::vector<std::uint8_t>(static_cast<std::size_t>(width * height * channels), value)});
}

const Preprocess plain{.scale = 1};

TEST(LoadSamples, TakesClassesFromFoldersInOrderOfNames) {
    const TemporaryFolder folder;
    folder.write("dog/b.png", flat_png(3));
    folder.write("dog/a.PNG", flat_png(2));
    folder.write("cat/z.png", flat_png(1));
    folder.write("cat/notes.txt", "no picture");
    folder.write("cat/.hidden.png", "no picture");
    folder.write(".hidden/a.png", "no picture");
    folder.write("README", "no picture");
    const Samples s = load_samples(folder.path(), plain);
    EXPECT_THAT(s.ids, ElementsAre("cat/z.png", "dog/a.PNG", "dog/b.png"));
    EXPECT_THAT(s.labels, ElementsAre(0, 1, 1));
    EXPECT_THAT(s.class_names, ElementsAre("cat", "dog"));
    EXPECT_THAT(s.values.shape, ElementsAre(3, 1, 1, 1));
    EXPECT_THAT(floats(s.values), ElementsAre(1, 2, 3));
}

TEST(LoadSamples, TakesAFlatFolderOrOnePicture) {
    const TemporaryFolder folder;
    folder.write("b.jpg", jpeg(gradient(5, 4, 3)));
    folder.write("a.jpeg", jpeg(gradient(5, 4, 3)));
    std::filesystem::create_directory(folder.path() / "empty");
    const Samples all = load_samples(folder.path()), one = load_samples(folder.path() / "b.jpg");
    EXPECT_THAT(all.ids, ElementsAre("a.jpeg", "b.jpg"));
    EXPECT_THAT(all.labels, IsEmpty());
    EXPECT_THAT(all.class_names, IsEmpty());
    EXPECT_THAT(one.ids, ElementsAre("b.jpg"));
    EXPECT_THAT(one.values.shape, ElementsAre(1, 3, 4, 5));
}

TEST(LoadSamples, SpreadsAChoiceOverTheOrder) {
    const TemporaryFolder folder;
    Bytes values;
    for (int i = 0; i < 10; ++i) values.push_back(static_cast<std::byte>(i));
    const auto file = folder.write("x.idx", idx(0x08, {10, 1, 1}, values));
    EXPECT_THAT(load_samples(file, plain, 3).ids, ElementsAre("0", "3", "6"));
    EXPECT_THAT(floats(load_samples(file, plain, 3).values), ElementsAre(0, 3, 6));
    EXPECT_EQ(load_samples(file, plain, 99).count(), 10);
    EXPECT_EQ(load_samples(file, plain).count(), 10);
}

TEST(LoadSamples, TakesIdxAsPicturesPackedOrNot) {
    const TemporaryFolder folder;
    const Bytes file = idx(0x08, {2, 1, 3}, bytes_of_values<std::uint8_t>({0, 51, 255, 1, 2, 3}));
    for (const auto& path : {folder.write("a", file), folder.write("a.gz", gzip(file))}) {
        const Samples s = load_samples(path, {.layout = Layout::nhwc});
        EXPECT_THAT(s.values.shape, ElementsAre(2, 1, 3, 1));
        EXPECT_EQ(floats(s.values)[1], 0.2F);
    }
}

TEST(LoadSamples, HoldsAPackedFileToItsHeader) {
    const TemporaryFolder folder;
    Bytes more = idx(0x08, {2, 1, 3}, Bytes(6));
    more += Bytes(5000000);
    EXPECT_THAT(error_of([&] { load_samples(folder.write("x.gz", gzip(more))); }), HasSubstr("unpacks to more than 22 bytes"));
    const Bytes fewer = idx(0x08, {2, 1, 3}, Bytes(5));
    EXPECT_THAT(error_of([&] { load_samples(folder.write("y.gz", gzip(fewer))); }),
                AllOf(HasSubstr("y.gz: "), HasSubstr("but 5 bytes follow")));
}

TEST(LoadSamples, TakesOtherArraysAsTheyAre) {
    const TemporaryFolder folder;
    const auto file = folder.write("x.npy", npy("{'descr': '<i8', 'fortran_order': False, 'shape': (2, 2)}", bytes_of_values<std::int64_t>({1, 2, 3, 4})));
    const Samples s = load_samples(file, {.scale = 5}, 1);
    EXPECT_EQ(s.values, (Array{DType::i64, {1, 2}, bytes_of_values<std::int64_t>({1, 2})}));
}

TEST(LoadSamples, TakesBytesInAnNpyAsPictures) {
    const TemporaryFolder folder;
    const auto file = folder.write("x.npy", npy("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1, 2, 3)}", bytes_of_values<std::uint8_t>({1, 2, 3, 4, 5, 6})));
    const Samples s = load_samples(file, plain);
    EXPECT_THAT(s.values.shape, ElementsAre(1, 3, 1, 2));
    EXPECT_THAT(floats(s.values), ElementsAre(1, 4, 2, 5, 3, 6));
    EXPECT_EQ(load_samples(file, {.dtype = DType::u8, .layout = Layout::nhwc}).values.data, bytes_of_values<std::uint8_t>({1, 2, 3, 4, 5, 6}));
}

TEST(LoadSamples, FindsTheLabelsInAnNpz) {
    const TemporaryFolder folder;
    const Bytes x = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 1)}", bytes_of_values<float>({1, 2, 3}));
    const Bytes y = npy("{'descr': '<i4', 'fortran_order': False, 'shape': (3,)}", bytes_of_values<std::int32_t>({7, 8, 9}));
    const Samples s = load_samples(folder.write("a.npz", zip({{"images.npy", x}, {"y.npy", y}}, true)), {}, 2);
    EXPECT_THAT(floats(s.values), ElementsAre(1, 2));
    EXPECT_THAT(s.labels, ElementsAre(7, 8));
    EXPECT_THAT(load_samples(folder.write("b.npz", zip({{"y.npy", x}}, false))).labels, IsEmpty());
    EXPECT_THAT(error_of([&] { load_samples(folder.write("c.npz", zip({{"a.npy", x}, {"b.npy", x}}, false))); }),
                HasSubstr("which array holds the samples: a, b?"));
    EXPECT_THAT(error_of([&] { load_samples(folder.write("d.npz", zip({}, false))); }), HasSubstr("no array"));
    EXPECT_THAT(error_of([&] { load_samples(folder.write("e.npz", zip({{"x.npy", x}, {"y.npy", x}}, false))); }),
                HasSubstr("f32 [3, 1] are no labels"));
}

TEST(LoadSamples, TakesRowsOfATable) {
    const TemporaryFolder folder;
    const auto file = folder.write("x.csv", "sample_id,p0,p1,p2,label\na,0,255,51,dog\nb,1,2,3,cat\n");
    const Samples rows = load_samples(file, {.scale = 2, .mean = {1}});
    EXPECT_THAT(rows.values.shape, ElementsAre(2, 3));
    EXPECT_THAT(floats(rows.values), ElementsAre(-1, 509, 101, 1, 3, 5));
    EXPECT_THAT(rows.ids, ElementsAre("a", "b"));
    EXPECT_THAT(rows.labels, ElementsAre(1, 0));
    EXPECT_THAT(rows.class_names, ElementsAre("cat", "dog"));
    const Samples pictures = load_samples(file, {.layout = Layout::nhwc, .row_shape = {1, 1, 3}});
    EXPECT_THAT(pictures.values.shape, ElementsAre(2, 1, 1, 3));
    EXPECT_FLOAT_EQ(floats(pictures.values)[1], 1.0f);  // 255: whole numbers are 8-bit pixels
    EXPECT_FLOAT_EQ(floats(pictures.values)[2], 51.0f / 255);
    const Samples scaled = load_samples(folder.write("s.csv", "p0,p1,p2\n0,0.5,1\n1,0,0\n"), {.layout = Layout::nhwc, .row_shape = {1, 1, 3}});
    EXPECT_THAT(floats(scaled.values), ElementsAre(0, 0.5, 1, 1, 0, 0));  // fractions are values already
    EXPECT_THAT(error_of([&] { load_samples(file, {.row_shape = {2, 2}}); }),
                HasSubstr("a row has 3 values, its shape [2, 2] 4"));
    EXPECT_THAT(error_of([&] { load_samples(file, {.mean = {1, 2, 3}}); }), HasSubstr("rows that are no pictures"));
    EXPECT_THAT(error_of([&] { load_samples(folder.write("l.csv", "id,label\na,1\n")); }), HasSubstr("no columns of values"));
    EXPECT_THAT(error_of([&] { load_samples(folder.write("n.csv", "id,x\n")); }), HasSubstr("no samples"));
}

TEST(LoadSamples, SaysWhichFileDiffers) {
    const TemporaryFolder folder;
    folder.write("a.png", flat_png(1, 2, 3));
    folder.write("b.png", flat_png(1, 3, 2));
    EXPECT_THAT(error_of([&] { load_samples(folder.path()); }),
                AllOf(HasSubstr("b.png: the picture gives [1, 2, 3], the first one [1, 3, 2]"), HasSubstr("set height and width")));
    EXPECT_EQ(load_samples(folder.path(), {.height = 4, .width = 4}).count(), 2);
    folder.write("b.png", flat_png(1, 2, 3, 3));
    EXPECT_THAT(error_of([&] { load_samples(folder.path()); }), HasSubstr("set the color"));
    EXPECT_EQ(load_samples(folder.path(), {.color = Color::rgb}).count(), 2);
}

TEST(LoadSamples, SaysWhatIsWrongWithAPath) {
    const TemporaryFolder folder;
    EXPECT_THAT(error_of([&] { load_samples(folder.path() / "none.npy"); }), HasSubstr("none.npy"));
    EXPECT_THAT(error_of([&] { load_samples(folder.path()); }), HasSubstr("no .jpg, .jpeg or .png file"));
    EXPECT_THAT(error_of([&] { load_samples(folder.write("e", "")); }), HasSubstr("e: the file is empty"));
    EXPECT_THAT(error_of([&] { load_samples(folder.write("z", Bytes(9))); }), HasSubstr("format is not known"));
    EXPECT_THAT(error_of([&] { load_samples(folder.write("s.npy", npy("{'descr': '<f4', 'fortran_order': False, 'shape': ()}", Bytes(4)))); }),
                HasSubstr("scalar"));
    EXPECT_THAT(error_of([&] { load_samples(folder.write("n.npy", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776, 0)}", {}))); }),
                HasSubstr("nothing in an array"));
    folder.write("mixed/a.png", flat_png(1));
    folder.write("mixed/class/a.png", flat_png(1));
    EXPECT_THAT(error_of([&] { load_samples(folder.path() / "mixed"); }), HasSubstr("beside folders of pictures"));
    const auto broken = folder.write("broken/a.jpg", "not a picture");
    EXPECT_EQ(error_of([&] { load_samples(folder.path() / "broken"); }),
              broken.string() + ": this is neither a JPEG nor a PNG; convert the picture, or remove the file");
}

const std::vector<std::string> ids = {"x", "y", "z"};

TEST(LoadLabels, MatchesThemById) {
    const TemporaryFolder folder;
    EXPECT_THAT(load_labels(folder.write("a.csv", "sample_id,label\nz,3\nw,9\ny,2\nx,1\n"), ids).labels, ElementsAre(1, 2, 3));
    EXPECT_THAT(error_of([&] { load_labels(folder.write("b.csv", "sample_id,label\nx,1\ny,1\n"), ids); }),
                HasSubstr("b.csv: sample 'z' has no label"));
    EXPECT_THAT(error_of([&] { load_labels(folder.write("c.csv", "sample_id,label\nx,1\nx,2\n"), ids); }),
                HasSubstr("'x' is there twice"));
}

TEST(LoadLabels, TurnsNamesIntoPlaces) {
    const TemporaryFolder folder;
    const auto file = folder.write("a.csv", "sample_id,label\nx,dog\ny,cat\nz,dog\n");
    const Labels own = load_labels(file, ids);
    EXPECT_THAT(own.labels, ElementsAre(1, 0, 1));
    EXPECT_THAT(own.class_names, ElementsAre("cat", "dog"));
    const std::vector<std::string> known = {"bird", "cat", "dog"};
    EXPECT_THAT(load_labels(file, ids, known).labels, ElementsAre(2, 1, 2));
    EXPECT_THAT(error_of([&] { load_labels(file, ids, std::vector<std::string>{"cat"}); }), HasSubstr("'dog' is no class"));
}

TEST(LoadLabels, TakesFilesWithoutIdsInOrder) {
    const TemporaryFolder folder;
    EXPECT_THAT(load_labels(folder.write("a", gzip(idx(0x08, {3}, bytes_of_values<std::uint8_t>({4, 5, 6})))), ids).labels, ElementsAre(4, 5, 6));
    EXPECT_THAT(load_labels(folder.write("b.csv", "4\n5\n6\n"), ids).labels, ElementsAre(4, 5, 6));
    EXPECT_THAT(load_labels(folder.write("c.npy", npy("{'descr': '<i8', 'fortran_order': False, 'shape': (3,)}", bytes_of_values<std::int64_t>({4, 5, 6}))), ids).labels, ElementsAre(4, 5, 6));
    EXPECT_THAT(error_of([&] { load_labels(folder.write("d", idx(0x08, {2}, Bytes(2))), ids); }),
                HasSubstr("2 labels for 3 samples"));
    EXPECT_THAT(error_of([&] { load_labels(folder.write("e", idx(0x09, {3}, Bytes(3, std::byte{0xff}))), ids); }),
                HasSubstr("-1 is no label"));
    EXPECT_THAT(error_of([&] { load_labels(folder.write("f.csv", "4.5\n5\n6\n"), ids); }), HasSubstr("no labels"));
}

TEST(Arrays, AreReadAsSaved) {
    const TemporaryFolder folder;
    const Array a{DType::f16, {2, 1}, Bytes(4, std::byte{0x3c})}, scalar{DType::i32, {}, Bytes(4, std::byte{1})};
    for (const Array& array : {a, scalar}) {
        save_array(folder.path() / "a.npy", array.dtype, array.shape, array.data);
        EXPECT_EQ(load_array(folder.path() / "a.npy"), array);
    }
    EXPECT_THAT(error_of([&] { save_array(folder.path() / "b.npy", DType::f32, a.shape, a.data); }),
                HasSubstr("4 bytes are no f32 [2, 1]"));
    EXPECT_THAT(error_of([&] { save_array(folder.path() / "b.npy", DType::f32, std::vector<std::int64_t>(9, 1), a.data); }),
                HasSubstr("9 axes"));
    EXPECT_THAT(error_of([&] { load_array(folder.write("x.csv", "1,2\n")); }), HasSubstr("no single array"));
}

}  // namespace
}  // namespace tercet::testing
