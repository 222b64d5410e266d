// SPDX-License-Identifier: Apache-2.0
// A protobuf message as a tree, so that a mutation leaves the lengths around it right. What is a message and what is text
// does not show in the bytes: whatever reads as a message counts as one.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace tercet {

struct ProtobufField {
    std::uint32_t number = 0;
    unsigned wire = 0;              // 0 varint, 1 eight bytes, 2 bytes or message, 5 four bytes
    std::uint64_t value = 0;        // of a varint
    std::string bytes{};            // of the others
    bool is_message = false;
    std::vector<ProtobufField> fields{};
};
using ProtobufMessage = std::vector<ProtobufField>;

std::optional<ProtobufMessage> parse_protobuf(std::string_view bytes, int depth = 0);
std::string text_of(const ProtobufMessage&);

/// Changes one place: a number, bytes, or which fields there are. `words` are put where text stands.
void mutate(ProtobufMessage&, std::minstd_rand&, const std::vector<std::string>& words);

}  // namespace tercet
