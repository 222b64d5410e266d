// SPDX-License-Identifier: Apache-2.0
#include "onnx/read_tensor.h"

#include "onnx/testing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace tercet::testing {
namespace {

using namespace onnx;
using protozero::pbf_writer;

Tensor read_bytes(const std::string& bytes, const std::filesystem::path& folder = {}) {
    auto kept = std::make_shared<std::string>(bytes);
    Source source{kept, ExternalData(folder)};
    return onnx::read_tensor(Message(*kept), source).tensor;
}

void expect_error(const std::string& bytes, const std::string& part, const std::filesystem::path& folder = {}) {
    try {
        read_bytes(bytes, folder);
        ADD_FAILURE() << "was read; expected: " << part;
    } catch (const Error& e) {
        EXPECT_THAT(e.what(), ::testing::HasSubstr(part));
        EXPECT_FALSE(e.fault().fix.empty()) << e.what();
    }
}

std::string hex(const Tensor& t) {
    std::string s;
    for (std::size_t i = 0; i < t.bytes(); ++i) {
        constexpr const char* digits = "0123456789abcdef";
        const auto b = static_cast<unsigned>(t.data()[i]);
        s += {digits[b >> 4], digits[b & 15]};
    }
    return s;
}

TEST(ReadTensor, TakesTypedDataOfEveryType) {
    struct Case {
        const char* name;
        DType dtype;
        std::vector<std::int64_t> dims;
        Fill fill;
        const char* bytes;
    };
    const auto ints = [](std::vector<std::int32_t> v) -> Fill {
        return [v](pbf_writer& w) { w.add_packed_int32(tensor_field::int32_data, v.begin(), v.end()); };
    };
    const Case cases[] = {
        {"u8", DType::u8, {3}, ints({0, 7, 255}), "0007ff"},
        {"i8", DType::i8, {3}, ints({-128, -1, 127}), "80ff7f"},
        {"u16", DType::u16, {2}, ints({1, 65535}), "0100ffff"},
        {"i16", DType::i16, {2}, ints({-2, 32767}), "feffff7f"},
        {"i32", DType::i32, {2}, ints({-1, 258}), "ffffffff02010000"},
        {"bool", DType::boolean, {2}, ints({1, 0}), "0100"},
        {"f16", DType::f16, {2}, ints({0x3c00, 0xfc00}), "003c00fc"},
        {"bf16", DType::bf16, {1}, ints({0xbf80}), "80bf"},
        {"f8e4m3fn", DType::f8e4m3fn, {2}, ints({0x38, 0xff}), "38ff"},
        {"f8e8m0", DType::f8e8m0, {1}, ints({0x7f}), "7f"},
        {"i4, the last byte half used", DType::i4, {3}, ints({0xf1, 0x02}), "f102"},
        {"u4", DType::u4, {2, 2}, ints({0x21, 0x43}), "2143"},
        {"f4", DType::f4e2m1, {1}, ints({5}), "05"},
        {"u2", DType::u2, {5}, ints({0xe4, 0x01}), "e401"},
        {"i2", DType::i2, {4}, ints({0xe4}), "e4"},
        {"i64", DType::i64, {2}, [](pbf_writer& w) {
             const std::int64_t v[] = {-2, std::numeric_limits<std::int64_t>::max()};
             w.add_packed_int64(tensor_field::int64_data, std::begin(v), std::end(v));
         }, "feffffffffffffffffffffffffffff7f"},
        {"u64", DType::u64, {1}, [](pbf_writer& w) { w.add_uint64(tensor_field::uint64_data, UINT64_MAX); }, "ffffffffffffffff"},
        {"u32", DType::u32, {1}, [](pbf_writer& w) { w.add_uint64(tensor_field::uint64_data, UINT32_MAX); }, "ffffffff"},
        {"f32, in three pieces", DType::f32, {4}, [](pbf_writer& w) {
             const float v[] = {1, 2};
             w.add_packed_float(tensor_field::float_data, std::begin(v), std::end(v));
             w.add_float(tensor_field::float_data, -1);
             w.add_float(tensor_field::float_data, 0);
         }, "0000803f00000040000080bf00000000"},
        {"c64", DType::c64, {1}, [](pbf_writer& w) {
             const float v[] = {1, 2};
             w.add_packed_float(tensor_field::float_data, std::begin(v), std::end(v));
         }, "0000803f00000040"},
        {"f64", DType::f64, {}, [](pbf_writer& w) { w.add_double(tensor_field::double_data, 1); }, "000000000000f03f"},
        {"c128", DType::c128, {1}, [](pbf_writer& w) {
             const double v[] = {1, 0};
             w.add_packed_double(tensor_field::double_data, std::begin(v), std::end(v));
         }, "000000000000f03f0000000000000000"},
        {"i32, not packed", DType::i32, {2}, [](pbf_writer& w) {
             w.add_int32(tensor_field::int32_data, -3);
             w.add_int32(tensor_field::int32_data, 4);
         }, "fdffffff04000000"},
        {"nothing", DType::i32, {0, 5}, [](pbf_writer&) {}, ""},
    };
    for (const Case& c : cases) {
        const Tensor t = read_bytes(tensor_message("w", static_cast<std::int64_t>(c.dtype), c.dims, c.fill));
        EXPECT_EQ(t.dtype(), c.dtype) << c.name;
        EXPECT_EQ(t.shape(), Dims(c.dims)) << c.name;
        EXPECT_EQ(hex(t), c.bytes) << c.name;
    }
}

TEST(ReadTensor, LeavesRawAndPackedElementsInTheFile) {
    const float v[] = {1, 2, 3};
    const auto raw = [&](pbf_writer& w) { w.add_bytes(tensor_field::raw_data, reinterpret_cast<const char*>(v), sizeof v); };
    const auto packed = [&](pbf_writer& w) { w.add_packed_float(tensor_field::float_data, std::begin(v), std::end(v)); };
    for (const Fill& fill : {Fill(raw), Fill(packed)}) {
        auto kept = std::make_shared<std::string>(tensor_message("w", 1, {3}, fill));
        Source source{kept, ExternalData({})};
        const Tensor t = onnx::read_tensor(Message(*kept), source).tensor;
        EXPECT_GE(reinterpret_cast<const char*>(t.data()), kept->data());
        EXPECT_LE(reinterpret_cast<const char*>(t.data()) + t.bytes(), kept->data() + kept->size());
        EXPECT_EQ(t.get(2), 3);
        source = {nullptr, ExternalData({})};
        EXPECT_EQ(kept.use_count(), 2) << "the tensor keeps the file";
    }
}

TEST(ReadTensor, RefusesWhatDoesNotFit) {
    struct Case {
        std::int64_t type;
        std::vector<std::int64_t> dims;
        Fill fill;
        const char* part;
    };
    const auto raw = [](std::string bytes) -> Fill { return [bytes](pbf_writer& w) { w.add_bytes(tensor_field::raw_data, bytes); }; };
    const auto ints = [](std::vector<std::int32_t> v) -> Fill {
        return [v](pbf_writer& w) { w.add_packed_int32(tensor_field::int32_data, v.begin(), v.end()); };
    };
    const std::int64_t big = std::int64_t{1} << 40;
    const Case cases[] = {
        {1, {2, 3}, raw("12345678"), "tensor 'w': holds 8 bytes, its shape [2,3] of f32 takes 24"},
        {1, {1}, raw("12345678"), "holds 8 bytes, its shape [1] of f32 takes 4"},
        {1, {-2}, raw("12345678"), "impossible shape [-2]"},
        {1, {big, big}, raw("1234"), "impossible shape"},
        {1, {0, big, big}, raw(""), "impossible shape"},
        {3, {std::int64_t{1} << 49}, raw("1234"), "impossible shape"},
        {1, {big}, raw("1234"), "holds 4 bytes"},
        {6, {big}, ints({1}), "holds"},
        {1, {big}, [](pbf_writer&) {}, "holds"},
        {1, {1, 1, 1, 1, 1, 1, 1, 1, 1}, raw("1234"), "rank 9, at most 8"},
        {1, {2}, ints({1, 2}), "its shape [2] of f32 takes 8"},
        {7, {2}, ints({1, 2}), "holds 0 bytes, its shape [2] of i64 takes 16"},
        {6, {3}, ints({1, 2}), "holds 8 bytes, its shape [3] of i32 takes 12"},
        {6, {1}, ints({1, 2}), "holds 8 bytes, its shape [1] of i32 takes 4"},
        {2, {2}, ints({1, 256}), "element 1 is 256, which is no u8"},
        {3, {1}, ints({128}), "element 0 is 128, which is no i8"},
        {9, {1}, ints({2}), "element 0 is 2, which is no bool"},
        {10, {1}, ints({65536}), "no f16"},
        {12, {1}, [](pbf_writer& w) { w.add_uint64(tensor_field::uint64_data, std::uint64_t{1} << 32); }, "no u32"},
        {9, {2}, raw(std::string("\x01\x02")), "bools other than 0 and 1"},
        {0, {1}, raw("1234"), "no element type"},
        {27, {1}, raw("1"), "unknown element type 27"},
        {-1, {1}, raw("1"), "unknown element type -1"},
        {8, {2}, [](pbf_writer& w) { w.add_bytes(tensor_field::string_data, "one"); }, "holds 1 elements, its shape [2] of string takes 2"},
        {1, {1}, [](pbf_writer& w) { w.add_message(tensor_field::segment, std::string()); w.add_bytes(tensor_field::raw_data, "1234"); }, "segments"},
        {1, {1}, [](pbf_writer& w) { w.add_int32(tensor_field::raw_data, 4); }, "damaged"},
        {1, {1}, [](pbf_writer& w) { w.add_bytes(tensor_field::float_data, "123"); }, "damaged"},
        {1, {1}, [](pbf_writer& w) { w.add_double(tensor_field::float_data, 1); }, "damaged"},
        {6, {1}, [](pbf_writer& w) { w.add_bytes(tensor_field::int32_data, "\xff"); }, "damaged"},
    };
    for (const Case& c : cases) expect_error(tensor_message("w", c.type, c.dims, c.fill), c.part);
}

std::string external_tensor(std::string location, std::string offset, std::string length) {
    return tensor_message("w", 1, {2}, [&](pbf_writer& w) {
        const auto entry = [&](const std::string& key, const std::string& value) {
            if (value.empty()) return;
            w.add_message(tensor_field::external_data, message([&](pbf_writer& e) {
                e.add_string(entry_field::key, key);
                e.add_string(entry_field::value, value);
            }));
        };
        entry("location", location);
        entry("offset", offset);
        entry("length", length);
        w.add_int32(tensor_field::data_location, 1);
    });
}

class ExternalTensor : public ::testing::Test {
protected:
    void SetUp() override {
        const float v[] = {9, 1, 2, 3};
        const std::string_view bytes(reinterpret_cast<const char*>(v), sizeof v);
        folder.write("model/w.bin", bytes);
        folder.write("model/data/w.bin", bytes);
        folder.write("outside.bin", bytes);
        std::filesystem::create_symlink("../outside.bin", model() / "link.bin");
        std::filesystem::create_symlink("..", model() / "up");
        std::filesystem::create_symlink("w.bin", model() / "inner.bin");
        std::filesystem::create_symlink("loop", model() / "loop");
    }
    std::filesystem::path model() const { return folder.path() / "model"; }
    TemporaryFolder folder;
};

TEST_F(ExternalTensor, IsReadInPlace) {
    for (const char* location : {"w.bin", "data/w.bin", "./w.bin", "inner.bin"})
        for (const char* length : {"8", ""}) {
            const Tensor t = read_bytes(external_tensor(location, "4", length), model());
            EXPECT_EQ(t.get(0), 1) << location;
            EXPECT_EQ(t.get(1), 2) << location;
        }
    EXPECT_EQ(read_bytes(external_tensor("w.bin", "", ""), model()).get(0), 9);
}

TEST_F(ExternalTensor, SharesOneMapping) {
    auto kept = std::make_shared<std::string>(external_tensor("w.bin", "0", "8"));
    Source source{kept, ExternalData(model())};
    const Tensor a = onnx::read_tensor(Message(*kept), source).tensor, b = onnx::read_tensor(Message(*kept), source).tensor;
    EXPECT_EQ(a.data(), b.data());
}

TEST_F(ExternalTensor, StaysWithinTheModelsFolder) {
    const std::string absolute = (model() / "w.bin").string();
    expect_error(external_tensor(absolute, "", ""), "absolute path", model());
    expect_error(external_tensor("../outside.bin", "", ""), "leads out of the model's folder", model());
    expect_error(external_tensor("data/../w.bin", "", ""), "leads out of the model's folder", model());
    expect_error(external_tensor("link.bin", "", ""), "by a link", model());
    expect_error(external_tensor("up/outside.bin", "", ""), "by a link", model());
    expect_error(external_tensor("loop", "", ""), "cannot be found", model());
    expect_error(external_tensor(std::string("w.bin\0x", 7), "", ""), "is no file name", model());
    expect_error(external_tensor("", "", ""), "is no file name", model());
    expect_error(external_tensor("w.bin", "", ""), "from memory");
}

TEST_F(ExternalTensor, ChecksPlaceAndSize) {
    expect_error(external_tensor("missing.bin", "", ""), "external data 'missing.bin' cannot be found", model());
    expect_error(external_tensor("data", "", ""), "is a folder", model());
    expect_error(external_tensor("w.bin", "9", ""), "needs 8 bytes at 9 of external data 'w.bin', which has 16", model());
    expect_error(external_tensor("w.bin", "18446744073709551615", ""), "needs 8 bytes", model());
    expect_error(external_tensor("w.bin", "18446744073709551616", ""), "has the offset", model());
    expect_error(external_tensor("w.bin", "-4", ""), "has the offset '-4'", model());
    expect_error(external_tensor("w.bin", "4x", ""), "has the offset '4x'", model());
    expect_error(external_tensor("w.bin", "0", "4"), "holds 4 bytes, its shape [2] of f32 takes 8", model());
}

TEST(TensorFile, IsWrittenAndReadBack) {
    const TemporaryFolder folder;
    const Tensor tensors[] = {Tensor::ints(std::vector<std::int64_t>{-1, 2, 3}), Tensor::scalar(DType::f16, 1.5), Tensor::zeros(DType::boolean, {2, 3}),
                              Tensor::zeros(DType::f32, {0, 4}), Tensor::zeros(DType::i4, {3})};
    for (const Tensor& t : tensors) {
        write_tensor(folder.path() / "t.pb", "some/name", t);
        const auto [name, back] = tercet::read_tensor(folder.path() / "t.pb");
        EXPECT_EQ(name, "some/name");
        EXPECT_EQ(back.dtype(), t.dtype());
        EXPECT_EQ(back.shape(), t.shape());
        EXPECT_EQ(hex(back), hex(t));
    }
}

TEST(TensorFile, ThatIsNoneIsAnErrorWithItsName) {
    const TemporaryFolder folder;
    for (const auto& [content, part] : {std::pair("hello, world", "is not an ONNX tensor"), std::pair("", "no element type")}) {
        try {
            tercet::read_tensor(folder.write("t.pb", content));
            ADD_FAILURE() << content;
        } catch (const Error& e) {
            EXPECT_THAT(e.what(), ::testing::AllOf(::testing::HasSubstr("t.pb: "), ::testing::HasSubstr(part)));
        }
    }
}

TEST(Utf8, IsToldFromOtherBytes) {
    for (const char* good : {"", "abc", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"}) EXPECT_TRUE(is_utf8(good)) << good;
    for (const char* bad : {"\x80", "\xc3", "\xc3(", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "a\xff", "\xe2\x82"})
        EXPECT_FALSE(is_utf8(bad)) << bad;
}

}  // namespace
}  // namespace tercet::testing
