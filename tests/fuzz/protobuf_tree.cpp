// SPDX-License-Identifier: Apache-2.0
#include "protobuf_tree.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace tercet {
namespace {

std::optional<std::uint64_t> take_varint(std::string_view& from) {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64 && !from.empty(); shift += 7) {
        const auto byte = static_cast<unsigned char>(from.front());
        from.remove_prefix(1);
        value |= std::uint64_t{byte & 0x7fu} << shift;
        if (byte < 0x80) return value;
    }
    return std::nullopt;
}

void put_varint(std::string& to, std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) to += static_cast<char>(value | 0x80);
    to += static_cast<char>(value);
}

// Numbers at which sizes overflow, indices leave their range, or nothing is left.
std::uint64_t other_number(std::uint64_t n, std::minstd_rand& random) {
    constexpr std::uint64_t one = 1;
    const std::uint64_t choices[] = {0, 1, n + 1, n - 1, 0 - n, 2 * n, random() % 64, 0 - one, one << 31, one << 40, one << 62, one << 63, (one << 63) - 1};
    return choices[random() % std::size(choices)];
}

void change_bytes(std::string& s, std::minstd_rand& random, const std::vector<std::string>& words) {
    const bool is_text = std::ranges::all_of(s, [](unsigned char c) { return c >= ' ' && c < 0x7f; });
    if (is_text && !words.empty() && random() % 2) {
        s = words[random() % words.size()];
    } else if (s.size() >= 8 && random() % 2) {  // an element of an i64 tensor
        const std::size_t at = random() % (s.size() / 8) * 8;
        std::uint64_t n;
        std::memcpy(&n, s.data() + at, 8);
        n = other_number(n, random);
        std::memcpy(s.data() + at, &n, 8);
    } else if (s.size() >= 4 && random() % 2) {  // an element of an f32 tensor
        constexpr float choices[] = {0, -1, 0.5f, 1e-30f, 1e30f, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()};
        std::memcpy(s.data() + random() % (s.size() / 4) * 4, &choices[random() % std::size(choices)], 4);
    } else if (!s.empty() && random() % 4) {
        s[random() % s.size()] = static_cast<char>(random());
    } else {
        s.resize(random() % 2 ? s.size() / 2 : s.size() + 1 + random() % 8);
    }
}

void collect(ProtobufMessage& m, std::vector<ProtobufMessage*>& messages) {
    messages.push_back(&m);
    for (ProtobufField& f : m)
        if (f.is_message) collect(f.fields, messages);
}

}  // namespace

std::optional<ProtobufMessage> parse_protobuf(std::string_view bytes, int depth) {
    ProtobufMessage message;
    while (!bytes.empty()) {
        const auto tag = take_varint(bytes);
        if (!tag || *tag >> 3 == 0 || *tag >> 3 > 30) return std::nullopt;
        ProtobufField f{.number = static_cast<std::uint32_t>(*tag >> 3), .wire = static_cast<unsigned>(*tag & 7)};
        std::size_t length = f.wire == 1 ? 8 : 4;
        if (f.wire == 0 || f.wire == 2) {
            const auto value = take_varint(bytes);
            if (!value) return std::nullopt;
            f.value = length = *value;
        } else if (f.wire != 1 && f.wire != 5) {
            return std::nullopt;
        }
        if (f.wire != 0) {
            if (length > bytes.size()) return std::nullopt;
            f.bytes = bytes.substr(0, length);
            bytes.remove_prefix(length);
        }
        if (f.wire == 2 && !f.bytes.empty() && depth < 8)
            if (auto inner = parse_protobuf(f.bytes, depth + 1)) f.is_message = true, f.fields = *std::move(inner);
        message.push_back(std::move(f));
    }
    return message;
}

std::string text_of(const ProtobufMessage& message) {
    std::string s;
    for (const ProtobufField& f : message) {
        put_varint(s, f.number << 3 | f.wire);
        if (f.wire == 0) {
            put_varint(s, f.value);
            continue;
        }
        const std::string inner = f.is_message ? text_of(f.fields) : f.bytes;
        if (f.wire == 2) put_varint(s, inner.size());
        s += inner;
    }
    return s;
}

void mutate(ProtobufMessage& root, std::minstd_rand& random, const std::vector<std::string>& words) {
    std::vector<ProtobufMessage*> messages;
    collect(root, messages);
    ProtobufMessage& m = *messages[random() % messages.size()];
    if (m.empty()) return;
    const auto at = static_cast<std::ptrdiff_t>(random() % m.size()), other = static_cast<std::ptrdiff_t>(random() % m.size());
    switch (random() % 12) {
        case 0: m.erase(m.begin() + at); return;
        case 1: std::swap(m[static_cast<std::size_t>(at)], m[static_cast<std::size_t>(other)]); return;
        case 2: {
            const ProtobufField copy = m[static_cast<std::size_t>(other)];
            m.insert(m.begin() + at, copy);
            return;
        }
        default: break;
    }
    ProtobufField& f = m[static_cast<std::size_t>(at)];
    if (f.wire == 0) {
        f.value = other_number(f.value, random);
    } else if (f.wire == 2 && (!f.is_message || random() % 8 == 0)) {
        f.is_message = false;
        change_bytes(f.bytes, random, words);
    } else if (f.wire == 5 || f.wire == 1) {
        const std::size_t n = f.bytes.size();
        change_bytes(f.bytes, random, {});
        f.bytes.resize(n);
    }
}

}  // namespace tercet
