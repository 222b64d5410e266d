// SPDX-License-Identifier: Apache-2.0
#include "onnx/message.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>

namespace tercet::onnx {
namespace {

static_assert(std::endian::native == std::endian::little, "elements are used as they stand in the file");

// What protozero throws becomes the Error of a damaged file.
template <class F>
decltype(auto) guarded(F&& f) {
    try {
        return f();
    } catch (const protozero::exception& e) {
        fail_damaged(e.what());
    }
}

std::string_view view_of(protozero::data_view v) { return {v.data(), v.size()}; }

}  // namespace

void fail_damaged(std::string_view why) {
    throw DamagedModel({.what = fmt::format("is not an ONNX model or is damaged ({})", why), .fix = "copy or export it again"});
}

// A lead byte says how many follow; overlong forms, surrogates and what lies beyond U+10FFFF are no UTF-8.
bool is_utf8(std::string_view s) {
    for (std::size_t i = 0; i < s.size();) {
        const auto byte = [&](std::size_t at) { return static_cast<unsigned>(static_cast<unsigned char>(s[at])); };
        const unsigned lead = byte(i);
        const std::size_t more = lead < 0x80 ? 0 : lead >> 5 == 6 ? 1 : lead >> 4 == 14 ? 2 : lead >> 3 == 30 ? 3 : 4;
        if (more == 4 || more >= s.size() - i) return false;
        unsigned point = more == 0 ? lead : lead & (0x3fu >> more);
        for (std::size_t k = 1; k <= more; ++k) {
            if (byte(i + k) >> 6 != 2) return false;
            point = point << 6 | (byte(i + k) & 0x3f);
        }
        constexpr unsigned smallest[] = {0, 0x80, 0x800, 0x10000};
        if (point < smallest[more] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return false;
        i += more + 1;
    }
    return true;
}

void Message::want(protozero::pbf_wire_type type) const {
    if (!is(type)) fail_damaged(fmt::format("field {} has wire type {}", field(), static_cast<int>(reader_.wire_type())));
}

bool Message::next() {
    return guarded([&] { return reader_.next(); });
}

void Message::skip() {
    guarded([&] { reader_.skip(); });
}

std::int64_t Message::integer() {
    want(protozero::pbf_wire_type::varint);
    return guarded([&] { return reader_.get_int64(); });
}

float Message::real() {
    want(protozero::pbf_wire_type::fixed32);
    return guarded([&] { return reader_.get_float(); });
}

std::string_view Message::bytes() {
    want(protozero::pbf_wire_type::length_delimited);
    return guarded([&] { return view_of(reader_.get_view()); });
}

std::string_view Message::text() {
    const std::string_view s = bytes();
    if (!is_utf8(s)) fail_damaged("a name is not UTF-8");
    return s;
}

std::string_view Message::fixed(std::size_t size) {
    const auto single = size == 4 ? protozero::pbf_wire_type::fixed32 : protozero::pbf_wire_type::fixed64;
    if (!is(single)) {
        const std::string_view packed = bytes();
        if (packed.size() % size != 0) fail_damaged("packed numbers end within one");
        return packed;
    }
    const char* start = reader_.data().data();
    skip();
    return {start, size};
}

void Message::append(std::vector<std::int64_t>& to) {
    each_integer([&](std::int64_t v) { to.push_back(v); });
}

void Message::append(std::vector<float>& to) {
    const std::string_view packed = fixed(4);
    const std::size_t before = to.size();
    to.resize(before + packed.size() / 4);
    if (!packed.empty()) std::memcpy(to.data() + before, packed.data(), packed.size());
}

std::int64_t Message::Packed::next() {
    return guarded([&] { return static_cast<std::int64_t>(protozero::decode_varint(&at_, end_)); });
}

}  // namespace tercet::onnx
