// SPDX-License-Identifier: Apache-2.0
#include "engine_parts.h"

#include "engine/engine_file.h"
#include "engine/program_json.h"

#include <algorithm>
#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace tercet {
namespace {

constexpr std::size_t alignment = 4096;
std::size_t aligned(std::size_t n) { return (n + alignment - 1) / alignment * alignment; }

template <class T>
void put(std::vector<std::byte>& file, std::size_t at, const T& value) {
    std::memcpy(file.data() + at, &value, sizeof value);
}

}  // namespace

std::vector<std::uint8_t> engine_parts(const Program& program) {
    WeightsWriter weights;
    const std::vector<std::uint8_t> cbor = nlohmann::json::to_cbor(program_to_json(program, weights));
    const auto length = static_cast<std::uint32_t>(cbor.size());
    std::vector<std::uint8_t> parts(sizeof length + cbor.size() + weights.bytes());
    std::memcpy(parts.data(), &length, sizeof length);
    std::ranges::copy(cbor, parts.begin() + sizeof length);
    for (const auto& [offset, tensor] : weights.blobs())
        if (tensor.bytes() > 0) std::memcpy(parts.data() + sizeof length + cbor.size() + offset, tensor.data(), tensor.bytes());
    return parts;
}

std::vector<std::byte> engine_file_of(std::span<const std::uint8_t> parts) {
    std::uint32_t length = 0;
    if (parts.size() >= sizeof length) {
        std::memcpy(&length, parts.data(), sizeof length);
        parts = parts.subspan(sizeof length);
    }
    const auto program = parts.first(std::min<std::size_t>(length, parts.size())), weights = parts.subspan(program.size());
    const std::size_t weights_at = aligned(alignment + program.size());
    std::vector<std::byte> file(weights_at + weights.size());
    std::ranges::copy(std::as_bytes(program), file.begin() + alignment);
    std::ranges::copy(std::as_bytes(weights), file.begin() + static_cast<std::ptrdiff_t>(weights_at));

    // engine_file.h says where these stand.
    std::ranges::copy(std::as_bytes(std::span(engine_magic)), file.begin());
    put(file, 8, engine_version);
    put(file, 12, std::uint32_t{2});
    put(file, 16, std::uint64_t{file.size()});
    const auto section = [&](std::size_t at, std::string_view name, std::size_t offset, std::size_t bytes) {
        std::ranges::copy(std::as_bytes(std::span(name)), file.begin() + static_cast<std::ptrdiff_t>(at));
        put(file, at + 8, std::uint64_t{offset});
        put(file, at + 16, std::uint64_t{bytes});
        put(file, at + 24, std::uint64_t{XXH3_64bits(file.data() + offset, bytes)});
    };
    section(32, "program", alignment, program.size());
    section(64, "weights", weights_at, weights.size());
    std::vector<std::byte> checked(file.begin(), file.begin() + 24);
    checked.insert(checked.end(), file.begin() + 32, file.begin() + 96);
    put(file, 24, std::uint64_t{XXH3_64bits(checked.data(), checked.size())});
    return file;
}

}  // namespace tercet
