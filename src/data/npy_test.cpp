// SPDX-License-Identifier: Apache-2.0
#include "data/npy.h"

#include "data/inflate.h"
#include "data/testing.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace tercet::testing {
namespace {

using ::testing::HasSubstr;

Tensor parsed(const Bytes& bytes) { return parse_npy(file_bytes(bytes)); }
std::string error_of_header(std::string_view header) { return error_of([&] { parsed(npy(header, Bytes(8))); }); }

const Bytes small = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", bytes_of_values<float>({1, 2, 3, 4, 5, 6}));

TEST(Npy, GivesTypeShapeAndElements) {
    const Tensor t = parsed(small);
    EXPECT_EQ(t, Tensor::of<float>(DType::f32, {2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6}));
}

TEST(Npy, ReadsWhatItWrote) {
    const TemporaryFolder folder;
    for (const DType type : {DType::f32, DType::f64, DType::f16, DType::bf16, DType::u8, DType::u16, DType::u32, DType::u64, DType::i8,
                             DType::i16, DType::i32, DType::i64, DType::boolean})
        for (const Dims& shape : {Dims{}, Dims{1}, Dims{7}, Dims{0}, Dims{3, 0, 2}, Dims{2, 3, 5}, Dims{1, 1, 1, 1, 1, 1, 1, 9}}) {
            Tensor t = Tensor::zeros(type, shape);
            for (std::int64_t i = 0; i < t.count(); ++i) t.writable().set_at(i, static_cast<double>(i % 5) - (is_float(type) ? 0.5 : 0));
            write_npy(folder.path() / "t.npy", t);
            const FileBytes file = map_file(folder.path() / "t.npy");
            EXPECT_EQ((file.bytes.size() - t.bytes()) % 64, 0U);
            EXPECT_EQ(npy_bytes(file.bytes), file.bytes.size());
            EXPECT_EQ(parse_npy(file), t) << name_of(type) << " of rank " << shape.size();
        }
}

TEST(Npy, WritesNumpysOwnHeader) {
    const TemporaryFolder folder;
    write_npy(folder.path() / "t.npy", Tensor::ints(std::vector<std::int64_t>{5}));
    const FileBytes file = map_file(folder.path() / "t.npy");
    const std::string_view text(reinterpret_cast<const char*>(file.bytes.data()), 128);
    const std::string_view expected("\x93NUMPY\x01\x00\x76\x00{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }  ", 69);
    EXPECT_EQ(text.substr(0, expected.size()), expected);
    EXPECT_EQ(text.back(), '\n');
}

TEST(Npy, RefusesToWriteTypesItHasNoNameFor) {
    const TemporaryFolder folder;
    EXPECT_THAT(error_of([&] { write_npy(folder.path() / "t.npy", Tensor::zeros(DType::i4, {2})); }), HasSubstr("i4"));
    EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Npy, ReadsVersionsTwoAndThree) {
    for (const int major : {2, 3})
        EXPECT_EQ(parsed(npy("{'descr': '|i1', 'fortran_order': False, 'shape': (2,), }", bytes_of_values<std::int8_t>({-1, 2}), major)),
                  Tensor::of<std::int8_t>(DType::i8, {2}, std::vector<std::int8_t>{-1, 2}));
    EXPECT_THAT(error_of([] { parsed(npy("{}", {}, 4)); }), HasSubstr("version 4"));
}

TEST(Npy, ReadsOtherSpellingsOfTheHeader) {
    for (const std::string_view header : {"{\"shape\":(2L,),\"fortran_order\":True,\"descr\":\"|u1\"}", " { 'fortran_order' : False , 'shape' : ( 2 , ) , 'descr':'u1' } \n"})
        EXPECT_EQ(parsed(npy(header, bytes_of_text("\x03\x04"))), Tensor::of<std::uint8_t>(DType::u8, {2}, std::vector<std::uint8_t>{3, 4})) << header;
}

TEST(Npy, TurnsFortransOrderAndBigEndianAround) {
    const Tensor expected = Tensor::of<std::int16_t>(DType::i16, {2, 3}, std::vector<std::int16_t>{1, 2, 3, 4, 5, 6});
    EXPECT_EQ(parsed(npy("{'descr': '<i2', 'fortran_order': True, 'shape': (2, 3)}", bytes_of_values<std::int16_t>({1, 4, 2, 5, 3, 6}))), expected);
    EXPECT_EQ(parsed(npy("{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3)}", bytes_of_values<std::int16_t>({256, 1024, 512, 1280, 768, 1536}))), expected);
    EXPECT_EQ(parsed(npy("{'descr': '>i2', 'fortran_order': False, 'shape': (2, 3)}", bytes_of_values<std::int16_t>({256, 512, 768, 1024, 1280, 1536}))), expected);
}

TEST(Npy, MakesEveryTrueOne) {
    EXPECT_EQ(parsed(npy("{'descr': '|b1', 'fortran_order': False, 'shape': (3,)}", bytes_of_text(std::string_view("\x00\x07\x01", 3)))),
              Tensor::of<std::uint8_t>(DType::boolean, {3}, std::vector<std::uint8_t>{0, 1, 1}));
}

TEST(Npy, SaysWhatItCannotRead) {
    EXPECT_THAT(error_of_header("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}"), HasSubstr("'|O'; save it as a number type"));
    EXPECT_THAT(error_of_header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}"), HasSubstr("records"));
    EXPECT_THAT(error_of_header("{'descr': '', 'fortran_order': False, 'shape': (1,)}"), HasSubstr("type is ''"));
    EXPECT_THAT(error_of_header("{'descr': '<f8', 'shape': (1,)}"), HasSubstr("lacks"));
    EXPECT_THAT(error_of_header("{'descr': '<f8', 'fortran_order': 0, 'shape': (1,)}"), HasSubstr("neither True nor False"));
    EXPECT_THAT(error_of_header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}"), HasSubstr("tuple of sizes"));
    EXPECT_THAT(error_of_header("{'descr': '<f8', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1)}"), HasSubstr("more than 8 axes"));
}

TEST(Npy, DoesNotBelieveSizesThatTheFileLacks) {
    for (const char* shape : {"(3,)", "(1099511627776,)", "(4294967296, 4294967296)", "(9223372036854775807, 2, 0)", "(99999999999999999999,)", "()"})
        EXPECT_NE(error_of_header(fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': {}, }}", shape)), "") << shape;
    EXPECT_EQ(error_of_header("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}"), "");
}

TEST(Npy, AnyDamageIsAnErrorOrAnotherArray) {
    expect_errors_only(small, [](const Bytes& b) { parsed(b); });
}

const Bytes other = npy("{'descr': '|u1', 'fortran_order': False, 'shape': (200,), }", Bytes(200, std::byte{7}));

TEST(Npz, GivesItsArraysByName) {
    for (const bool deflated : {false, true}) {
        const auto arrays = parse_npz(file_bytes(zip({{"x.npy", small}, {"folder/y.npy", other}, {"notes.txt", bytes_of_text("hi")}}, deflated)));
        ASSERT_EQ(arrays.size(), 2U);
        EXPECT_EQ(arrays.at("x"), parsed(small));
        EXPECT_EQ(arrays.at("folder/y"), parsed(other));
    }
    EXPECT_TRUE(parse_npz(file_bytes(zip({}, false))).empty());
}

TEST(Npz, ReadsTheZip64FieldsThatNumpyPutsBeforeTheData) {
    // numpy.savez writes all ones for the sizes there, and the sizes into an extra field; the directory has the true ones.
    Bytes archive = zip({{"x.npy", small}}, false);
    std::fill_n(archive.begin() + 18, 8, std::byte{0xff});
    EXPECT_EQ(parse_npz(file_bytes(archive)).at("x"), parsed(small));
}

TEST(Npz, NamesTheArrayAtFault) {
    EXPECT_THAT(error_of([] { parse_npz(file_bytes(zip({{"x.npy", bytes_of_text("hello")}}, true))); }),
                HasSubstr("array 'x': this is not an NPY file"));
    Bytes wrong = zip({{"x.npy", small}}, false);
    wrong[30 + 5 + small.size() - 1] ^= std::byte{1};
    EXPECT_THAT(error_of([&] { parse_npz(file_bytes(wrong)); }), HasSubstr("array 'x.npy': its checksum is wrong"));
    EXPECT_THAT(error_of([] { parse_npz(file_bytes(zip({{"x.npy", small}, {"x.npy", small}}, false))); }), HasSubstr("twice"));
}

TEST(Npz, RefusesWhatUnpacksToMoreThanItSays) {
    const Bytes good = zip({{"x.npy", npy("{'descr': '|u1', 'fortran_order': False, 'shape': (100000,), }", Bytes(100000))}}, true);
    const auto with_size = [&](std::uint32_t size) {  // in the directory, behind the one member
        Bytes b = good;
        const std::size_t at = b.size() - 22 - 46 - 5 + 24;
        std::memcpy(b.data() + at, &size, sizeof size);
        return error_of([&] { parse_npz(file_bytes(b)); });
    };
    EXPECT_THAT(with_size(99), HasSubstr("more than the header says"));
    EXPECT_THAT(with_size(4000000000U), HasSubstr("are said to unpack to 4000000000"));
    EXPECT_THAT(with_size(0xffffffffU), HasSubstr("zip64"));
}

TEST(Npz, AnyDamageIsAnErrorOrAnotherArray) {
    for (const bool deflated : {false, true})
        expect_errors_only(zip({{"x.npy", small}, {"y.npy", other}}, deflated), [](const Bytes& b) { parse_npz(file_bytes(b)); });
}

}  // namespace
}  // namespace tercet::testing
